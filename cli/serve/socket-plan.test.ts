import { expect, test } from "vitest";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { planSockets } from "./socket-plan.ts";

const listener = (name: string, protocol: SnapshotListener["protocol"], port: number): SnapshotListener => ({
  name,
  protocol,
  port,
  hostnames: [],
});

const options = { control: { host: "127.0.0.1", port: 8081 }, host: "*", processes: 1, portOffset: 0 };

const describe = (
  listeners: SnapshotListener[],
  more: Partial<Parameters<typeof planSockets>[1]> = {},
): string[] =>
  planSockets(listeners, { ...options, ...more }, "/run").sockets.map(
    ({ process, name, address }) =>
      `${process} ${name} ${"path" in address ? address.path : `${address.host} ${address.port}`}`,
  );

test("HTTP/2 without TLS goes to the front door, with all listeners of its port", () => {
  const sockets = describe([{ ...listener("web", "HTTP", 80), http2: true }, listener("other", "HTTP", 80)]);
  expect(sockets.filter((line) => line.includes("port-80"))).toEqual([
    "gateway-1 port-80 /run/gateway-1-port-80-a.sock",
    "gateway-1 port-80 /run/gateway-1-port-80-b.sock",
    "front-door-1 port-80 0.0.0.0 80",
    "front-door-1 port-80-v6 :: 80",
  ]);
});

test("HTTP goes to workerd itself, HTTPS to the front door, both on every address", () => {
  const sockets = describe([listener("web", "HTTP", 80), listener("secure", "HTTPS", 443)]);
  expect(sockets.filter((line) => !line.startsWith("hub-"))).toEqual([
    "control admin 127.0.0.1 8081",
    "control internal /run/control-internal.sock",
    "state state /run/state-state.sock",
    "tunnel-door own /run/tunnel-door-own.sock",
    "gateway-1 door /run/gateway-1-door-a.sock",
    "gateway-1 door /run/gateway-1-door-b.sock",
    "gateway-1 probe /run/gateway-1-probe-a.sock",
    "gateway-1 probe /run/gateway-1-probe-b.sock",
    "gateway-1 port-80 0.0.0.0 80",
    "gateway-1 port-80-v6 :: 80",
    "gateway-1 port-443 /run/gateway-1-port-443-a.sock",
    "gateway-1 port-443 /run/gateway-1-port-443-b.sock",
    "front-door-1 port-443 0.0.0.0 443",
    "front-door-1 port-443-v6 :: 443",
  ]);
});

test("TLS that passes through a port of HTTPS comes by the front door, on a socket of its own", () => {
  const passed = { ...listener("sni", "TLS", 443), tlsMode: "Passthrough" as const };
  const lines = describe([passed, listener("secure", "HTTPS", 443)], { host: "127.0.0.1" });
  expect(lines.filter((line) => / (?:port|passed)-/.test(line))).toEqual([
    "gateway-1 port-443 /run/gateway-1-port-443-a.sock",
    "gateway-1 port-443 /run/gateway-1-port-443-b.sock",
    "front-door-1 port-443 127.0.0.1 443",
    "gateway-1 passed-443 /run/gateway-1-passed-443-a.sock",
    "gateway-1 passed-443 /run/gateway-1-passed-443-b.sock",
  ]);
});

test("TCP, and TLS that passes through, go to workerd itself; TLS that ends here to the front door", () => {
  const passed = { ...listener("sni", "TLS", 443), tlsMode: "Passthrough" as const };
  const ended = { ...listener("redis", "TLS", 6380), tlsMode: "Terminate" as const };
  const lines = describe([listener("db", "TCP", 5432), passed, ended], { host: "127.0.0.1" });
  expect(lines.filter((line) => line.includes(" port-"))).toEqual([
    "gateway-1 port-5432 127.0.0.1 5432",
    "gateway-1 port-443 127.0.0.1 443",
    "gateway-1 port-6380 /run/gateway-1-port-6380-a.sock",
    "gateway-1 port-6380 /run/gateway-1-port-6380-b.sock",
    "front-door-1 port-6380 127.0.0.1 6380",
  ]);
});

test("listeners that differ in hostnames share their port's socket", () => {
  const sockets = describe([listener("a", "HTTP", 80), listener("b", "HTTP", 80)]);
  expect(sockets.filter((line) => line.includes("port-80 "))).toHaveLength(1);
});

test("the hubs' sockets are there without a port for agents, for a version that has backends of a tunnel", () => {
  const sockets = describe([listener("web", "HTTP", 80)]);
  expect(sockets).toContain("hub-0 hub /run/hub-0-hub-a.sock");
  expect(sockets).toContain("hub-1 tunnel /run/hub-1-tunnel-b.sock");
});

test("each process has its sockets; the offset moves listeners only", () => {
  const sockets = describe([listener("web", "HTTP", 80)], {
    processes: 2,
    portOffset: 8000,
    host: "127.0.0.1",
    tunnel: { host: "0.0.0.0", port: 8444 },
  });
  expect(sockets.filter((line) => line.endsWith(" 8080"))).toEqual([
    "gateway-1 port-80 127.0.0.1 8080",
    "gateway-2 port-80 127.0.0.1 8080",
  ]);
  expect(sockets).toContain("tunnel-door tunnel 0.0.0.0 8444");
  expect(sockets).toContain("hub-1 tunnel /run/hub-1-tunnel-b.sock");
  expect(sockets).toContain("control admin 127.0.0.1 8081");
});

test("a port is open on the addresses of its listeners, on all where one has none, and where --host says", () => {
  const local = { ...listener("local", "HTTP", 80), addresses: ["127.0.0.1", "::1"] };
  const ports = (listeners: SnapshotListener[], host = "*"): string[] =>
    describe(listeners, { host }).filter((line) => line.includes(" port-"));
  const [, named] = /(port-80@[0-9a-f]{8}) /.exec(ports([local])[0]!)!;
  expect(ports([local])).toEqual([`gateway-1 ${named} 127.0.0.1 80`, `gateway-1 ${named}-2 ::1 80`]);
  const web = listener("web", "HTTP", 80);
  expect(ports([local, web])).toEqual([
    "gateway-1 port-80 0.0.0.0 80",
    "gateway-1 port-80-v6 :: 80",
    `gateway-1 ${named} 127.0.0.1 80`,
    `gateway-1 ${named}-2 ::1 80`,
  ]);
  expect(ports([local], "192.0.2.1")).toEqual([`gateway-1 ${named} 192.0.2.1 80`]);
  expect(ports([local, { ...web, hostnames: ["a.test"] }], "127.0.0.1")).toEqual([
    `gateway-1 ${named} 127.0.0.1 80`,
  ]);
  expect(() => ports([local, web], "127.0.0.1")).toThrow(
    "--host 127.0.0.1: listeners local have port 80 there, and nothing is left of it for listener web",
  );
});
