// Policies of Istio's that could not be read, over routes of the Gateway API.
import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

const routes = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: shop }
spec: { gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: web, port: 80 }] }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: policy, namespace: NAMESPACE }
spec: { action: DENY, rules: [{ too: [] }] }
`;

function authorizationIn(namespace: string): unknown {
  const content = routes.replace("NAMESPACE", namespace);
  const { snapshot } = loadConfig([{ name: "all.yaml", content }], { isolate: true });
  return snapshot?.routes[0]?.rules[0]?.securityPolicy?.authorization;
}

test("where a policy is broken, nobody passes", () => {
  expect(authorizationIn("shop")).toMatchObject({ defaultAction: "Deny", rules: [] });
  expect(authorizationIn("istio-system")).toMatchObject({ defaultAction: "Deny", rules: [] });
});

test("a broken policy of another namespace changes nothing", () => {
  const content = routes.slice(0, routes.lastIndexOf("---"));
  expect(loadConfig([{ name: "all.yaml", content }]).snapshot?.routes).toHaveLength(1);
  expect(authorizationIn("other")).toBeUndefined();
});
