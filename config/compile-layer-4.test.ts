import { expect, test } from "vitest";
import { compileSnapshot } from "./compile.ts";
import { nativeConfigSchema, type NativeConfigInput } from "./native/schema.ts";

const compile = (input: NativeConfigInput) => compileSnapshot(nativeConfigSchema.parse(input));
const backendRefs = [{ name: "b" }];

test("routes of connections get their defaults and listeners, those of requests only what carries requests", () => {
  const { listeners, routes, tcpRoutes, tlsRoutes, backends } = compile({
    listeners: [
      { name: "web", protocol: "HTTP", port: 80 },
      { name: "db", protocol: "TCP", port: 5432, proxyProtocol: {} },
      { name: "ended", protocol: "TLS", port: 6432, tls: {} },
      { name: "sni", protocol: "TLS", port: 443, tls: { mode: "Passthrough" } },
    ],
    routes: [{ name: "r", rules: [{ backendRefs: [] }] }],
    tcpRoutes: [
      { name: "z", listeners: ["ended"], rules: [{ name: "only", timeouts: { idle: "0s" }, backendRefs }] },
      {
        name: "a",
        listeners: ["db"],
        rules: [{ backendRefs }],
        securityPolicy: { clientCIDRs: { allow: ["10.0.0.0/8"] } },
      },
    ],
    tlsRoutes: [
      { name: "t", hostnames: ["A.com", "a.com"], rules: [{ backendRefs, maxConnectAttempts: 1 }] },
    ],
    backends: [{ name: "b", protocol: "TCP", proxyProtocol: { version: "V2" } }],
  });
  expect(listeners.map(({ name, tlsMode, proxyProtocol }) => [name, tlsMode, proxyProtocol])).toEqual([
    ["web", undefined, undefined],
    ["sni", "Passthrough", undefined],
    ["db", undefined, { optional: false }],
    ["ended", "Terminate", undefined],
  ]);
  expect(routes[0]!.listeners).toEqual(["web"]);
  expect(backends[0]).toMatchObject({ protocol: "TCP", proxyProtocol: { version: "V2" } });
  const refs = [{ backend: "b", weight: 1 }];
  expect(tcpRoutes).toEqual([
    {
      name: "a",
      listeners: ["db"],
      clientCIDRs: { allow: ["10.0.0.0/8"], deny: [] },
      rule: {
        id: "a/0",
        backendRefs: refs,
        timeouts: { connectMs: 10_000, idleMs: 3_600_000 },
        maxConnectAttempts: 3,
      },
    },
    {
      name: "z",
      listeners: ["ended"],
      rule: { id: "z/only", backendRefs: refs, timeouts: { connectMs: 10_000 }, maxConnectAttempts: 3 },
    },
  ]);
  expect(tlsRoutes).toMatchObject([
    { name: "t", listeners: ["sni", "ended"], hostnames: ["a.com"], rule: { maxConnectAttempts: 1 } },
  ]);
});
