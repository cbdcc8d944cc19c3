import { expect, test } from "vitest";
import { createTestGateway, testBackend, testSnapshot } from "../testing/test-gateway.ts";

const url = "http://example.com/";

/** The first endpoint hangs until it is cancelled, the second answers. */
function slowFirst() {
  const asked: string[] = [];
  const cancelled: string[] = [];
  const backend = {
    ...testBackend("pods", 1, 2),
    hedging: { delayMs: 20, maxAttempts: 2, budgetPercent: 100 },
  };
  const gateway = createTestGateway(testSnapshot([{}], [backend]), {
    origin: (request, endpoint) => {
      asked.push(endpoint);
      if (asked.length > 1) return new Response(endpoint);
      return new Promise((_done, fail) => {
        request.signal.addEventListener("abort", () => {
          cancelled.push(endpoint);
          fail(new Error("cancelled"));
        });
      });
    },
  });
  return { gateway, asked, cancelled };
}

test("a slow request is sent to another endpoint, and the loser is cancelled", async () => {
  const { gateway, asked, cancelled } = slowFirst();
  const response = await gateway.ask(url);
  expect(await response.text()).toBe(asked[1]);
  expect(new Set(asked).size).toBe(2);
  expect(cancelled).toEqual([asked[0]]);
});

test("a POST is not", async () => {
  const asked: string[] = [];
  const backend = {
    ...testBackend("pods", 1, 2),
    hedging: { delayMs: 1, maxAttempts: 2, budgetPercent: 100 },
  };
  const gateway = createTestGateway(testSnapshot([{}], [backend]), {
    origin: async (_request, endpoint) => {
      asked.push(endpoint);
      await new Promise((done) => setTimeout(done, 30));
      return new Response("pod");
    },
  });
  expect((await gateway.ask(url, { method: "POST", body: "once" })).status).toBe(200);
  expect(asked).toHaveLength(1);
});
