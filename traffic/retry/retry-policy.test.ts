import * as fc from "fast-check";
import { expect, test } from "vitest";
import { retrySchema } from "#contract/backend-policy.ts";
import type { AttemptResult, RetryRequest } from "./retry-policy.ts";
import { backoffMs, decideRetry, perTryTimeoutMs } from "./retry-policy.ts";

const all = [
  "5xx",
  "gateway-error",
  "reset",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "cancelled",
  "unavailable",
] as const;
const policyOf = (triggers: readonly string[], httpStatusCodes: number[] = []) =>
  retrySchema.parse({ retryOn: { triggers, httpStatusCodes } });
const get: RetryRequest = { method: "GET", bodyReplayable: true, deadlineMs: Infinity };
const status = (code: number, grpcStatus?: number): AttemptResult => ({
  kind: "response",
  status: code,
  grpcStatus,
});
const failure = (kind: "connect" | "refused" | "reset" | "timeout", nothingSent = false): AttemptResult => ({
  kind: "failure",
  failure: kind,
  nothingSent,
});
const decide = (
  triggers: readonly string[],
  result: AttemptResult,
  request: Partial<RetryRequest> = {},
  retries = 0,
  budget = true,
) => {
  const decision = decideRetry(
    policyOf(triggers, [429]),
    { ...get, ...request },
    result,
    retries,
    0,
    0.5,
    () => budget,
  );
  return decision.retry ? decision.condition : decision.reason;
};

test.each<[string, AttemptResult, string]>([
  ["5xx", status(500), "5xx"],
  ["5xx", status(499), "no-condition"],
  ["5xx", failure("reset"), "5xx"],
  ["5xx", failure("connect"), "5xx"],
  ["gateway-error", status(502), "gateway-error"],
  ["gateway-error", status(501), "no-condition"],
  ["gateway-error", failure("timeout"), "gateway-error"],
  ["reset", failure("reset"), "reset"],
  ["reset", failure("timeout"), "reset"],
  ["reset", failure("connect"), "no-condition"],
  ["reset", status(503), "no-condition"],
  ["connect-failure", failure("connect"), "connect-failure"],
  ["connect-failure", failure("reset"), "no-condition"],
  ["refused-stream", failure("refused"), "refused-stream"],
  ["retriable-4xx", status(409), "retriable-4xx"],
  ["retriable-4xx", status(404), "no-condition"],
  ["retriable-status-codes", status(429), "retriable-status-codes"],
  ["retriable-status-codes", status(503), "no-condition"],
  ["unavailable", status(200, 14), "unavailable"],
  ["unavailable", status(200, 0), "no-condition"],
  ["cancelled", status(200, 1), "cancelled"],
  ["cancelled", status(200), "no-condition"],
])("condition %s on %j: %s", (trigger, result, expected) => {
  expect(decide([trigger], result)).toBe(expected);
});

test("by default a connect failure and a 503 are tried again, a 500 is not", () => {
  const run = (result: AttemptResult) =>
    decideRetry(retrySchema.parse({}), get, result, 0, 0, 0, () => true).retry;
  expect([run(failure("connect")), run(status(503)), run(status(500))]).toEqual([true, true, false]);
});

test.each<[string, AttemptResult, Partial<RetryRequest>, number, boolean, string]>([
  ["POST that may have arrived", failure("reset"), { method: "POST" }, 0, true, "method-not-idempotent"],
  ["POST answered 503", status(503), { method: "POST" }, 0, true, "method-not-idempotent"],
  [
    "call of gRPC with a status that is named",
    status(200, 14),
    { method: "POST", isGrpc: true },
    0,
    true,
    "unavailable",
  ],
  [
    "call of gRPC that was reset",
    failure("reset"),
    { method: "POST", isGrpc: true },
    0,
    true,
    "method-not-idempotent",
  ],
  ["POST with a status of gRPC", status(200, 14), { method: "POST" }, 0, true, "method-not-idempotent"],
  ["PATCH after a timeout", failure("timeout"), { method: "PATCH" }, 0, true, "method-not-idempotent"],
  ["POST that was never sent", failure("connect", true), { method: "POST" }, 0, true, "5xx"],
  ["unknown method", failure("reset"), { method: "PURGE" }, 0, true, "method-not-idempotent"],
  ["PUT after a reset", failure("reset"), { method: "PUT" }, 0, true, "5xx"],
  ["body partly gone", failure("connect", true), { bodyReplayable: false }, 0, true, "body-not-replayable"],
  ["third retry of two", status(503), {}, 2, true, "attempts-exhausted"],
  ["deadline within the backoff", status(503), { deadlineMs: 12 }, 0, true, "deadline"],
  ["empty budget", status(503), {}, 0, false, "budget"],
])("%s: %s", (_name, result, request, retries, budget, expected) => {
  expect(decide(all, result, request, retries, budget)).toBe(expected);
});

test("no configuration makes a request that may have arrived repeatable", () => {
  fc.assert(
    fc.property(
      fc.subarray([...all]),
      fc.constantFrom("POST", "PATCH", "CONNECT", "post", "get"),
      fc.oneof(
        fc.integer({ min: 100, max: 599 }).map((code) => status(code, 14)),
        fc.constantFrom(failure("reset"), failure("timeout"), failure("refused"), failure("connect")),
      ),
      (triggers, method, result) => {
        const policy = policyOf(triggers, [409, 429, 500, 503]);
        const request = { method, bodyReplayable: true, deadlineMs: Infinity };
        expect(decideRetry(policy, request, result, 0, 0, 0, () => true).retry).toBe(false);
      },
    ),
  );
});

test("the budget is not touched by a retry that is refused for another reason", () => {
  const spend = () => expect.unreachable();
  decideRetry(policyOf(all), { ...get, method: "POST" }, status(503), 0, 0, 0, spend);
  decideRetry(policyOf(all), get, status(503), 9, 0, 0, spend);
  decideRetry(policyOf(all), { ...get, deadlineMs: 0 }, status(503), 0, 0, 0, spend);
});

test.each([
  [0, 0.999, 24],
  [1, 0.999, 74],
  [2, 0.999, 174],
  [3, 0.999, 249],
  [9, 0.999, 249],
  [5, 0, 0],
])("backoff after %d retries with jitter %d: %d ms", (retries, unit, expected) => {
  expect(backoffMs(retrySchema.parse({}), retries, unit)).toBe(expected);
});

test("a try never outlasts the request", () => {
  const policy = retrySchema.parse({ perRetry: { timeoutMs: 500 } });
  expect(perTryTimeoutMs(policy, 10_000, 1_000)).toBe(500);
  expect(perTryTimeoutMs(policy, 1_200, 1_000)).toBe(200);
  expect(perTryTimeoutMs(policy, 900, 1_000)).toBe(0);
  expect(perTryTimeoutMs(retrySchema.parse({}), Infinity, 0)).toBe(Infinity);
});
