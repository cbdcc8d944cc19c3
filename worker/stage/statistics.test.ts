import { expect, test } from "vitest";
import { createTestGateway, testSnapshot } from "../testing/test-gateway.ts";

const rule = { filters: [{ type: "Statistics" as const, statistics: { refresh: "10s" } }], backendRefs: [] };

test("the control answers, wherever the page is and with its options", async () => {
  const asked: unknown[] = [];
  const gateway = createTestGateway(testSnapshot([rule]), {
    statistics: async (...question) => {
      asked.push(question);
      return new Response("page", { headers: { "content-type": "text/html" } });
    },
  });
  const response = await gateway.ask("http://example.com/haproxy;csv;norefresh?x=1");
  expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
    200,
    "text/html",
    "page",
  ]);
  const head = await gateway.ask("http://example.com/stats", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(asked).toEqual([
    ["/haproxy", "csv;norefresh", 10],
    ["/stats", "", 10],
  ]);
});

test("without the control the answer is an error of its own", async () => {
  const response = await createTestGateway(testSnapshot([rule])).ask("http://example.com/stats");
  expect([response.status, response.headers.get("isthmus-error")]).toEqual([503, "statistics_unavailable"]);
});
