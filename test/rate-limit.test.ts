// Rate limits of four gateway processes together, under load: what is admitted, what it costs in calls, what happens when
// the process that counts does not answer.
import { afterAll, beforeAll, expect, test } from "vitest";
import { limitSchema } from "#contract/rate-limit.ts";
import { overshootBound } from "#traffic/limit/lease-terms.ts";
import { closedLoop, type LoopResult } from "./system/closed-loop.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

const processes = 4;
const leased = { requests: 150, window: "1s", burst: 30 };

let origin: EchoServer;
let system: System;
let port: number;

/** A route for each host, with one limit. Fail closed, so that a machine that stalls admits less and never more. */
const route = (host: string, limit: string): string => `
  - name: ${host}
    hostnames: [${host}.example.com]
    rules:
      - backendRefs: [{ name: origin }]
        rateLimit: { global: { rules: [{ name: ${host}, onUnavailable: deny, ${limit} }] } }`;

beforeAll(async () => {
  origin = await startEchoServer("origin");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:${route("leased", `limit: ${JSON.stringify(leased)}`)}${route("wide", "limit: { requests: 100000, unit: Second }")}${route("fixed", "limit: { requests: 400, unit: Year, algorithm: FixedWindow }")}${route("strict", "mode: strict, limit: { requests: 100, unit: Day }")}${route("open", "mode: strict, onUnavailable: allow, limit: { requests: 5, unit: Day }").replace("onUnavailable: deny, ", "")}
  - { name: free, hostnames: [free.example.com], rules: [{ backendRefs: [{ name: origin }] }] }
backends: [{ name: origin, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
`,
    ["--processes", String(processes)],
  );
});

afterAll(async () => {
  await system?.stop();
  await origin?.stop();
});

const load = (name: string, durationMs: number): Promise<LoopResult> =>
  closedLoop({ port, host: `${name}.example.com`, connections: 32, durationMs });

async function counters(): Promise<{ of(name: string): number; gateways: number }> {
  const status = JSON.parse((await system.run("status", "--json")).stdout) as {
    regions: { counters: Record<string, number>; gateways: unknown[] }[];
  };
  const [region] = status.regions;
  return { of: (name) => region?.counters[name] ?? 0, gateways: region?.gateways.length ?? 0 };
}

const decided = (name: string, result: string): string =>
  `limit_requests_total{limit="rule/${name}/0/${name}",result="${result}"}`;

/** Waits until the counters in `isthmus status` say what the clients have seen; isolates report while they have requests. */
async function reported(name: string, { statuses }: LoopResult) {
  return eventually(`status tells of ${name}`, async () => {
    await load("free", 100);
    const now = await counters();
    const admitted = now.of(decided(name, "admitted")) === (statuses.get(200) ?? 0);
    return admitted && now.of(decided(name, "refused")) === (statuses.get(429) ?? 0) && now;
  });
}

test("a key under load costs at most 0.02 calls per admitted request", async () => {
  await load("free", 500);
  const before = await counters();
  const result = await load("wide", 4_000);
  expect([...result.statuses.keys()]).toEqual([200]);
  const after = await reported("wide", result);
  const calls = after.of("limiter_calls_total") - before.of("limiter_calls_total");
  expect(calls).toBeGreaterThan(0);
  expect(calls / result.statuses.get(200)!).toBeLessThanOrEqual(0.02);
});

test("leased: what is admitted stays within the limit and its stated overshoot", async () => {
  const result = await load("leased", 4_000);
  const admitted = result.statuses.get(200) ?? 0;
  const limit = limitSchema.parse({ requests: leased.requests, windowMs: 1_000, burst: leased.burst });
  const exact = leased.burst + (result.spanMs / 1_000) * leased.requests;
  expect(result.statuses.get(429)).toBeGreaterThan(0);
  expect(admitted).toBeGreaterThan(leased.burst);
  const { gateways } = await reported("leased", result);
  expect(gateways).toBeGreaterThanOrEqual(2);
  expect(admitted).toBeLessThanOrEqual(exact + overshootBound(limit, gateways));
});

/** Answers by status until some are refused, however long a busy machine takes to use up the limit. */
async function loadUntilRefused(name: string): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  await eventually(`${name} refuses`, async () => {
    const { statuses } = await load(name, 1_000);
    for (const [status, count] of statuses) counts.set(status, (counts.get(status) ?? 0) + count);
    return counts.has(429);
  });
  return counts;
}

test("leased: a fixed window is exact", async () => {
  const statuses = await loadUntilRefused("fixed");
  expect(statuses.get(200)).toBeLessThanOrEqual(400);
  expect(statuses.get(200)).toBeGreaterThan(0);
});

test("strict: exact, to the last unit", async () => {
  const statuses = await loadUntilRefused("strict");
  const count = (status: number): number => statuses.get(status) ?? 0;
  // A machine that stalls may lose the answer to a request that has been counted: 503, and never one admitted more.
  expect(count(200)).toBeLessThanOrEqual(100);
  expect(count(200) + count(503)).toBeGreaterThanOrEqual(100);
  expect([...statuses.keys()].filter((status) => status !== 503).toSorted()).toEqual([200, 429]);
});

test("a refused client is told why and for how long", async () => {
  const answer = await ask({ port, host: "strict.example.com" });
  expect(answer.status).toBe(429);
  expect(answer.headers["isthmus-error"]).toBe("rate_limited");
  expect(answer.headers["ratelimit-policy"]).toBe('"strict";q=100;w=86400');
  expect(answer.headers["ratelimit"]).toMatch(/^"strict";r=0;t=\d+$/);
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(JSON.parse(answer.body)).toMatchObject({ status: 429, "violated-policies": ["strict"] });
});

test("while the process that counts hangs, each limit does as declared; afterwards it counts on", async () => {
  const pid = Number(/\bstate\b[^\n]*\bpid[= ](\d+)/.exec(system.program.output())?.[1]);
  process.kill(pid, "SIGSTOP");
  try {
    const [open, strict] = [await load("open", 1_500), await load("strict", 1_500)];
    expect([...open.statuses.keys()]).toEqual([200]);
    expect([...strict.statuses.keys()]).toEqual([503]);
    // Few requests waited: the others were answered at once.
    expect(open.statuses.get(200)).toBeGreaterThan(200);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await eventually("the limiter counts again", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask({ port, host: "strict.example.com" })),
    );
    return answers.every(({ status }) => status === 429);
  });
});
