import { expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { endpointKey } from "#contract/snapshot.ts";
import { explainConnection, type ExplainedConnection } from "./explain-connection.ts";

const text = `
listeners:
  - { name: db, protocol: TCP, port: 5432 }
  - { name: spare, protocol: TCP, port: 5433 }
  - { name: sni, protocol: TLS, port: 443, tls: { mode: Passthrough } }
tcpRoutes:
  - name: db
    listeners: [db]
    securityPolicy: { clientCIDRs: { allow: [10.0.0.0/8] } }
    rules: [{ backendRefs: [{ name: db }] }]
tlsRoutes:
  - { name: shop, hostnames: [shop.example.com], rules: [{ backendRefs: [{ name: shop, weight: 3 }, { name: db }] }] }
  - { name: wild, hostnames: ["*.example.com"], rules: [{ backendRefs: [{ name: shop }] }] }
backends:
  - { name: db, protocol: TCP, endpoints: [{ address: 10.1.0.1, port: 1 }, { address: 10.1.0.2, port: 1, priority: 1 }] }
  - name: shop
    protocol: TCP
    loadBalancer: { type: ConsistentHash, consistentHash: { type: SourceIP } }
    endpoints: [{ address: 10.2.0.1, port: 1 }, { address: 10.2.0.2, port: 1 }]
`;

const { snapshot } = loadConfig([{ name: "isthmus.yaml", content: text }]);

const explain = (port: number, more: Partial<ExplainedConnection> = {}) =>
  explainConnection(snapshot!, { port, clientAddress: "10.0.0.9", ...more });

test("the listener of the port, its route, and the endpoint that is left", () => {
  const { route, rule, refusal, backends } = explain(5432);
  expect({ route, rule, refusal }).toEqual({ route: "db", rule: "db/0", refusal: undefined });
  expect(backends[0]!.endpoints.map(({ endpoint, picked }) => [endpoint, picked])).toEqual([
    ["10.1.0.1:1", true],
    ["10.1.0.2:1", false],
  ]);
});

test("an endpoint that is down leaves its place to the one of the next priority", () => {
  const unhealthy = new Set([endpointKey("db", "10.1.0.1:1")]);
  const { backends } = explainConnection(snapshot!, { port: 5432, clientAddress: "10.0.0.9" }, { unhealthy });
  expect(backends[0]!.endpoints.find(({ picked }) => picked)?.endpoint).toBe("10.1.0.2:1");
});

test("the most specific server name wins, and the other route says so", () => {
  const { route, backends, candidates } = explain(443, { serverName: "shop.example.com" });
  expect(route).toBe("shop");
  expect(backends.map(({ share }) => share)).toEqual([0.75, 0.25]);
  expect(candidates.map(({ route: name, outcome }) => [name, outcome])).toEqual([
    ["db", "elsewhere"],
    ["wild", "outranked"],
  ]);
});

test("consistent hashing names the very endpoint, the same one for an address", () => {
  const picked = (clientAddress: string) =>
    explain(443, { serverName: "a.example.com", clientAddress }).backends[0]!.endpoints.filter(
      (one) => one.picked,
    );
  expect(picked("192.0.2.1")).toHaveLength(1);
  expect(picked("192.0.2.1")).toEqual(picked("192.0.2.1"));
  const all = Array.from({ length: 50 }, (_, index) => picked(`192.0.2.${index}`)[0]!.endpoint);
  expect(new Set(all).size).toBe(2);
});

test.each<[string, number, Partial<ExplainedConnection>, string]>([
  ["no listener", 80, {}, "no TCP or TLS listener has the port 80"],
  [
    "no route",
    5433,
    {},
    "route_not_found: no route of the listener takes a connection without a server name",
  ],
  ["other name", 443, { serverName: "a.test" }, "route_not_found: no route of the listener takes a.test"],
  ["no name", 443, {}, "route_not_found: no route of the listener takes a connection without a server name"],
  [
    "client not admitted",
    5432,
    { clientAddress: "192.0.2.1" },
    "forbidden: the route's client networks do not admit the client",
  ],
])("refused: %s", (_name, port, more, refusal) => {
  const explained = explain(port, more);
  expect(explained.refusal).toBe(refusal);
  expect(explained.backends).toEqual([]);
});
