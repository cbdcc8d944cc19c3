import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { HedgeEvent, HedgeState } from "./hedging.ts";
import { firstCopy, mayHedge, stepHedge } from "./hedging.ts";

const policy = { delayMs: 50, maxAttempts: 3, budgetPercent: 5 };
const good = (copy: number): HedgeEvent => ({ kind: "answer", copy, good: true });
const bad = (copy: number): HedgeEvent => ({ kind: "answer", copy, good: false });
const delay: HedgeEvent = { kind: "delay" };

function run(events: HedgeEvent[], budget = true): string[] {
  let state: HedgeState = firstCopy;
  return events.map((event) => {
    const [next, action] = stepHedge(policy, state, event, () => budget);
    state = next;
    return action.kind === "wait" ? "wait" : `${action.kind} ${action.copy}`;
  });
}

test.each<[string, HedgeEvent[], boolean, string[]]>([
  ["a quick answer needs no copy", [good(0), delay], true, ["use 0", "wait"]],
  ["a slow one gets copies up to the bound", [delay, delay, delay], true, ["send 1", "send 2", "wait"]],
  ["the first good answer wins", [delay, good(1), good(0)], true, ["send 1", "use 1", "wait"]],
  ["a bad answer waits for the others", [delay, bad(0), good(1)], true, ["send 1", "wait", "use 1"]],
  ["the last bad answer is used", [delay, bad(1), bad(0)], true, ["send 1", "wait", "use 0"]],
  ["an only bad answer is used: retrying is not hedging", [bad(0)], true, ["use 0"]],
  ["an empty budget sends nothing", [delay, good(0)], false, ["wait", "use 0"]],
])("%s", (_name, events, budget, expected) => {
  expect(run(events, budget)).toEqual(expected);
});

test.each([
  ["GET", true, true],
  ["POST", true, false],
  ["PUT", false, false],
])("%s with replayable body %s: %s", (method, bodyReplayable, expected) => {
  expect(mayHedge({ method, bodyReplayable })).toBe(expected);
});

test("whatever the order, the client gets exactly one answer once every copy answered", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 6 }),
      fc.array(fc.nat(99), { minLength: 3, maxLength: 3 }),
      (delays, order) => {
        const events: HedgeEvent[] = delays.map(() => delay);
        const sent = run(events).filter((action) => action.startsWith("send")).length + 1;
        const copies = Array.from({ length: sent }, (_, copy) => copy).sort((a, b) => order[a]! - order[b]!);
        const actions = run([
          ...events,
          ...copies.map((copy) => (order[copy]! % 2 ? good(copy) : bad(copy))),
        ]);
        expect(actions.filter((action) => action.startsWith("use"))).toHaveLength(1);
      },
    ),
  );
});
