import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ConnectionQueue, shareOfLimits } from "./connection-queue.ts";

test("with Queue, connections wait in the order of their arrival, and nobody overtakes them", () => {
  const queue = new ConnectionQueue<string>({ connectionLimit: { value: 1, overflow: "Queue" } });
  expect(["a", "b", "c"].map((name) => queue.arrive(name, 0))).toEqual(["admitted", "waiting", "waiting"]);
  expect(queue.takeReady(1)).toEqual([]);
  queue.leave("a");
  expect(queue.arrive("d", 2)).toBe("waiting");
  expect(queue.takeReady(2)).toEqual(["b"]);
  queue.leave("c");
  queue.leave("b");
  expect(queue.takeReady(3)).toEqual(["d"]);
});

test("with Close, what is too much is refused, and a place that is left is free again", () => {
  const queue = new ConnectionQueue<string>({ connectionLimit: { value: 1, overflow: "Close" } });
  expect(["a", "b"].map((name) => queue.arrive(name, 0))).toEqual(["admitted", "refused"]);
  queue.leave("a");
  expect(queue.arrive("c", 0)).toBe("admitted");
});

test("a rate lets those who wait in as time goes by", () => {
  const queue = new ConnectionQueue<number>({
    rateLimit: { connections: 2, windowMs: 1_000, overflow: "Queue" },
  });
  expect([0, 1, 2, 3].map((name) => queue.arrive(name, 0))).toEqual([
    "admitted",
    "admitted",
    "waiting",
    "waiting",
  ]);
  expect(queue.takeReady(0)).toEqual([]);
  const inMs = queue.readyInMs(0)!;
  expect(queue.takeReady(inMs - 2)).toEqual([]);
  expect(queue.takeReady(inMs)).toEqual([2]);
  expect(queue.takeReady(inMs + queue.readyInMs(inMs)!)).toEqual([3]);
  expect(queue.readyInMs(5_000)).toBeUndefined();
});

test("there are never more open than the limit, and everyone who stays gets a turn", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat({ max: 9 })), (value, steps) => {
      const queue = new ConnectionQueue<number>({ connectionLimit: { value, overflow: "Queue" } });
      const open = new Set<number>();
      const waiting = new Set<number>();
      const advance = (): void => {
        for (const name of queue.takeReady(0)) {
          waiting.delete(name);
          open.add(name);
        }
      };
      for (const name of steps) {
        if (open.delete(name) || waiting.delete(name)) {
          queue.leave(name);
          advance();
        } else (queue.arrive(name, 0) === "admitted" ? open : waiting).add(name);
        expect(open.size).toBeLessThanOrEqual(value);
        expect(waiting.size === 0 || open.size === value).toBe(true);
      }
    }),
  );
});

test("processes share the limits, to the last connection", () => {
  const whole = {
    connectionLimit: { value: 10, overflow: "Queue" as const },
    rateLimit: { connections: 3, windowMs: 1_000, overflow: "Close" as const },
    clientLimits: [{ maxConnections: 7 }],
  };
  const shares = [0, 1, 2, 3].map((process) => shareOfLimits(whole, process, 4));
  expect(shares.map(({ connectionLimit }) => connectionLimit!.value)).toEqual([3, 3, 2, 2]);
  expect(shares.map(({ rateLimit }) => rateLimit!.connections)).toEqual([1, 1, 1, 1]);
  expect(shares[3]!.clientLimits).toEqual([{ maxConnections: 7 }]);
});
