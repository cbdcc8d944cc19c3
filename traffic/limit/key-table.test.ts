import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import { KeyTable } from "./key-table.ts";

test("the least recently used key goes first", () => {
  const table = new KeyTable<number>(2, 1_000_000);
  table.set("a", 1);
  table.set("b", 2);
  table.get("a");
  table.set("c", 3);
  expect([table.get("a"), table.get("b"), table.get("c")]).toEqual([1, undefined, 3]);
  expect(table.evicted).toBe(1);
});

test("a flood of random keys leaves a key in use alone and memory bounded", () => {
  const table = new KeyTable<number>(1_000, 200_000);
  for (let n = 0; n < 100_000; n++) {
    if (n % 100 === 0) table.set("busy", n);
    table.set(`random-${n}-${"x".repeat(n % 300)}`, n);
  }
  expect(table.get("busy")).toBe(99_900);
  expect(table.size).toBeLessThanOrEqual(1_000);
  expect(table.usedBytes).toBeLessThanOrEqual(200_000);
});

test("a key too long for the table is not kept, nor does it leave anything behind", () => {
  const table = new KeyTable<number>(10, 1_000);
  table.set("x".repeat(10_000), 1);
  expect([table.size, table.usedBytes]).toEqual([0, 0]);
});

test("both bounds hold and the byte count is right after any steps", () => {
  const step = fc.record({ key: fc.string({ maxLength: 8 }), kind: fc.constantFrom("set", "get", "delete") });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, maxEntries) => {
      const table = new KeyTable<string>(maxEntries, 1_000);
      const seen = new Set<string>();
      for (const { key, kind } of steps) {
        if (kind === "set") table.set(key, key);
        else if (kind === "get") table.get(key);
        else table.delete(key);
        seen.add(key);
        expect(table.size).toBeLessThanOrEqual(maxEntries);
        expect(table.usedBytes).toBeLessThanOrEqual(1_000);
      }
      for (const key of seen) table.delete(key);
      expect([table.size, table.usedBytes]).toEqual([0, 0]);
    }),
  );
});

test("a concurrency limit counts per key and forgets idle ones", () => {
  const limit = new ConcurrencyLimit(2);
  expect(["a", "a", "a", "b"].map((key) => limit.enter(key))).toEqual([true, true, false, true]);
  limit.leave("a");
  expect(limit.enter("a")).toBe(true);
  limit.leave("a");
  limit.leave("a");
  limit.leave("b");
  expect(limit.keys).toBe(0);
  expect(() => limit.leave("a")).toThrow(RangeError);
});
