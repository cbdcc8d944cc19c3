// `use_backend` and `default_backend`: where requests go on (§4.2). A name that depends on the request is looked up among
// the backends that there are.
import { parseFormat } from "../action/format.ts";
import { standardAnswer } from "../action/answer.ts";
import { always, and, type Condition } from "../condition/condition.ts";
import { readCriterion } from "../condition/criterion.ts";
import { conditionStart, parseCondition, type Scope } from "../condition/parse-condition.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, StatementProblem, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { apartFromCounting } from "./counting-steps.ts";
import type { Effect, Step } from "./program.ts";
import { statementCases } from "./statement-cases.ts";

interface Switching {
  readonly scope: Scope;
  /** Names of all backends. */
  readonly backends: ReadonlySet<string>;
  /** Where requests go that no statement sends anywhere. */
  readonly fallback: Effect | undefined;
  readonly notes: Notes;
}

export function switchingSteps(
  proxy: Proxy,
  scope: Scope,
  backends: ReadonlySet<string>,
  notes: Notes,
): Step[] {
  const last = fallbackStep(proxy, backends, notes);
  const switching: Switching = { scope, backends, fallback: last?.effect, notes };
  const steps = statementsOf(proxy, "use_backend").flatMap(
    (statement) => attempt(statement, notes, () => useSteps(statement, switching)) ?? [],
  );
  return last ? [...steps, last] : steps;
}

function fallbackStep(proxy: Proxy, backends: ReadonlySet<string>, notes: Notes): Step | undefined {
  const statement = settingOf(proxy, "default_backend");
  if (statement) {
    const effect = attempt(statement, notes, () => use(statement, wordAt(statement, 1), backends));
    return effect && { statement, condition: always, effect };
  }
  if (proxy.kind !== "listen" || statementsOf(proxy, "server").length === 0) return undefined;
  return { statement: proxy.heading, condition: always, effect: { kind: "use", backend: proxy.name } };
}

function useSteps(statement: Statement, switching: Switching): Step[] {
  const { scope, backends } = switching;
  const start = conditionStart(statement.words, 1);
  const parsed = parseCondition(statement.words, start, scope);
  if (!parsed) return [];
  const { before, condition } = apartFromCounting(statement, parsed);
  const name = wordAt(statement, 1);
  if (!name.includes("%[")) {
    return [...before, { statement, condition, effect: use(statement, name, backends) }];
  }
  const step = ({ name: found, condition: own }: NamedCase): Step => ({
    statement,
    condition: and([condition, own]),
    effect:
      found !== undefined && backends.has(found) ? { kind: "use", backend: found } : otherwise(switching),
  });
  const cases = statementCases(statement, 2, scope.files);
  const named = cases
    .filter(({ isWithout }) => !isWithout)
    .flatMap((one) =>
      namesOf(one.statement, switching).map((found) => ({
        ...found,
        condition: and([one.condition, found.condition]),
      })),
    );
  noteMissing(statement, named, switching);
  // HAProxy does not go on to the next statement when there is no such backend.
  return [...named, { name: undefined, condition: always }].map(step);
}

interface NamedCase {
  /** Absent: none of the backends. */
  readonly name: string | undefined;
  readonly condition: Condition;
}

/** The names that a format may give, as far as backends have them. */
function namesOf(statement: Statement, { scope, backends }: Switching): NamedCase[] {
  const pieces = parseFormat(wordAt(statement, 1));
  const dynamic = pieces.findIndex(({ kind }) => kind === "dynamic");
  const textOf = (from: number, to?: number): string =>
    pieces
      .slice(from, to)
      .map((piece) => (piece.kind === "text" ? piece.text : ""))
      .join("");
  if (dynamic < 0) return [{ name: textOf(0), condition: always }];
  const piece = pieces[dynamic]!;
  if (piece.kind !== "dynamic" || pieces.slice(dynamic + 1).some(({ kind }) => kind === "dynamic")) {
    return unsupported(
      "the backend's name depends on several parts of the request",
      "Write one use_backend per name.",
    );
  }
  const [start, end] = [textOf(0, dynamic), textOf(dynamic + 1)];
  return [...backends]
    .filter((name) => name.startsWith(start) && name.endsWith(end) && name.length > start.length + end.length)
    .map((name) => {
      const middle = name.slice(start.length, name.length - end.length);
      const condition = readCriterion([piece.expression, "-m", "str", "--", middle], scope.files);
      return { name, condition };
    });
}

function otherwise({ fallback }: Switching): Effect {
  return fallback ?? { kind: "answer", filters: standardAnswer(503) };
}

function noteMissing(
  statement: Statement,
  cases: readonly NamedCase[],
  { backends, notes }: Switching,
): void {
  const missing = new Set(
    cases.flatMap(({ name }) => (name === undefined || backends.has(name) ? [] : [name])),
  );
  const [first] = missing;
  if (first === undefined) return;
  const others = missing.size > 1 ? ` and ${missing.size - 1} more` : "";
  notes.add(statement, {
    code: "statement-approximated",
    message: `no backend is named ${JSON.stringify(first)}${others}: as in HAProxy, such requests are for default_backend`,
  });
}

function use(statement: Statement, name: string, backends: ReadonlySet<string>): Effect {
  if (backends.has(name)) return { kind: "use", backend: name };
  throw new StatementProblem({
    code: "reference-unknown",
    message: `no backend is named ${JSON.stringify(name)}`,
    mistyped: { name, known: backends },
    word: statement.words[1],
  });
}
