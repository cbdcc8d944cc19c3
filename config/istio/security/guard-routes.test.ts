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

test("a route that asks a server of its own cannot ask that of a policy, too", () => {
  const content = `apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: "extensionProviders: [{ name: asked, envoyExtAuthzHttp: { service: web.shop.svc.cluster.local, port: 80 } }]" }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.0.0.1, selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop, annotations: { nginx.ingress.kubernetes.io/auth-url: "http://auth.example.com/" } }
spec: { defaultBackend: { service: { name: web, port: { number: 80 } } } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: asked, namespace: shop }
spec: { action: CUSTOM, provider: { name: asked }, rules: [{}] }
`;
  const { diagnostics } = loadConfig([{ name: "all.yaml", content }]);
  expect(diagnostics).toContainEqual(
    expect.objectContaining({
      severity: "error",
      path: expect.stringContaining('Ingress["shop/web"]') as string,
      message: "the route has extAuth of its own, and Istio's policies ask for another one",
    }),
  );
});
