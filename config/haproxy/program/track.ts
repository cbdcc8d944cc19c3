// `track-sc0 <key> [table <name>] [if …]` (§4.2): by what a counter counts, and where.
import { and, type Condition } from "../condition/condition.ts";
import { conditionStart, parseCondition, type Scope } from "../condition/parse-condition.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { invalid } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";

export interface Track {
  /** Sample expression. */
  readonly key: string;
  /** Absent: that of the section. */
  readonly table: string | undefined;
  /** What is tracked. */
  readonly tracked: Condition;
}

/** `undefined`: the counter is `src`, which needs no tracking. Throws `StatementProblem`. */
export function trackOf(proxy: Proxy, counter: string, scope: Scope): Track | undefined {
  if (counter === "src") return undefined;
  const statement = trackStatement(proxy, counter);
  if (!statement) {
    return invalid(`nothing is tracked by ${counter}`, {
      remedy: `Add \`http-request track-${counter} src\`.`,
    });
  }
  const index = statement.words.findIndex(({ text }) => text.startsWith("track-"));
  const tracked = parseCondition(statement.words, conditionStart(statement.words, index), scope) ?? and([]);
  const [keyword, table] = wordsFrom(statement, index + 2);
  return {
    key: wordAt(statement, index + 1),
    table: keyword === "table" ? table : undefined,
    tracked,
  };
}

/** Whether the section has a rule for it. */
export function isTracked(proxy: Proxy, counter: string): boolean {
  return trackStatement(proxy, counter) !== undefined;
}

function trackStatement(proxy: Proxy, counter: string): Statement | undefined {
  const tracks = ["http-request", "tcp-request"]
    .flatMap((keyword) => statementsOf(proxy, keyword))
    .filter(isTrack);
  return tracks.find(({ words }) =>
    words.some(({ text }) => text === `track-${counter}` || text === `track-sc(${counter.slice(2)})`),
  );
}

export function isTrack({ words }: Statement): boolean {
  return words.some(({ text }, index) => index <= 2 && text.startsWith("track-sc"));
}
