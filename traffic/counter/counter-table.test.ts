import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CounterTable } from "./counter-table.ts";
import { addEvents, eventsIn, type Frequency } from "./frequency.ts";

const general = { type: "General" } as const;
const table = (maxEntries = 100, expiryMs?: number): CounterTable =>
  new CounterTable(
    {
      maxEntries,
      ...(expiryMs !== undefined && { expiryMs }),
      counters: [
        { type: "General" },
        { type: "GeneralRate", periodMs: 1_000 },
        { type: "General", index: 1 },
        { type: "ConcurrentRequests" },
      ],
    },
    1_000_000,
  );
const read = (
  of: CounterTable,
  key: string,
  nowMs: number,
  counter: Parameters<CounterTable["valueOf"]>[1] = general,
) => of.valueOf(of.entry(key, nowMs), counter, nowMs);

describe("a table of counters", () => {
  test("keys and counters are apart, and a rate counts along", () => {
    const counted = table();
    counted.add("a", general, 2, 0);
    counted.add("a", { type: "General", index: 1 }, 5, 0);
    counted.set("b", general, 7, 0);
    expect([read(counted, "a", 0), read(counted, "b", 0), read(counted, "c", 0)]).toEqual([2, 7, 0]);
    expect(read(counted, "a", 0, { type: "General", index: 1 })).toBe(5);
    expect(read(counted, "a", 0, { type: "GeneralRate" })).toBe(2);
    expect(read(counted, "b", 0, { type: "GeneralRate" })).toBe(0);
    expect(["a", "c"].map((key) => read(counted, key, 0, { type: "Entry" }))).toEqual([1, 0]);
  });

  test("whoever has read an entry goes on seeing what it said", () => {
    const counted = table();
    counted.add("a", general, 1, 0);
    const before = counted.entry("a", 0);
    counted.add("a", general, 1, 0);
    expect(counted.valueOf(before, general, 0)).toBe(1);
  });

  test("an entry expires when nothing was counted in it, however often it was read", () => {
    const counted = table(100, 1_000);
    counted.add("a", general, 1, 0);
    expect([500, 999].map((nowMs) => read(counted, "a", nowMs))).toEqual([1, 1]);
    counted.touch("a", 999);
    expect([1_998, 1_999].map((nowMs) => read(counted, "a", nowMs))).toEqual([1, 0]);
  });

  test("an entry is held by the requests that are under way", () => {
    const counted = table(100, 1_000);
    counted.add("a", { type: "ConcurrentRequests" }, 1, 0);
    expect(read(counted, "a", 5_000, { type: "ConcurrentRequests" })).toBe(1);
    counted.add("a", { type: "ConcurrentRequests" }, -1, 5_000);
    expect(read(counted, "a", 6_000, { type: "Entry" })).toBe(0);
  });

  test("a flood of keys takes no more room than there is; those that are used stay", () => {
    const counted = table(10);
    counted.set("mark", general, 1, 0);
    for (let index = 0; index < 1_000; index += 1) {
      counted.add(`flood-${index}`, general, 1, 0);
      read(counted, "mark", 0);
    }
    expect(counted.size).toBe(10);
    expect(read(counted, "mark", 0)).toBe(1);
  });

  test("numbers stay within 32 bits", () => {
    const counted = table();
    counted.set("a", general, 4_294_967_295, 0);
    counted.add("a", general, 1, 0);
    counted.add("b", general, -1, 0);
    expect([read(counted, "a", 0), read(counted, "b", 0)]).toEqual([4_294_967_295, 0]);
  });
});

describe("events in a period", () => {
  test("the period before counts for what is left of it", () => {
    let rate = addEvents(undefined, 4, 1_000, 0);
    expect([0, 999, 1_000, 1_500, 1_999, 2_000].map((nowMs) => eventsIn(rate, 1_000, nowMs))).toEqual([
      4, 4, 4, 2, 0, 0,
    ]);
    rate = addEvents(rate, 1, 1_000, 1_500);
    expect(eventsIn(rate, 1_000, 1_500)).toBe(3);
    expect(addEvents(rate, 1, 1_000, 9_000)).toEqual({ startMs: 9_000, current: 1, previous: 0 });
  });

  test("what a request adds is one more than before it, at any time", () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(1_500), count: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(steps, (list) => {
        let rate: Frequency | undefined;
        let nowMs = 0;
        for (const { waitMs, count } of list) {
          nowMs += waitMs;
          const before = rate ? eventsIn(rate, 1_000, nowMs) : 0;
          rate = addEvents(rate, count, 1_000, nowMs);
          expect(eventsIn(rate, 1_000, nowMs)).toBe(before + count);
        }
      }),
    );
  });
});
