import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { CircuitResource } from "./circuit-breaker.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";

test("the bound holds, refusals are counted, and a release makes room", () => {
  const breaker = new CircuitBreaker({ maxParallelRequests: 2 });
  expect([1, 2, 3].map(() => breaker.acquire("parallelRequests"))).toEqual([true, true, false]);
  breaker.release("parallelRequests");
  expect(breaker.acquire("parallelRequests")).toBe(true);
  expect(breaker.status().parallelRequests).toEqual({ open: 2, refused: 1, bound: 2 });
});

test("without a bound nothing is refused; a bound of 0 refuses all", () => {
  const breaker = new CircuitBreaker({ maxParallelRetries: 0 });
  for (let n = 0; n < 10_000; n++) expect(breaker.acquire("connections")).toBe(true);
  expect(breaker.acquire("parallelRetries")).toBe(false);
});

test("nothing is released twice, and the resources do not mix", () => {
  const resource = fc.constantFrom<CircuitResource>("connections", "pendingRequests", "parallelRequests");
  fc.assert(
    fc.property(fc.array(fc.record({ resource, take: fc.boolean() }), { maxLength: 100 }), (steps) => {
      const breaker = new CircuitBreaker({ maxConnections: 2, maxPendingRequests: 3 });
      const open = { connections: 0, pendingRequests: 0, parallelRequests: 0 };
      const bounds = { connections: 2, pendingRequests: 3, parallelRequests: Infinity };
      for (const { resource: name, take } of steps) {
        const key = name as keyof typeof open;
        if (take) {
          expect(breaker.acquire(name)).toBe(open[key] < bounds[key]);
          open[key] = Math.min(bounds[key], open[key] + 1);
        } else if (open[key] > 0) {
          breaker.release(name);
          open[key]--;
        } else {
          expect(() => breaker.release(name)).toThrow(RangeError);
        }
        expect(breaker.status()[name].open).toBe(open[key]);
      }
    }),
  );
});
