import { expect, test } from "vitest";
import { latencyBoundsMs, latencyBucket } from "#contract/latency-buckets.ts";
import { snapshotOf } from "#traffic/match/match-case.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { type Increments, RequestCounters } from "./request-counters.ts";

const endpoint = (port: number) => ({ id: `10.0.0.1:${port}`, address: "10.0.0.1", port, weight: 1 });

function snapshot(): Snapshot {
  const routes = snapshotOf([
    { name: "a", rules: [[{}], [{}]] },
    { name: "b", rules: [[{}]] },
  ]).routes;
  const ref = (backend: string) => ({ backend, weight: 1, filters: [] });
  routes[0]!.rules[1]!.backendRefs.push(ref("x"), ref("y"));
  routes[1]!.rules[0]!.backendRefs.push(ref("y"));
  const backend = (name: string, ...ports: number[]) => ({
    name,
    protocol: "HTTP" as const,
    endpoints: ports.map(endpoint),
    loadBalancer: { type: "RoundRobin" as const },
    healthCheck: {},
  });
  return { ...snapshotOf([]), routes, backends: [backend("x", 1, 2), backend("empty"), backend("y", 3)] };
}

function taken(counters: RequestCounters): { counters: object; histograms: object } {
  const into: Increments = { counters: new Map(), histograms: new Map() };
  counters.take(into);
  return { counters: Object.fromEntries(into.counters), histograms: Object.fromEntries(into.histograms) };
}

test("requests are counted by route and backend, endpoint and listener, and only once", () => {
  const of = snapshot();
  const counters = new RequestCounters();
  const listener = of.listeners[1];
  const rules = of.routes.flatMap((route) => route.rules.map((matched) => ({ route, rule: matched })));
  const endpoints = of.backends.flatMap((backend) =>
    backend.endpoints.map((one) => ({ backend: backend.name, endpoint: one })),
  );
  const count = (
    rule: number,
    refIndex: number,
    endpointIndex: number,
    status: number,
    latencyMs = 0,
  ): void => {
    const matched = rules[rule];
    const picked = endpoints[endpointIndex];
    const on = matched ? listener : undefined;
    counters.count({ listener: on, matched, refIndex, endpoint: picked }, status, latencyMs);
  };
  count(1, 1, 2, 200, 3);
  count(2, 0, 2, 503, 30_000);
  count(-1, -1, -1, 404);
  count(0, -1, -1, 301);
  counters.countEvent('retries_total{backend="y"}');
  const { counters: first, histograms } = taken(counters);
  expect(first).toEqual({
    requests_total: 4,
    'requests_total{route="",backend="",code="4xx"}': 1,
    'requests_total{route="a",backend="",code="3xx"}': 1,
    'requests_total{route="a",backend="y",code="2xx"}': 1,
    'requests_total{route="b",backend="y",code="5xx"}': 1,
    'endpoint_requests_total{backend="y",endpoint="10.0.0.1:3",code="2xx"}': 1,
    'endpoint_requests_total{backend="y",endpoint="10.0.0.1:3",code="5xx"}': 1,
    'listener_requests_total{listener="secure",code="2xx"}': 1,
    'listener_requests_total{listener="secure",code="3xx"}': 1,
    'listener_requests_total{listener="secure",code="5xx"}': 1,
    'retries_total{backend="y"}': 1,
  });
  expect(histograms).toMatchObject({
    'endpoint_request_duration{backend="y",endpoint="10.0.0.1:3"}': [
      1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 30_003,
    ],
    'request_duration{route="a",backend="y"}': [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3],
  });
  expect(taken(counters)).toEqual({ counters: {}, histograms: {} });
});

test("a latency falls into the first bucket whose bound it does not exceed", () => {
  expect(latencyBucket(0)).toBe(0);
  latencyBoundsMs.forEach((bound, index) => {
    expect(latencyBucket(bound)).toBe(index);
    expect(latencyBucket(bound + 1)).toBe(index + 1);
  });
});
