// CUSTOM policies that more than one of holds for a request.
import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

const service = (name: string, addresses: readonly string[]) => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${name} }, ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: 80 }]
endpoints: [${addresses.map((address) => `{ addresses: ["${address}"] }`).join(", ")}]`;

const policy = (name: string, provider: string, rules: string) => `
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec: { action: CUSTOM, provider: { name: ${provider} }, rules: ${rules} }`;

const shop = `apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
      - { name: one, envoyExtAuthzHttp: { service: one.shop.svc.cluster.local, port: 80 } }
      - { name: two, envoyExtAuthzHttp: { service: two.shop.svc.cluster.local, port: 80 } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: shop }
spec: { gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: one, port: 80 }] }] }
${service("one", ["192.0.2.1", "192.0.2.2"])}
${service("two", ["192.0.2.3"])}`;

function load(...policies: string[]) {
  const { snapshot, diagnostics } = loadConfig([{ name: "all.yaml", content: shop + policies.join("") }]);
  return {
    extAuth: snapshot?.routes[0]?.rules[0]?.securityPolicy?.extAuth,
    said: diagnostics.map(({ severity, path, message }) => `${severity}: ${path}: ${message}`),
  };
}

const operation = (path: string) => `[{ to: [{ operation: { paths: [${path}] } }] }]`;

test("policies with one provider ask it together, at the first of its endpoints", () => {
  const { extAuth, said } = load(policy("a", "one", operation("/a")), policy("b", "one", operation("/b")));
  expect(extAuth?.http?.url).toBe("http://192.0.2.1:80");
  const paths = extAuth?.rules?.map((rule) => rule.operation.paths);
  expect(paths).toEqual([[{ type: "Exact", value: "/a" }], [{ type: "Exact", value: "/b" }]]);
  expect(said).toContainEqual(expect.stringMatching(/^warning: .*the first one alone is asked$/));
});

test("one of them that is about every request decides that all are asked", () => {
  const { extAuth } = load(policy("a", "one", operation("/a")), policy("b", "one", "[{}]"));
  expect(extAuth?.http?.url).toBe("http://192.0.2.1:80");
  expect(extAuth?.rules).toBeUndefined();
});

test("two providers for one request are an error", () => {
  const { said } = load(policy("a", "one", "[{}]"), policy("b", "two", "[{}]"));
  expect(said).toContainEqual(expect.stringMatching(/^error: HTTPRoute.*CUSTOM policies ask one and two/));
});

test("more rules than the model has are an error of a policy that asks", () => {
  const paths = Array.from({ length: 257 }, (_, index) => `{ operation: { paths: ["/${index}"] } }`);
  const deny = policy("a", "one", "[]").replace("CUSTOM, provider: { name: one }", "ALLOW");
  const halves = [paths.slice(0, 128), paths.slice(128, 256), paths.slice(256)];
  const asking = halves.map((half, index) => policy(`b${index}`, "one", `[{ to: [${half.join(", ")}] }]`));
  const { said } = load(deny, ...asking);
  expect(said).toContainEqual(
    expect.stringMatching(/^error: AuthorizationPolicy\["shop\/b0"\].*asked by more than 256 rules$/),
  );
});
