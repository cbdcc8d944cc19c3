// Traces as a collector gets them from the running gateway, and as the endpoint sees them.
import { createServer } from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

const spans: Span[] = [];
const collector = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.once("end", () => {
    const batch = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    spans.push(...batch.resourceSpans[0]!.scopeSpans[0]!.spans);
    response.end("{}");
  });
});

let origin: EchoServer;
let system: System;
let port: number;

beforeAll(async () => {
  origin = await startEchoServer("origin");
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port: collectorPort } = collector.address() as { port: number };
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: shop
    rules:
      - rateLimit: { global: { rules: [{ name: wide, mode: strict, limit: { requests: 1000, unit: Second } }] } }
        securityPolicy: { authorization: { rules: [{ action: Deny, operation: { hosts: [never.test] } }] } }
        backendRefs: [{ name: shop }]
backends: [{ name: shop, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
tracing: { samplingRate: 0, otlpEndpoint: "http://127.0.0.1:${collectorPort}/v1/traces" }
`,
    ["--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await origin?.stop();
  collector.close();
});

test("a sampled request has a span for each stage that took part; the endpoint's parent is the forwarding", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const answer = await ask({ port, host: "a.test", headers: { traceparent } });
  // Not sampled: nothing is told of it.
  await ask({ port, host: "a.test" });
  await eventually("the spans", async () => spans.length > 0);
  const found = new Map(spans.map((span) => [span.name, span]));
  expect([...found.keys()].sort()).toEqual([
    "GET shop",
    "attempt",
    "authorize",
    "forward shop",
    "limit rate",
  ]);
  expect(spans.map((span) => span.traceId)).toEqual(spans.map(() => traceId));
  const request = found.get("GET shop")!;
  const forward = found.get("forward shop")!;
  expect(request.parentSpanId).toBe("00f067aa0ba902b7");
  expect(forward.parentSpanId).toBe(request.spanId);
  expect(found.get("limit rate")!.parentSpanId).toBe(request.spanId);
  expect(found.get("attempt")!.parentSpanId).toBe(forward.spanId);
  const echo = JSON.parse(answer.body) as Echo;
  expect(echo.headers["traceparent"]).toBe(`00-${traceId}-${forward.spanId}-01`);
});
