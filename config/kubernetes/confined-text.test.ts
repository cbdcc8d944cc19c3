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

const rest = "spec: { rules: [] }\n";
const wrong: Readonly<Record<string, string>> = {
  "is no YAML": broken("Ingress", evil),
  "has a string without end, which no mark of a document ends for a reader": `${broken("Ingress", evil).replace("[", '"')}`,
  "has a NUL": `${broken("Ingress", evil).replace("[", "")}\u0000\n`,
  "has no name": `apiVersion: v1\nkind: Service\nmetadata: { namespace: evil }\n${rest}`,
};

test.each(Object.entries(wrong))("of a file the document that %s", (_, text) => {
  for (const content of [`${good}---\n${text}`, `---\n${text}---\n${good}`, `${text}--- # next\n${good}`]) {
    const { snapshot, diagnostics } = loadConfig([{ name: "all.yaml", content }], { isolate: true });
    expect(snapshot?.routes.map(({ name }) => name)).toEqual(["ingress/shop/web/shop.test"]);
    const start = content.slice(0, content.indexOf(text)).split("\n").length;
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    expect(errors).not.toEqual([]);
    for (const { line } of errors) {
      expect(line).toBeGreaterThanOrEqual(start);
      expect(line).toBeLessThanOrEqual(start + text.split("\n").length);
    }
  }
});

test("where documents may depend on what is before them, all of the file is as broken as one of them", () => {
  const content = `%YAML 1.2\n---\n${broken("Ingress", evil)}...\n---\n${good}`;
  expect(loadConfig([{ name: "all.yaml", content }], { isolate: true }).snapshot).toBeUndefined();
});

test("a file of very many documents that are broken is read in bounded time", () => {
  const text = `${broken("Ingress", evil)}---\n`.repeat(1_000);
  expect(served(text + good, true).errors).not.toEqual([]);
  expect(served("---\n".repeat(60_000) + text, true).errors).not.toEqual([]);
});

test.each([
  ["a policy may protect others", broken("SecurityPolicy", evil)],
  ["so may what the mesh is told", broken("AuthorizationPolicy", evil)],
  ["a Gateway's listeners are others', too", broken("Gateway", evil)],
  ["a ConfigMap may be a controller's", broken("ConfigMap", evil)],
  ["no namespace is named", broken("Ingress", "")],
  ["a policy has no name", `apiVersion: v1\nkind: SecurityPolicy\nmetadata: { namespace: evil }\n${rest}`],
  ["a policy is broken beside others' objects", `${good}---\n${broken("SecurityPolicy", evil)}`],
  ["one of several documents", `${broken("Ingress", evil)}---\n${broken("ClientTrafficPolicy", evil)}`],
  ["what it is cannot be seen", `apiVersion: v1\n  kind: Ingress\nmetadata: { namespace: evil }\nspec: [\n`],
  [
    "an object within another",
    broken("Ingress", `${evil}items: [{ apiVersion: v1, kind: SecurityPolicy }]\n`),
  ],
])("nothing is served where %s", (_, text) => {
  expect(served(text, true).routes).toBeUndefined();
});
