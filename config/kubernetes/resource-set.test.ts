import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { coreKinds, secretKind, serviceKind } from "./core-kinds.ts";
import { createNotes } from "./notes.ts";
import { readObjects } from "./read-objects.ts";
import { createResourceSet } from "./resource-set.ts";

function setOf(content: string) {
  const notes = createNotes();
  const { objects } = readObjects({ name: "f.yaml", content });
  const set = createResourceSet(objects, coreKinds, notes);
  return { set, notes, said: notes.diagnostics().map(formatDiagnostic) };
}

const service = (name: string, rest = "") => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}${rest} }
spec: { ports: [{ port: 80 }] }
`;

test("the oldest first, then by namespace and name; never created is youngest", () => {
  const { set, said } = setOf(
    service("b") +
      service("a") +
      service("new", ", creationTimestamp: 2026-02-01T00:00:00Z") +
      service("old", ", creationTimestamp: 2026-01-01T00:00:00Z"),
  );
  expect(said).toEqual([]);
  expect(set.all(serviceKind).map(({ name }) => name)).toEqual(["old", "new", "a", "b"]);
  expect(set.get(serviceKind, "default", "a")?.generation).toBe(1);
  expect(set.get(secretKind, "default", "a")).toBeUndefined();
});

test("wrong shapes, repeated names, unknown kinds and versions are noted; what runs pods is not", () => {
  const { set, notes, said } = setOf(`${service("a")}${service("a")}---
apiVersion: v1
kind: Service
metadata: { name: broken }
spec: { ports: [{ port: http }] }
---
apiVersion: v2
kind: Service
metadata: { name: future }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlices
metadata: { name: typo }
---
apiVersion: example.com/v1
kind: Widget
metadata: { name: w }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: d }
`);
  expect(said).toEqual([
    'f.yaml:9:19: error: a second Service named "default/a" (at Service["default/a"].metadata.name) [object-repeated]\n    Keep one of them: in the cluster there is only one.',
    'f.yaml:15:25: error: expected a number; found "http" (at Service["default/broken"].spec.ports[0].port) [field-type]',
    'f.yaml:17:13: error: Service of version "v2"; expected "v1" (at Service["default/future"].apiVersion) [object-version-unsupported]',
    'f.yaml:22:7: error: "EndpointSlices" of "discovery.k8s.io/v1" is not read here (at EndpointSlices["default/typo"].kind) [object-kind-unsupported]\n    Did you mean "EndpointSlice"?',
    'f.yaml:26:7: warning: "Widget" of "example.com/v1" is not read here (at Widget["default/w"].kind) [object-kind-ignored]',
  ]);
  expect(set.all(serviceKind)).toHaveLength(1);
  expect([...notes.broken]).toEqual([
    "/Service/default/a",
    "/Service/default/broken",
    "/Service/default/future",
    "discovery.k8s.io/EndpointSlices/default/typo",
  ]);
});
