// Files that are no YAML, with `isolate`: left out where nobody else misses them.
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

const good = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
spec: { rules: [{ host: shop.test, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }] }
`;
const broken = (kind: string, namespace: string): string => `apiVersion: v1
kind: ${kind}
metadata:
  name: web
${namespace}spec: [
`;
const evil = "  namespace: evil\n";

function served(content: string, isolate: boolean): { routes: string[] | undefined; errors: string[] } {
  const files = [
    { name: "good.yaml", content: good },
    { name: "bad.yaml", content },
  ];
  const { snapshot, diagnostics } = loadConfig(files, { isolate });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return { routes: snapshot?.routes.map(({ name }) => name), errors: errors.map(({ file }) => file) };
}

test.each(["Ingress", "HTTPRoute", "VirtualService", "Service"])("%s of another namespace", (kind) => {
  const text = broken(kind, evil);
  const errors = expect.arrayContaining(["bad.yaml"]);
  expect(served(text, true)).toEqual({ routes: ["ingress/shop/web/shop.test"], errors });
  // Without `isolate` an error is an error.
  expect(served(text, false)).toEqual({ routes: undefined, errors });
});

test.each([
  ["a policy may protect others", broken("SecurityPolicy", evil)],
  ["so may what the mesh is told", broken("AuthorizationPolicy", evil)],
  ["a Gateway's listeners are others', too", broken("Gateway", evil)],
  ["a ConfigMap may be a controller's", broken("ConfigMap", evil)],
  ["no namespace is named", broken("Ingress", "")],
  ["one of several documents", `${broken("Ingress", evil)}---\n${broken("ClientTrafficPolicy", evil)}`],
  ["what it is cannot be seen", `apiVersion: v1\n  kind: Ingress\nmetadata: { namespace: evil }\nspec: [\n`],
  [
    "an object within another",
    broken("Ingress", `${evil}items: [{ apiVersion: v1, kind: SecurityPolicy }]\n`),
  ],
])("nothing is served where %s", (_, text) => {
  expect(served(text, true).routes).toBeUndefined();
});
