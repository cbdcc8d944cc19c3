import { expect, test } from "vitest";
import type { Snapshot } from "#contract/snapshot.ts";
import { parseConnectTo } from "#traffic/connection/connect-to.ts";
import { directEndpoints } from "./direct-endpoints.ts";
import { controlConfig, gatewayConfig, stateConfig } from "./workerd-config.ts";

const backend = (
  name: string,
  address: string,
  port: number,
  more: Partial<Snapshot["backends"][number]> = {},
): Snapshot["backends"][number] => ({
  name,
  protocol: "HTTP",
  endpoints: [
    { id: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`, address, port, weight: 1 },
  ],
  loadBalancer: { type: "RoundRobin" },
  healthCheck: {},
  ...more,
});

const snapshot = (backends: Snapshot["backends"]): Snapshot => ({
  format: 1,
  listeners: [],
  routes: [],
  backends,
  settings: { clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] }, accessLog: { mode: "off" } },
});

test("control", () => {
  expect(
    controlConfig({
      module: "control.js",
      storage: "/data/control",
      trustDomain: "isthmus.local",
      sockets: { admin: ["admin"], internal: "internal" },
    }),
  ).toMatchSnapshot();
});

test("state", () => {
  expect(
    stateConfig({
      module: "gateway.js",
      storage: "/data/state",
      snapshots: "/data/snapshots",
      control: "/run/internal.sock",
      region: "local",
      connectTo: "[]",
      hubs: [{ hub: "/run/hub-0.sock", connections: "/run/hub-0-tcp.sock" }],
      sockets: { state: "state" },
    }),
  ).toMatchSnapshot();
});

test("gateway: one service for each direct endpoint, one socket for each listener", () => {
  const endpoints = directEndpoints(
    snapshot([
      backend("plain", "203.0.113.7", 8080),
      backend("tls", "api.example.com", 443, { protocol: "HTTPS" }),
      backend("six", "2001:db8::1", 80),
      backend("hidden", "10.0.0.1", 80, { tunnel: "production" }),
    ]),
    [parseConnectTo("203.0.113.7:8080:127.0.0.1:9001")!],
  );
  expect(
    gatewayConfig({
      module: "gateway.js",
      snapshots: "/data/snapshots",
      control: "/run/internal.sock",
      state: "/run/state.sock",
      hubs: [{ hub: "/run/hub-0.sock", connections: "/run/hub-0-tcp.sock" }],
      process: "gateway-1 run 1",
      processShare: "0/2",
      connectTo: "[]",
      region: "local",
      endpoints,
      door: "door",
      sockets: [
        { name: "web", place: { listener: "web" }, carries: "http", behindFrontDoor: false },
        {
          name: "secure",
          place: { listener: 'a"b', address: "192.0.2.1" },
          carries: "http",
          behindFrontDoor: true,
        },
        { name: "database", place: { listener: "database" }, carries: "tcp", behindFrontDoor: false },
      ],
    }),
  ).toMatchSnapshot();
});

test("an endpoint that is HTTP to one backend and HTTPS to another is a service for each", () => {
  const backends = [backend("a", "10.0.0.1", 443), backend("b", "10.0.0.1", 443, { protocol: "HTTPS" })];
  expect(directEndpoints(snapshot(backends), []).map(({ binding, protocol }) => [binding, protocol])).toEqual(
    [
      ["direct-tls:10.0.0.1:443", "HTTPS"],
      ["direct:10.0.0.1:443", "HTTP"],
    ],
  );
});

test("the order of backends does not matter, so a reordered configuration rolls nothing", () => {
  const backends = [backend("a", "10.0.0.1", 80), backend("b", "10.0.0.2", 80), backend("c", "10.0.0.1", 80)];
  expect(directEndpoints(snapshot(backends.toReversed()), [])).toEqual(
    directEndpoints(snapshot(backends), []),
  );
});
