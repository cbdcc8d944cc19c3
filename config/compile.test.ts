import { expect, test } from "vitest";
import { compileSnapshot } from "./compile.ts";
import { nativeConfigSchema, type NativeConfigInput } from "./native/schema.ts";

const compile = (input: NativeConfigInput) => compileSnapshot(nativeConfigSchema.parse(input));

test("a reference to nothing keeps its share of the weight", () => {
  const { routes, tcpRoutes } = compile({
    routes: [{ name: "a", rules: [{ backendRefs: [{ name: null, weight: 3 }] }] }],
    tcpRoutes: [{ name: "t", listeners: ["l"], rules: [{ backendRefs: [{ name: null }] }] }],
  });
  expect(routes[0]!.rules[0]!.backendRefs).toEqual([{ backend: null, weight: 3, filters: [] }]);
  expect(tcpRoutes![0]!.rule.backendRefs).toEqual([{ backend: null, weight: 1 }]);
});

test("what is left out gets its documented default", () => {
  expect(
    compile({
      listeners: [{ name: "web", protocol: "HTTP", port: 80 }],
      routes: [{ name: "a", rules: [{ backendRefs: [{ name: "b" }] }] }],
      backends: [{ name: "b", endpoints: [{ address: "10.0.0.1", port: 8080 }] }],
    }),
  ).toEqual({
    format: 1,
    listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: [] }],
    routes: [
      {
        name: "a",
        listeners: ["web"],
        hostnames: [],
        rules: [
          {
            id: "a/0",
            matches: [{ path: { type: "PathPrefix", value: "/" }, headers: [], queryParams: [] }],
            filters: [],
            backendRefs: [{ backend: "b", weight: 1, filters: [] }],
            timeouts: {},
          },
        ],
      },
    ],
    backends: [
      {
        name: "b",
        protocol: "HTTP",
        endpoints: [{ id: "10.0.0.1:8080", address: "10.0.0.1", port: 8080, weight: 1 }],
        loadBalancer: { type: "RoundRobin" },
        healthCheck: {},
      },
    ],
    settings: { clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] }, accessLog: { mode: "errors" } },
  });
});

test("durations are milliseconds; 0s is no timer, as in the Gateway API", () => {
  const { routes, backends } = compile({
    routes: [{ name: "a", rules: [{ timeouts: { request: "0s", backendRequest: "1m500ms" } }] }],
    backends: [
      {
        name: "b",
        healthCheck: { active: { type: "HTTP", interval: "2s", http: { path: "/health", hostname: "h" } } },
      },
    ],
  });
  expect(routes[0]?.rules[0]?.timeouts).toEqual({ backendRequestMs: 60_500 });
  expect(backends[0]?.healthCheck.active).toEqual({
    type: "HTTP",
    intervalMs: 2_000,
    timeoutMs: 1_000,
    unhealthyThreshold: 3,
    healthyThreshold: 1,
    http: { path: "/health", method: "GET", hostname: "h", expectedStatuses: [200] },
  });
});

test("addresses and hostnames have one spelling, IPv6 ids have brackets", () => {
  const { routes, listeners, backends } = compile({
    listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: ["A.Example.com", "a.example.COM"] }],
    routes: [{ name: "a", hostnames: ["*.Example.com"], rules: [{}] }],
    backends: [
      {
        name: "b",
        endpoints: [
          { address: "2001:DB8:0:0::1", port: 80 },
          { address: "[::1]", port: 80 },
          { address: "Pod.Example.com.", port: 80 },
        ],
      },
    ],
  });
  expect(listeners[0]?.hostnames).toEqual(["a.example.com"]);
  expect(routes[0]?.hostnames).toEqual(["*.example.com"]);
  expect(backends[0]?.endpoints.map(({ id, address }) => [id, address])).toEqual([
    ["[2001:db8::1]:80", "2001:db8::1"],
    ["[::1]:80", "::1"],
    ["pod.example.com:80", "pod.example.com"],
  ]);
});

test("rule ids are names where there are names, and never meet", () => {
  const rules = (route: string) =>
    compile({ routes: [{ name: route, rules: [{}, { name: "canary" }] }] }).routes[0]?.rules.map(
      ({ id }) => id,
    );
  expect(rules("a")).toEqual(["a/0", "a/canary"]);
  expect(rules("a/0")).toEqual(["a/0/0", "a/0/canary"]);
  expect(nativeConfigSchema.safeParse({ routes: [{ name: "a", rules: [{ name: "0" }] }] }).success).toBe(
    false,
  );
});
