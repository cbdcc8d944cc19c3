// A statement whose text depends on a map (`set-header X-Tier %[path,map_beg(tiers.map,basic)]`): once for each value
// that the map may give, with the requests for which it does.
import { escapeFormat, parseFormat, type Piece } from "../action/format.ts";
import { always, and, type Condition } from "../condition/condition.ts";
import { readMapCases } from "../condition/criterion.ts";
import { readFetch } from "../condition/fetch.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Word } from "../split-words.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

export interface StatementCase {
  readonly statement: Statement;
  readonly condition: Condition;
  /** A map has no value for these requests. */
  readonly isWithout?: boolean;
}

/** Maps in one statement; their values multiply. */
const maxMaps = 2;

/**
 * The first case whose condition holds is the one. Words from `end` on are the statement's condition. A statement
 * without a map is its own only case. Throws `StatementProblem`.
 */
export function statementCases(
  statement: Statement,
  end: number,
  files: NamedFiles,
  depth = 0,
): StatementCase[] {
  const expression = mapIn(statement, end);
  if (expression === undefined) return [{ statement, condition: always }];
  if (depth >= maxMaps) unsupported(`more than ${maxMaps} maps in one statement`, "Split the rule.");
  const fetch = readFetch(expression);
  if (fetch.kind !== "map") return invalid(`${JSON.stringify(expression)} is not a sample expression`);
  const values: { condition: Condition; value?: string }[] = readMapCases(fetch, files);
  if (fetch.fallback === undefined && !isLeftOut(statement)) values.push({ condition: always });
  return values.flatMap(({ condition, value }) =>
    statementCases(replaced(statement, expression, value ?? ""), end, files, depth + 1).map((one) => ({
      ...one,
      condition: and([condition, one.condition]),
      ...(value === undefined && { isWithout: true }),
    })),
  );
}

/** Whether HAProxy takes no notice of the statement when the map has nothing. */
function isLeftOut(statement: Statement): boolean {
  return isExpression(statement) || statement.words.some(({ text }) => text === "ignore-empty");
}

/** `set-var` has an expression where others have a format. */
function isExpression(statement: Statement): boolean {
  return wordAt(statement, 1).startsWith("set-var(");
}

const map = /,map(?:_\w+)?\(/;

/** The first expression with a map. */
function mapIn(statement: Statement, end: number): string | undefined {
  for (const { text } of statement.words.slice(1, end)) {
    if (!map.test(text)) continue;
    if (isExpression(statement)) return text;
    for (const piece of parseFormat(text)) {
      if (piece.kind === "dynamic" && map.test(piece.expression)) return piece.expression;
    }
  }
  return undefined;
}

function replaced(statement: Statement, expression: string, value: string): Statement {
  const words = statement.words.map((word): Word => {
    if (!word.text.includes(expression)) return word;
    if (isExpression(statement)) {
      return word.text === expression ? { ...word, text: `str("${value.replaceAll('"', '\\"')}")` } : word;
    }
    if (!word.text.includes("%[")) return word;
    const text = parseFormat(word.text).map((piece) =>
      piece.kind === "dynamic" && piece.expression === expression ? escapeFormat(value) : written(piece),
    );
    return { ...word, text: text.join("") };
  });
  return { ...statement, words };
}

function written(piece: Piece): string {
  if (piece.kind === "text") return escapeFormat(piece.text);
  return piece.expression.startsWith("%") ? piece.expression : `%[${piece.expression}]`;
}
