// Manifests that are made to break the reader or to cost it time, memory or its stack: an answer, in bounded time, with a
// place for each error.
import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { loadConfig } from "../load.ts";
import { expectMutationsToBeRead } from "../mutated-text.fixture.ts";

const load = (content: string) => loadConfig([{ name: "f.yaml", content }]);
const codes = (content: string) => [...new Set(load(content).diagnostics.map(({ code }) => code))];

const service = (name: string): string =>
  `---\napiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { ports: [{ name: http, port: 80 }] }\n`;
const ingress = (name: string): string => `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name}, namespace: shop, annotations: { nginx.ingress.kubernetes.io/rewrite-target: "/$1" } }
spec:
  ingressClassName: nginx
  rules:
    - host: www.example.com
      http: { paths: [{ path: "/a(.*)", pathType: ImplementationSpecific, backend: { service: { name: a, port: { number: 80 } } } }] }
`;
const sample = `${service("a")}${ingress("web")}`;
const head = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n";

test.each<[name: string, content: string, expected: string]>([
  ["brackets, never closed", `${head}spec: ${"[".repeat(500_000)}`, "yaml-too-deep"],
  ["nested lists", `${head}spec:\n${"- ".repeat(100_000)}`, "yaml-too-deep"],
  ["nested JSON", `{"apiVersion":"v1","kind":"A","x":${"[".repeat(100_000)}`, "yaml-too-deep"],
  [
    "lists in lists",
    `${'{"apiVersion":"v1","kind":"List","items":['.repeat(20)}${"]}".repeat(20)}`,
    "object-invalid",
  ],
  [
    "an alias bomb over documents",
    Array.from(
      { length: 400 },
      (_, at) => `---\n${head}  x: &a [${"1,".repeat(400)}]\n  y: [${"*a,".repeat(20)}]\n  z: ${at}\n`,
    ).join(""),
    "yaml-alias",
  ],
  ["one key again and again", head + "spec: 1\n".repeat(5_000), "key-duplicate"],
  ["documents without end", `${head}${"---\n- a\n".repeat(20_000)}`, "object-invalid"],
  ["one object again and again", service("a").repeat(500), "object-repeated"],
  [
    "broken objects without end",
    Array.from({ length: 2_000 }, (_, at) => service(`s${at}`).replace("port: 80", "port: x")).join(""),
    "field-type",
  ],
  ["binary", `kind: A\n${String.fromCharCode(0, 1, 2)}`, "text-invalid"],
  ["too long", `kind: ${" ".repeat(limits.configBytes)}`, "file-too-large"],
  [
    "an unknown version",
    ingress("a").replace("networking.k8s.io/v1", "networking.k8s.io/v9"),
    "object-version-unsupported",
  ],
  ["another language", "%YAML 1.1\n---\nkind: A\napiVersion: v1\n", "yaml-syntax"],
])("%s", (_name, content, expected) => {
  expect(codes(content)).toContain(expected);
});

test("every beginning of a manifest", () => {
  for (let length = 0; length < sample.length; length += 7) load(sample.slice(0, length));
});

test("places of a later document count from the file's start", () => {
  const { diagnostics } = load(`${service("a")}${service("b").replace("port: 80", "port: none")}`);
  expect(diagnostics).toContainEqual(expect.objectContaining({ code: "field-type", line: 10, column: 37 }));
});

test("what cannot be read at all is left out, too, and ends", () => {
  const content = `${service("a")}---\napiVersion: discovery.k8s.io/v1\nkind: Unheard\nmetadata: { name: x }\n`;
  const { snapshot, diagnostics } = loadConfig([{ name: "f.yaml", content }], { isolate: true });
  expect(diagnostics.map(({ code }) => code)).toContain("object-kind-unsupported");
  expect(snapshot).toEqual(load(service("a")).snapshot);
});

test("mutations of manifests", () => {
  expectMutationsToBeRead({
    name: "f.yaml",
    sample,
    pieces: [
      "\n",
      " ",
      "- ",
      ": ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      "---\n",
      "null",
      "-1",
      "~",
      "'",
      '"',
      "|\n",
      "$1",
      "(",
      "\u0000",
    ],
    runs: 300,
  });
});
