// What the gateway tells of a request: access log, request id, trace.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { debugHeader, decisionHeader, signDebugToken } from "#contract/debug-token.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { compileSnapshot } from "#config/compile.ts";
import { nativeConfigSchema, type NativeConfigInput } from "#config/native/schema.ts";
import { Tracer } from "./tracer.ts";
import { createTestGateway, type TestGateway } from "../testing/test-gateway.ts";

function snapshot(more: Partial<NativeConfigInput>): Snapshot {
  return compileSnapshot(
    nativeConfigSchema.parse({
      listeners: [{ name: "web", protocol: "HTTP", port: 80 }],
      routes: [
        { name: "shop", hostnames: ["shop.example.com"], rules: [{ backendRefs: [{ name: "orders" }] }] },
      ],
      backends: [{ name: "orders", endpoints: [{ address: "10.0.0.7", port: 8080 }] }],
      accessLog: { mode: "off" },
      ...more,
    }),
  );
}

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
let logged: string[];
let seen: Headers | undefined;

beforeEach(() => {
  logged = [];
  seen = undefined;
  vi.spyOn(console, "log").mockImplementation((line: string) => void logged.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

function gateway(more: Partial<NativeConfigInput>, random = Math.random): TestGateway {
  return createTestGateway(snapshot(more), {
    random,
    origin: ({ headers }) => {
      seen = headers;
      return new Response("hello", { headers: { "content-length": "5" } });
    },
  });
}

const url = "http://shop.example.com/orders?token=secret";

test("off: nothing is added, a traceparent passes through", async () => {
  await gateway({}).ask(url, { headers: { traceparent: "anything", tracestate: "a=b" } });
  expect(seen?.get("traceparent")).toBe("anything");
  expect(seen?.get("tracestate")).toBe("a=b");
  expect(seen?.has("x-request-id")).toBe(false);
  expect(logged).toEqual([]);
});

test("JSON: one object, without the query, with the request id that the endpoint sees", async () => {
  await gateway({ accessLog: { mode: "all" } }).ask(url);
  expect(logged).toHaveLength(1);
  const line = JSON.parse(logged[0]!) as Record<string, unknown>;
  expect(line).toMatchObject({ path: "/orders", status: 200, route: "shop", endpoint: "10.0.0.7:8080" });
  expect(line["requestId"]).toBe(seen?.get("x-request-id"));
  expect(line["requestId"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(logged[0]).not.toContain("secret");
});

test("a request id that the client sent stays", async () => {
  await gateway({ accessLog: { mode: "all" } }).ask(url, { headers: { "x-request-id": "mine" } });
  expect(seen?.get("x-request-id")).toBe("mine");
  expect(logged[0]).toContain('"requestId":"mine"');
});

test("HTTPLog: HAProxy's line, also for what the gateway answers itself", async () => {
  const asked = gateway({ accessLog: { mode: "all", format: "HTTPLog" } });
  await asked.ask(url, { headers: { "cf-connecting-ip": "203.0.113.9" } });
  await asked.ask("http://nobody.example.com/a%22b");
  expect(logged[0]).toMatch(
    /^203\.0\.113\.9:0 \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] web orders\/10\.0\.0\.7:8080 0\/0\/0\/\d+\/\d+ 200 5 - - ---- 0\/0\/0\/0\/0 0\/0 "GET \/orders HTTP\/1\.1"$/,
  );
  expect(logged[1]).toMatch(/ web web\/<NOSRV> .* 404 0 - - PR-- .*"GET \/a%22b HTTP\/1\.1"$/);
});

test("a caller's trace goes on under a new span; a new one begins where there is none", async () => {
  const traced = gateway({ tracing: { samplingRate: 0 } });
  await traced.ask(url, { headers: { traceparent: `00-${traceId}-${parentId}-01`, tracestate: "a=b" } });
  expect(seen?.get("traceparent")).toMatch(new RegExp(`^00-${traceId}-(?!${parentId})[0-9a-f]{16}-01$`));
  expect(seen?.get("tracestate")).toBe("a=b");
  await traced.ask(url, { headers: { traceparent: "nonsense", tracestate: "a=b" } });
  expect(seen?.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(seen?.has("tracestate")).toBe(false);
});

test("spans of sampled requests are posted as OTLP in one batch; others are not", async () => {
  const posted: { url: string; body: string }[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((target, init) => {
    posted.push({ url: String(target), body: init?.body as string });
    return Promise.resolve(new Response("{}"));
  });
  const otlpEndpoint = "https://collector.example.com/v1/traces";
  const traced = gateway({ tracing: { samplingRate: 0, otlpEndpoint } });
  await traced.ask(url, { headers: { traceparent: `00-${traceId}-${parentId}-01` } });
  await traced.ask("http://nobody.example.com/", {
    headers: { traceparent: `00-${traceId}-${parentId}-01` },
  });
  await traced.ask(url);
  await traced.settled();
  expect(posted.map((post) => post.url)).toEqual([otlpEndpoint]);
  const body = JSON.parse(posted[0]!.body);
  const spans = body.resourceSpans[0].scopeSpans[0].spans;
  expect(spans.map((span: { name: string }) => span.name)).toEqual([
    "GET shop",
    "forward orders",
    "attempt",
    "GET",
  ]);
  const [request, forward] = spans;
  expect(request).toMatchObject({ traceId, parentSpanId: parentId, kind: 2, status: {} });
  expect(forward).toMatchObject({ traceId, parentSpanId: request.spanId, kind: 3 });
  expect(request.startTimeUnixNano).toMatch(/^\d{13}000000$/);
  expect(request.attributes).toContainEqual({
    key: "http.response.status_code",
    value: { intValue: "200" },
  });
});

test("stages that take part and attempts have spans of their own", async () => {
  const posted: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((_, init) => {
    posted.push(init?.body as string);
    return Promise.resolve(new Response("{}"));
  });
  const traced = createTestGateway(
    snapshot({
      routes: [
        {
          name: "shop",
          rules: [
            {
              retry: { attempts: 1, codes: [503], backoff: "1ms" },
              rateLimit: { local: { rules: [{ name: "wide", limit: { requests: 1_000, unit: "Second" } }] } },
              backendRefs: [{ name: "orders" }],
            },
          ],
        },
      ],
      tracing: { samplingRate: 100, otlpEndpoint: "https://collector.example.com/v1/traces" },
    }),
    { origin: () => new Response(null, { status: 503 }) },
  );
  await traced.ask(url);
  await traced.settled();
  const { spans } = JSON.parse(posted[0]!).resourceSpans[0].scopeSpans[0];
  expect(spans.map((span: { name: string }) => span.name)).toEqual([
    "GET shop",
    "forward orders",
    "limit rate",
    "attempt",
    "attempt",
  ]);
  const [request, forward, limit, ...attempts] = spans;
  expect(limit).toMatchObject({ parentSpanId: request.spanId, kind: 1 });
  for (const attempt of attempts) {
    expect(attempt).toMatchObject({ traceId: request.traceId, parentSpanId: forward.spanId });
    expect(attempt.attributes).toContainEqual({
      key: "isthmus.endpoint",
      value: { stringValue: "10.0.0.7:8080" },
    });
  }
});

test("a collector that fails costs spans, and how many wait is bounded", async () => {
  const batches: number[] = [];
  const settings = { samplingRate: 100, otlpEndpoint: "https://collector.example.com" };
  const tracer = new Tracer(settings, Math.random, (_url, text) => {
    batches.push(
      (JSON.parse(text) as { resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }] }).resourceSpans[0]
        .scopeSpans[0].spans.length,
    );
    return Promise.reject(new Error("down"));
  });
  const dropped: string[] = [];
  const pending: Promise<unknown>[] = [];
  const exchange = {
    trace: tracer.begin(null),
    lifetime: { waitUntil: (promise: Promise<unknown>) => void pending.push(promise) },
    plan: { counters: { countEvent: (name: string) => void dropped.push(name) } },
    chain: { clientAddress: "a" },
    startedMs: 0,
    method: "GET",
  };
  for (let count = 0; count < 600; count += 1) tracer.end(exchange as never, 200, undefined, 1);
  await Promise.all(pending);
  expect(batches).toEqual([512]);
  expect(dropped).toEqual(Array.from({ length: 88 }, () => "spans_dropped_total"));
  expect(logged.join("\n")).toContain("spans_not_sent");
});

test("a valid debug token is answered with the decision; the endpoint never sees it", async () => {
  const debugged = gateway({});
  const token = await signDebugToken("secret of the tests", Math.floor(Date.now() / 1000) + 60);
  const answer = await debugged.ask(url, { headers: { [debugHeader]: token } });
  expect(answer.headers.get(decisionHeader)).toMatch(
    /^version=1, listener="web", client="[^"]+", route="shop", rule="shop\/0", backend="orders", endpoint="10\.0\.0\.7:8080"$/,
  );
  expect(seen?.has(debugHeader)).toBe(false);
  expect(await answer.text()).toBe("hello");
  const refused = await debugged.ask("http://nobody.example.com/", { headers: { [debugHeader]: token } });
  expect(refused.status).toBe(404);
  expect(refused.headers.get(decisionHeader)).toContain('error="route_not_found"');
  const forged = await debugged.ask(url, { headers: { [debugHeader]: token.replace(/.$/, "x") } });
  expect(forged.headers.has(decisionHeader)).toBe(false);
  expect(seen?.has(debugHeader)).toBe(false);
});
