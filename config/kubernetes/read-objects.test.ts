import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { isKubernetes, readObjects } from "./read-objects.ts";

const read = (content: string) => readObjects({ name: "f.yaml", content });
const named = (content: string) =>
  read(content).objects.map(({ group, version, kind, namespace, name }) =>
    [group, version, kind, namespace, name].join(" "),
  );

test("documents of a stream, lists within lists, empty documents", () => {
  expect(
    named(`# Source: chart/templates/a.yaml
---
apiVersion: v1
kind: Service
metadata: { name: a }
---
# nothing
---
apiVersion: v1
kind: List
items:
  - { apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: b, namespace: shop } }
  - apiVersion: networking.k8s.io/v1
    kind: IngressList
    items:
      - { apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: c, namespace: "" } }
`),
  ).toEqual([
    " v1 Service default a",
    "networking.k8s.io v1 Ingress shop b",
    "networking.k8s.io v1 Ingress default c",
  ]);
});

test("JSON, as kubectl prints it", () => {
  const list = {
    apiVersion: "v1",
    kind: "List",
    items: [{ apiVersion: "v1", kind: "Pod", metadata: { name: "p" } }],
  };
  expect(named(JSON.stringify(list, undefined, 2))).toEqual([" v1 Pod default p"]);
});

test("a field is found in its document", () => {
  const { objects } = read(
    "apiVersion: v1\nkind: A\nmetadata: { name: a }\n---\napiVersion: v1\nkind: B\nmetadata: { name: b }\nspec:\n  x: 1\n",
  );
  expect(objects[1]!.locate(["spec", "x"], "value")).toMatchObject({ file: "f.yaml", line: 9, column: 6 });
});

test.each([
  ["- a\n- apiVersion: v1\n", "expected an object with apiVersion, kind and metadata"],
  ["apiVersion: v1\nmetadata: { name: a }\n", "expected a kind such as Ingress"],
  ["kind: Service\nmetadata: { name: a }\n", "expected an apiVersion such as"],
  ["apiVersion: v1\nkind: Service\n", "expected the object's name in metadata.name"],
  ["apiVersion: v1\nkind: Service\nmetadata: { name: 7 }\n", "expected the object's name in metadata.name"],
  [
    "apiVersion: v1\nkind: Service\nmetadata: { name: a, namespace: [] }\n",
    "expected the name of a namespace",
  ],
  ["apiVersion: v1\nkind: Service\nkind: Pod\nmetadata: { name: a }\n", "is already in this map"],
  ["apiVersion: v1\nkind: Service\nmetadata: {\n", "not valid YAML"],
  [
    `${"{ apiVersion: v1, kind: List, items: [".repeat(8)}${"]}".repeat(8)}`,
    "expected lists nested less deep",
  ],
])("%j is refused: %s", (content, message) => {
  const { objects, diagnostics } = read(content);
  expect(objects).toEqual([]);
  expect(diagnostics.map(formatDiagnostic).join("\n")).toContain(message);
});

test("manifests are told from native configurations", () => {
  expect(isKubernetes({ name: "a", content: "# c\n---\napiVersion: v1\n" })).toBe(true);
  expect(isKubernetes({ name: "a", content: '{ "kind": "List", "apiVersion": "v1" }' })).toBe(true);
  expect(isKubernetes({ name: "a", content: '---\n{"apiVersion":"v1","kind":"Service"}\n' })).toBe(true);
  expect(isKubernetes({ name: "a", content: "--- { apiVersion: v1, kind: Service }\n" })).toBe(true);
  expect(isKubernetes({ name: "a", content: "{ kind: Service, apiVersion: v1 }\n" })).toBe(true);
  expect(isKubernetes({ name: "a", content: "{ listeners: [{ name: kind, protocol: HTTP }] }\n" })).toBe(
    false,
  );
  expect(isKubernetes({ name: "a", content: "listeners:\n  - { name: kind, protocol: HTTP }\n" })).toBe(
    false,
  );
  expect(isKubernetes({ name: "a", content: "frontend kind:\n  bind :80\n" })).toBe(false);
});
