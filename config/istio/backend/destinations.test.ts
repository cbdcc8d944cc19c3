// Namespaces that have a host of one name each, or see none.
import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: web, namespace: istio-system }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
`;

const entryOf = (namespace: string, address: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: ${namespace} }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: ${address} }]
`;

const routeOf = (namespace: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: api, namespace: ${namespace} }
spec:
  hosts: [${namespace}.example.com]
  gateways: [istio-system/web]
  http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
`;

test("a route goes to what its own namespace sees under a host, whoever has asked first", () => {
  const entries = entryOf("b", "192.0.2.2") + entryOf("c", "192.0.2.3");
  const content = gateway + entries + ["a", "b", "c", "d"].map(routeOf).join("");
  const { snapshot } = loadConfig([{ name: "all.yaml", content }]);
  const endpoints = new Map(snapshot?.backends.map((backend) => [backend.name, backend.endpoints]));
  const reached = snapshot?.routes.map(({ name, rules }) => [
    name,
    endpoints.get(rules[0]!.backendRefs[0]!.backend ?? "")?.map(({ address }) => address),
  ]);
  expect(reached).toEqual([
    ["istio/a/api", []],
    ["istio/b/api", ["192.0.2.2"]],
    ["istio/c/api", ["192.0.2.3"]],
    ["istio/d/api", []],
  ]);
});
