// Rules that count: `track-sc0`, `sc-inc-gpc0(0)`, `sc-set-gpt0(0) 1`, and conditions whose tests do so (`src_inc_gpc0 gt 0`).
import type { ResponseMatch } from "#contract/response-match.ts";
import { and, type Condition } from "../condition/condition.ts";
import { apartFromEffects } from "../condition/counter-condition.ts";
import type { CounterRead } from "../condition/counter-read.ts";
import { counterKey, havingKey } from "./counter-key.ts";
import type { Counting } from "./counters.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";
import type { Effect, Situation, Step } from "./program.ts";

const actions = /^sc-(inc|set|add)-(gp[ct])([01])?\(([^()]*)\)$/;

/** Whether a statement changes a counter of a table. */
export function isCountingAction(statement: Statement): boolean {
  const index = wordAt(statement, 0) === "tcp-request" ? 2 : 1;
  return /^sc-(?:inc|set|add)-/.test(wordAt(statement, index));
}

/** `sc-inc-gpc0(<sc>)`, `sc-inc-gpc(<number>,<sc>)`; `index`: of the action's word. Throws `StatementProblem`. */
export function countingEffect(statement: Statement, index: number, responses?: ResponseMatch): Effect {
  const [, verb, kind, digit, text = ""] = actions.exec(wordAt(statement, index)) ?? [];
  const args = text.split(",").map((word) => word.trim());
  const [number = "", slot = ""] = digit === undefined ? args : [digit, args[0]];
  if (verb === undefined || !/^[0-9]{1,2}$/.test(number) || !/^[0-9]+$/.test(slot)) {
    return invalid("expected an action such as `sc-inc-gpc0(0)` or `sc-inc-gpc(1,0)`");
  }
  const read: CounterRead = {
    source: `sc${slot}`,
    counter: {
      type: kind === "gpt" ? "Tag" : "General",
      ...(Number(number) > 0 && { index: Number(number) }),
    },
  };
  const value = verb === "inc" ? 1 : valueOf(wordAt(statement, index + 1));
  const how: Counting = { type: verb === "set" ? "Set" : "Add", value, ...(responses && { responses }) };
  return { kind: "change", change: counted(read, how) };
}

function valueOf(text: string): number {
  const [, value] = /^(?:int\()?([0-9]{1,10})\)?$/.exec(text) ?? [];
  if (value !== undefined && Number(value) <= 4_294_967_295) return Number(value);
  return unsupported("tags and counters are set to known numbers", "Write a number.");
}

function counted(read: CounterRead, how: Counting): (situation: Situation) => Situation["draft"] {
  return (situation) => {
    const { draft } = situation;
    return draft.counted ? { ...draft, counted: draft.counted.count(read, how, situation) } : draft;
  };
}

/** `track-sc0 <key> [table <name>]`, of the section `section`. Throws `StatementProblem`. */
export function trackEffect(statement: Statement, section: string): Effect {
  const index = statement.words.findIndex(({ text }) => text.startsWith("track-sc"));
  const slot = `sc${/[0-9]+/.exec(wordAt(statement, index))?.[0] ?? ""}`;
  const [keyword, name] = wordsFrom(statement, index + 2);
  const table = keyword === "table" && name !== undefined ? name : section;
  const key = wordAt(statement, index + 1);
  const change = (situation: Situation): Situation["draft"] => {
    const { draft } = situation;
    const parts = counterKey(key, situation);
    return draft.counted && parts ? { ...draft, counted: draft.counted.track(slot, table, parts) } : draft;
  };
  return { kind: "change", where: havingKey(key), change };
}

/** What happens while a condition is looked at, and the condition afterwards. Throws `StatementProblem`. */
export function apartFromCounting(
  statement: Statement,
  condition: Condition,
): { readonly before: Step[]; readonly condition: Condition } {
  const { happens, reads } = apartFromEffects(condition);
  if (
    happens.length > 0 &&
    wordAt(statement, 0).startsWith("http-") &&
    wordAt(statement, 0) !== "http-request"
  ) {
    return unsupported("conditions on responses do not count", "Write `http-response sc-inc-gpc0(0) if …`.");
  }
  const before = happens.map(({ read, condition: reached }): Step => {
    const how: Counting = read.effect === "add" ? { type: "Add", value: 1 } : { type: "Set", value: 0 };
    return { statement, condition: and([reached]), effect: { kind: "change", change: counted(read, how) } };
  });
  return { before, condition: reads };
}
