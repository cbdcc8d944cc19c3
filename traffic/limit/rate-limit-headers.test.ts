import * as fc from "fast-check";
import { expect, test } from "vitest";
import { limitSchema, rateLimitSchema } from "#contract/rate-limit.ts";
import { compileOverrides, composeKey } from "./limit-key.ts";
import type { LimitReport } from "./rate-limit-headers.ts";
import {
  quotaExceededProblem,
  rateLimitField,
  rateLimitPolicyField,
  retryAfterField,
} from "./rate-limit-headers.ts";
import { spend } from "./spend.ts";

const limit = limitSchema.parse({ requests: 100, windowMs: 60_000 });
const report = (fields: Partial<LimitReport> = {}): LimitReport => ({
  name: "default",
  limit,
  allowed: true,
  remaining: 50,
  retryAfterMs: 0,
  resetAfterMs: 30_000,
  ...fields,
});

test("the policy field names quota and window, several in one list", () => {
  const daily = limitSchema.parse({ algorithm: "FixedWindow", requests: 1_000, windowMs: 86_400_000 });
  expect(
    rateLimitPolicyField([
      { name: "burst", limit },
      { name: "daily", limit: daily },
    ]),
  ).toBe('"burst";q=100;w=60, "daily";q=1000;w=86400');
});

test("a window that is not whole seconds is told for the next whole number of them", () => {
  const half = limitSchema.parse({ requests: 5, windowMs: 500 });
  expect(rateLimitPolicyField([{ name: "a", limit: half }])).toBe('"a";q=10;w=1');
});

test("the limit field tells what is left and for how long", () => {
  expect(rateLimitField([report()])).toBe('"default";r=50;t=30');
  expect(rateLimitField([report({ allowed: false, remaining: 0, retryAfterMs: 601 })])).toBe(
    '"default";r=0;t=1',
  );
});

test("a client that divides what is left by the time never comes to more than the policy's rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1_000, max: 100_000 }),
      fc.nat(2_000),
      (requests, windowMs, used) => {
        const own = limitSchema.parse({ requests, windowMs });
        const verdict = spend(own, undefined, Math.min(used, requests), 0);
        const field = rateLimitField([{ name: "x", limit: own, ...verdict }]);
        const [, left, seconds] = /r=(\d+);t=(\d+)/.exec(field)!;
        if (Number(left) > 0)
          expect(Number(left) / Number(seconds)).toBeLessThanOrEqual((requests * 1_000) / windowMs + 1e-9);
      },
    ),
  );
});

test("Retry-After is the longest of those that refused, not before the effective window ends, and never 0", () => {
  const short = report({ allowed: false, remaining: 0, retryAfterMs: 10 });
  const long = report({ name: "daily", allowed: false, remaining: 0, retryAfterMs: 90_000 });
  expect(retryAfterField([short])).toBe("1");
  expect(retryAfterField([short, report({ resetAfterMs: 900_000 }), long])).toBe("90");
  expect(retryAfterField([report({ allowed: false, retryAfterMs: Infinity })])).toBe(String(366 * 86_400));
});

test("the problem document names the policies that refused", () => {
  expect(quotaExceededProblem([report(), report({ name: "daily", allowed: false })])).toEqual({
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Request cannot be satisfied as assigned quota has been exceeded",
    status: 429,
    "violated-policies": ["daily"],
  });
});

test("a name is quoted as a structured string, and what cannot be one is refused", () => {
  expect(rateLimitField([report({ name: 'a"b\\c' })])).toBe('"a\\"b\\\\c";r=50;t=30');
  expect(() => rateLimitField([report({ name: "a\r\nx" })])).toThrow(RangeError);
});

test("different lists of values never share a key", () => {
  const values = fc.array(fc.string({ unit: fc.constantFrom("a", ":", "|", "1") }), { maxLength: 4 });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      expect(composeKey(one) === composeKey(other)).toBe(same);
    }),
  );
  expect(composeKey(["x".repeat(100_000)]).length).toBeLessThan(300);
});

test("a key with a limit of its own gets it", () => {
  const policy = rateLimitSchema.parse({
    name: "per-client",
    limit,
    key: [{ type: "ClientIP" }],
    overrides: [{ key: ["192.0.2.1"], limit: { requests: 5, windowMs: 1_000 } }],
  });
  const limitOf = compileOverrides(policy);
  expect(limitOf(composeKey(["192.0.2.1"])).requests).toBe(5);
  expect(limitOf(composeKey(["192.0.2.2"])).requests).toBe(100);
});
