// What is said about backends that connections cannot be forwarded to.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const found = (content: string) =>
  loadConfig([{ name: "c", content }]).diagnostics.map(
    (one) => formatDiagnostic(one).slice(2).split("\n")[0],
  );

const listener = "listeners: [{ name: web, protocol: HTTP, port: 80 }]";
const endpoints = "endpoints: [{ address: 10.0.0.1, port: 5432 }]";

test("a backend of connections with a tunnel says who may", () => {
  const content = `${listener}
backends: [{ name: db, protocol: TCP, tunnel: t, portForward: { allow: [alice, "*"] }, ${endpoints} }]`;
  const { snapshot, diagnostics } = loadConfig([{ name: "c", content }]);
  expect(diagnostics).toEqual([]);
  expect(snapshot!.backends[0]).toMatchObject({ portForward: { allow: ["alice", "*"] } });
});

test("no tunnel, requests, the PROXY protocol", () => {
  expect(
    found(`${listener}
backends:
  - { name: a, protocol: TCP, portForward: { allow: [x] }, ${endpoints} }
  - { name: b, tunnel: t, portForward: { allow: [x] }, ${endpoints} }
  - { name: c, protocol: TCP, tunnel: t, proxyProtocol: { version: V2 }, portForward: { allow: [x] }, ${endpoints} }
`),
  ).toEqual([
    '3:31: error: backend "a" has no tunnel, whose agents would open the connections (at backends[0].portForward) [port-forward-unsupported]',
    '4:27: error: backend "b" speaks HTTP, and connections are forwarded as they are (at backends[1].portForward) [port-forward-unsupported]',
    '5:74: error: backend "c" expects the PROXY protocol, which a forwarded connection does not begin with (at backends[2].portForward) [port-forward-unsupported]',
  ]);
});
