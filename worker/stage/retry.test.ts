import { expect, test } from "vitest";
import { retrySchema } from "#contract/backend-policy.ts";
import type { SnapshotBackend } from "#contract/snapshot.ts";
import type { TestOrigin } from "../testing/test-gateway.ts";
import { createTestGateway, testBackend, testSnapshot } from "../testing/test-gateway.ts";

const url = "http://example.com/";
const retry = retrySchema.parse({
  numRetries: 3,
  retryOn: { triggers: ["5xx"] },
  perRetry: { backOff: { baseIntervalMs: 1 } },
});

function failing(statuses: number[], backend: SnapshotBackend = testBackend("pods", 1, 2, 3)) {
  const asked: { endpoint: string; body: string }[] = [];
  const origin: TestOrigin = async (request, endpoint) => {
    asked.push({ endpoint, body: await request.text() });
    return new Response(`answer ${asked.length}`, { status: statuses[asked.length - 1] ?? 200 });
  };
  return { asked, gateway: createTestGateway(testSnapshot([{ retry }], [backend]), { origin }) };
}

test("each attempt goes to another endpoint, while there is one", async () => {
  const { gateway, asked } = failing([500, 500, 500]);
  const response = await gateway.ask(url);
  expect(await response.text()).toBe("answer 4");
  expect(new Set(asked.slice(0, 3).map(({ endpoint }) => endpoint)).size).toBe(3);
});

test("the last answer is the client's when attempts are used up", async () => {
  const { gateway, asked } = failing([500, 501, 502, 503, 504]);
  const response = await gateway.ask(url);
  expect([response.status, asked.length]).toEqual([503, 4]);
});

test("a body of known, small length is sent again in full", async () => {
  const { gateway, asked } = failing([500]);
  const headers = { "content-length": "5" };
  expect((await gateway.ask(url, { method: "PUT", body: "hello", headers })).status).toBe(200);
  expect(asked.map(({ body }) => body)).toEqual(["hello", "hello"]);
});

test("one of unknown length, one beyond the bound, and that of a POST are sent once", async () => {
  for (const [method, length] of [
    ["PUT", undefined],
    ["PUT", "70000"],
    ["POST", "5"],
  ] as const) {
    const { gateway, asked } = failing([500]);
    const body = "x".repeat(Number(length ?? 5));
    const headers = length === undefined ? {} : { "content-length": length };
    expect((await gateway.ask(url, { method, body, headers })).status).toBe(500);
    expect(asked.map((one) => one.body.length)).toEqual([body.length]);
  }
});

test("without room for retries in the breaker the first answer stands", async () => {
  const backend = { ...testBackend("pods", 1, 2), circuitBreaker: { maxParallelRetries: 0 } };
  const { gateway, asked } = failing([500], backend);
  const response = await gateway.ask(url);
  expect([response.status, await response.text(), asked.length]).toEqual([500, "answer 1", 1]);
});

test.each([
  ["its time", {}, { timeoutMs: 20 }],
  ["the time to its head", { backendHeadMs: 20 }, {}],
])("an attempt is aborted when %s is up, and the next one is not", async (_what, timeouts, perRetry) => {
  const policy = retrySchema.parse({
    numRetries: 1,
    retryOn: { triggers: ["reset"] },
    perRetry: { ...perRetry, backOff: { baseIntervalMs: 1 } },
  });
  const signals: AbortSignal[] = [];
  let aborted: boolean[] = [];
  const origin: TestOrigin = ({ signal }) => {
    signals.push(signal);
    aborted = signals.map((one) => one.aborted);
    // Without a body nothing is left that the time of the second attempt could cut short.
    return signals.length > 1 ? new Response(null, { status: 204 }) : new Promise(() => {});
  };
  const rule = { retry: policy, timeouts };
  const gateway = createTestGateway(testSnapshot([rule], [testBackend("pods", 1, 2)]), { origin });
  expect((await gateway.ask(url)).status).toBe(204);
  expect(aborted).toEqual([true, false]);
});
