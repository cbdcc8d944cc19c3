import { expect, test } from "vitest";
import type { AnswerExpectation } from "#contract/active-health-check.ts";
import { compileAnswerTest } from "./answer-test.ts";

const request = { path: "/", method: "GET" as const, expectedStatuses: [200, 204] };
const answer = (status: number, body = "", headers: readonly (readonly [string, string])[] = []) => {
  return { status, body, headers };
};

test("an answer is judged by its status", () => {
  const { judge, readsBody } = compileAnswerTest(request);
  expect(readsBody).toBe(false);
  expect(judge(answer(204))).toEqual({ ok: true, detail: "status 204" });
  expect(judge(answer(503))).toEqual({ ok: false, detail: "status 503, expected 200 or 204" });
});

test("a status that wants no new clients comes before what is expected", () => {
  const { judge } = compileAnswerTest({ ...request, drainStatuses: [404], expectedBody: "ready" });
  expect(judge(answer(404))).toEqual({ ok: true, drains: true, detail: "status 404: no new clients" });
});

test("text and expression must both be in the body", () => {
  const { judge, isSettled } = compileAnswerTest({
    ...request,
    expectedBody: "ready",
    expectedBodyPattern: "[0-9]+ ms",
  });
  expect(judge(answer(200, "ready in 12 ms")).ok).toBe(true);
  expect(judge(answer(200, "ready")).detail).toBe('status 200, but the body lacks "[0-9]+ ms"');
  expect(isSettled(answer(200, "ready"))).toBe(false);
});

const headers = [
  ["x-test", "true, next value"],
  ["x-other", "Yes"],
] as const;
test.each<[AnswerExpectation, boolean]>([
  [{ header: { namePattern: "x-test" } }, true],
  [{ header: { namePattern: "x-none" } }, false],
  [{ header: { namePattern: "x-none" }, invert: true }, true],
  [{ header: { namePattern: "x-test", valuePattern: "true" } }, false],
  [{ header: { namePattern: "x-test", valuePattern: "true", elements: true } }, true],
  [{ header: { namePattern: "x-test", valuePattern: "true, next value" } }, true],
  [{ header: { namePattern: "x-.*", valuePattern: "yes" } }, false],
  [{ header: { namePattern: "x-.*", valuePattern: "Y.*" } }, true],
  [{ body: { text: "fine" } }, true],
  [{ body: { text: "fine" }, invert: true }, false],
  [{ body: { pattern: "f[0-9]" }, invert: true }, true],
])("%j: %s", (expectation, ok) => {
  const { judge } = compileAnswerTest({ ...request, expectations: [expectation] });
  expect(judge(answer(200, "all fine", headers)).ok).toBe(ok);
});
