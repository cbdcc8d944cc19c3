// Whatever Ingresses there are: an answer with a place for each error, and nobody's mistake reaches further than itself.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";
import { annotationPolicies } from "./annotation/annotation-policy.ts";

const values = fc.oneof(
  fc.constantFrom(
    ..."true|false|/|/$1|/app|1|0|-1|10m|127.0.0.1|10.0.0.0/8|nginx|cookie|basic|default/s|https://x.test/|HTTPS|GRPC|on|off".split(
      "|",
    ),
  ),
  fc.constantFrom(
    'more_set_headers "X: y";',
    "return 403;",
    'if ($http_a ~* "b") { return 302 https://x.test$request_uri; }',
    "rewrite ^/a(.*)$ /b$1 permanent;",
    "location = /x { deny all; }",
    "allow 10.0.0.0/8; deny all;",
    "{{{",
    '"',
  ),
  fc.string({ maxLength: 20 }),
);
const path = fc.record({
  path: fc.constantFrom(
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/A",
    "/a(/|$)(.*)",
    "/[a-z]+/x",
    "/(?=x)",
    "relative",
    "/a|/b",
  ),
  pathType: fc.constantFrom("Exact", "Prefix", "ImplementationSpecific"),
  backend: fc.constantFrom(
    { service: { name: "web", port: { number: 80 } } },
    { service: { name: "api", port: { name: "http" } } },
    { resource: { kind: "Bucket", name: "b" } },
  ),
});
const rule = fc.record({
  host: fc.constantFrom("a.test", "www.a.test", "*.a.test", "b.test", "", "not a host"),
  http: fc.record({ paths: fc.array(path, { maxLength: 4 }) }),
});
const ingress = fc.record({
  annotations: fc.dictionary(fc.constantFrom(...Object.keys(annotationPolicies), "unknown"), values, {
    maxKeys: 4,
  }),
  rules: fc.array(rule, { maxLength: 3 }),
  defaultBackend: fc.option(fc.constant({ service: { name: "rest", port: { number: 80 } } }), {
    nil: undefined,
  }),
  tls: fc.option(fc.constant([{ hosts: ["a.test"], secretName: "cert" }]), { nil: undefined }),
  hour: fc.integer({ min: 10, max: 23 }),
});
const ingresses = fc.array(ingress, { minLength: 1, maxLength: 5 });

type Generated = typeof ingress extends fc.Arbitrary<infer Value> ? Value : never;

function manifest({ annotations, rules, defaultBackend, tls, hour }: Generated, index: number): string {
  return JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name: `i${index}`,
      namespace: index % 2 === 0 ? "shop" : "blog",
      creationTimestamp: `2026-01-01T${hour}:00:00Z`,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]),
      ),
    },
    spec: { rules, ...(defaultBackend && { defaultBackend }), ...(tls && { tls }) },
  });
}

const load = (documents: readonly string[], isolate = false) =>
  loadConfig([{ name: "ingress.yaml", content: documents.join("\n---\n") }], { isolate });

test("random Ingresses: an answer, and every error with its place", () => {
  fc.assert(
    fc.property(ingresses, (all) => {
      const { diagnostics, snapshot } = load(all.map(manifest));
      const errors = diagnostics.filter(({ severity }) => severity === "error");
      expect(snapshot === undefined).toBe(errors.length > 0);
      for (const { line, path: place } of errors) {
        expect(line).toBeGreaterThan(0);
        expect(place).toMatch(/^Ingress\[/);
      }
    }),
    { numRuns: 100 },
  );
});

test("leaving a broken Ingress out gives exactly what there is without it", () => {
  let compared = 0;
  fc.assert(
    fc.property(ingresses, (all) => {
      const documents = all.map(manifest);
      const isolated = load(documents, true);
      const broken = new Set(
        isolated.diagnostics
          .filter(({ severity }) => severity === "error")
          .map(({ path: place }) => /^Ingress\["\w+\/(i\d+)"\]/.exec(place)?.[1]),
      );
      if (broken.size === 0 || broken.size === all.length) return;
      compared += 1;
      const without = load(documents.filter((_, index) => !broken.has(`i${index}`)));
      expect(without.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(isolated.snapshot).toEqual(without.snapshot);
    }),
    { numRuns: 100 },
  );
  expect(compared).toBeGreaterThan(5);
});

test("many paths, and texts without end, take bounded time", () => {
  const paths = Array.from({ length: 2_000 }, (_, index) => ({
    path: `/p${index}`,
    pathType: index % 3 === 0 ? "Exact" : "Prefix",
    backend: { service: { name: `s${index % 50}`, port: { number: 80 } } },
  }));
  const large = JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name: "large",
      annotations: {
        "nginx.ingress.kubernetes.io/use-regex": "true",
        "nginx.ingress.kubernetes.io/configuration-snippet": "return ".repeat(5_000),
        "nginx.ingress.kubernetes.io/server-snippet": `${"if ($x) {".repeat(5_000)}`,
      },
    },
    spec: { rules: [{ host: "a.test", http: { paths } }] },
  });
  const { diagnostics } = load([large]);
  expect(diagnostics.some(({ code }) => code === "argument-invalid")).toBe(true);
});
