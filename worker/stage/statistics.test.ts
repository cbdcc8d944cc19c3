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
    ["/haproxy", "csv;norefresh", 10, "Page"],
    ["/stats", "", 10, "Page"],
  ]);
});

test("without the control the answer is an error of its own", async () => {
  const response = await createTestGateway(testSnapshot([rule])).ask("http://example.com/stats");
  expect([response.status, response.headers.get("isthmus-error")]).toEqual([503, "statistics_unavailable"]);
});

test("metrics stand where a rule wants them", async () => {
  const metrics = { type: "Statistics" as const, statistics: { format: "Prometheus" as const } };
  const gateway = createTestGateway(testSnapshot([{ filters: [metrics], backendRefs: [] }]), {
    statistics: async (_path, _options, refreshS, format) => new Response(`${format} ${refreshS}`),
  });
  const response = await gateway.ask("http://example.com/metrics");
  expect([response.status, await response.text()]).toEqual([200, "Prometheus 0"]);
});
