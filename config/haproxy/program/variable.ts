// `set-var`, `set-var-fmt` and `unset-var`: what variables are, or are made of.
import { staticText } from "../action/format.ts";
import type { Direction } from "../action/header-action.ts";
import { requestText } from "../action/request-text.ts";
import type { TextSubject } from "../condition/condition.ts";
import { counterIn } from "../condition/counter-read.ts";
import { readFetch } from "../condition/fetch.ts";
import { subjectKey } from "../condition/changes.ts";
import { knownSample, withSources } from "../condition/known-sample.ts";
import { parseSample } from "../condition/sample.ts";
import { variablesOf } from "../condition/sample-variables.ts";
import { invalid, StatementProblem } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { Situation } from "./program.ts";

/** `set-var(<scope>.<name>)`, with its expression behind it. */
export function variableChange(
  statement: Statement,
  index: number,
  direction: Direction = "request",
): (situation: Situation) => Situation["draft"] {
  const action = wordAt(statement, index);
  const found = /^(?:un)?set-var(?:-fmt)?\(([\w.-]+)(?:,[^)]*)?\)$/.exec(action);
  if (!found) return invalid("expected `set-var(<scope>.<name>) <expression>`");
  const name = found[1]!;
  const isFormat = action.startsWith("set-var-fmt");
  const expression = wordAt(statement, index + 1);
  return (request) => {
    const situation: Situation = direction === "request" ? request : { ...request, message: "response" };
    const { draft } = situation;
    const value = action.startsWith("unset")
      ? null
      : isFormat
        ? staticText(expression, situation)
        : knownSample(expression, situation);
    const isKept = value === undefined && direction === "request" && !isFormat;
    const source = isKept ? sourceOf(expression, situation) : undefined;
    const isText = value === undefined && source === undefined;
    const text = isText ? textOf(expression, isFormat, situation) : undefined;
    const sources = new Map(draft.sources);
    if (source === undefined) sources.delete(name);
    else sources.set(name, source);
    return { ...draft, changes: new Map(draft.changes).set(`variable:${name}`, value ?? text), sources };
  };
}

/** What it is put together from. An expression that finds nothing leaves a variable as it is, a format never does. */
function textOf(expression: string, isFormat: boolean, situation: Situation): TextSubject | undefined {
  const parts = requestText(isFormat ? expression : `%[${expression}]`, situation);
  return parts && { type: "text", parts, ...(isFormat && { missingIsEmpty: true as const }) };
}

/** The expression, if it says something of the request as it came in. */
function sourceOf(expression: string, situation: Situation): string | undefined {
  const { draft } = situation;
  const source = withSources(expression, draft.sources);
  const sample = parseSample(source);
  // What variables in it are made of is not kept with it, and counters are told as they are now.
  if (!sample || variablesOf(sample).length > 0 || counterIn(sample)) return undefined;
  const isPlain = draft.target === undefined && !draft.path;
  if (isPlain && requestText(`%[${source}]`, situation)) return source;
  try {
    const fetch = readFetch(source);
    return fetch.kind === "text" && !draft.changes.has(subjectKey(fetch.subject)) ? source : undefined;
  } catch (error) {
    // What cannot be read matters where the variable is tested, if anywhere.
    if (error instanceof StatementProblem) return undefined;
    throw error;
  }
}
