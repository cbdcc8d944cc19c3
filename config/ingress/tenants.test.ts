// Several namespaces share hosts: whatever Ingresses a later one has, requests for the paths of the one that was there first go
// where they went before, by the same rules.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Snapshot } from "#contract/snapshot.ts";
import { compileMatcher } from "#traffic/match/matcher.ts";
import { loadConfig } from "../load.ts";
import { annotationPolicies } from "./annotation/annotation-policy.ts";

interface Tenant {
  readonly host: string;
  readonly path: string;
  readonly pathType: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly hasTls: boolean;
}

const host = "a.test";

const ingress = (
  namespace: string,
  index: number,
  { host: name, path, pathType, annotations, hasTls }: Tenant,
) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: {
    name: `i${index}`,
    namespace,
    creationTimestamp: `202${namespace === "shop" ? 5 : 6}-01-01T00:0${index}:00Z`,
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: {
    ...(hasTls && { tls: [{ hosts: [name], secretName: "cert" }] }),
    rules: [
      {
        host: name,
        http: {
          paths: [{ path, pathType, backend: { service: { name: namespace, port: { number: 80 } } } }],
        },
      },
    ],
  },
});

const value = fc.constantFrom(
  ..."true|false|/|/$1|/app|1|100|always|10.0.0.0/8|cookie|basic|shop/users|http://evil.test/|HTTPS|on|b.test,a.test|x-any".split(
    "|",
  ),
  "return 403;",
  'more_set_headers "X: y";',
  "location / { return 403; }",
  "if ($request_method = GET) { return 302 http://evil.test$request_uri; }",
);
const hostile: fc.Arbitrary<Tenant> = fc.record({
  host: fc.constantFrom(host, host, host, "*.test", "www.a.test", "b.test", "c.test", ""),
  path: fc.constantFrom(
    "/",
    "/.*",
    "/(.*)",
    "/own",
    "/own/deep",
    "/own/.*",
    "/ow.*",
    "/o?wn.*",
    "/OWN.*",
    "/(own|zzzzzzzzzzzzzzzzzzzzzz)(/.*)?",
    "/zzzzzzzzzzzzzzzzzzzzzz|/own.*",
    "/mine(/|$)(.*)",
    "/a",
  ),
  pathType: fc.constantFrom("Exact", "Prefix", "ImplementationSpecific"),
  annotations: fc.dictionary(fc.constantFrom(...Object.keys(annotationPolicies)), value, { maxKeys: 4 }),
  hasTls: fc.boolean(),
});
const canary: fc.Arbitrary<Tenant> = hostile.map((one) => ({
  ...one,
  host,
  path: "/own",
  annotations: { ...one.annotations, canary: "true", "canary-weight": "100" },
}));
const regex: fc.Arbitrary<Tenant> = hostile.map((one) => ({
  ...one,
  host,
  annotations: { ...one.annotations, "use-regex": "true" },
}));

const owned: Tenant[] = [
  { host, path: "/own", pathType: "Prefix", annotations: {}, hasTls: false },
  { host, path: "/own/deep", pathType: "Exact", annotations: {}, hasTls: false },
  {
    host: "b.test",
    path: "/(own|other)/[0-9]+",
    pathType: "ImplementationSpecific",
    annotations: { "use-regex": "true" },
    hasTls: false,
  },
  {
    host: "c.test",
    path: "/",
    pathType: "Prefix",
    annotations: { "ssl-passthrough": "true" },
    hasTls: true,
  },
];
const asked = [
  ["a.test", "/own"],
  ["a.test", "/own/"],
  ["a.test", "/own/x"],
  ["a.test", "/own/deep"],
  ["b.test", "/own/1"],
  ["b.test", "/other/22/x"],
] as const;

function load(others: readonly Tenant[]): Snapshot {
  const objects = [
    ...owned.map((one, index) => ingress("shop", index, one)),
    ...others.map((one, index) => ingress("blog", index, one)),
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "users", namespace: "shop" },
      stringData: { auth: "u:x" },
    },
  ];
  const content = objects.map((one) => JSON.stringify(one)).join("\n---\n");
  const { snapshot } = loadConfig([{ name: "ingress.yaml", content }], { isolate: true });
  return snapshot!;
}

/** The rule that takes a request over HTTP, without what only says where it stands. */
function ruleFor(snapshot: Snapshot, [name, path]: (typeof asked)[number]): unknown {
  const header = (field: string): string | null => (field === "host" ? name : null);
  const head = { host: name, path, method: "GET", query: "", clientAddress: "192.0.2.1", claims: {}, header };
  const matched = compileMatcher(snapshot).match("ingress/http", head);
  if (!matched) return undefined;
  const { id: _id, priority: _priority, ...rule } = matched.rule;
  return { route: matched.route.name.replace(/^ingress-http/, "ingress"), ...rule };
}

/** Where TLS of the namespace's hosts passes to. */
function passedOf({ tlsRoutes = [] }: Snapshot): unknown {
  const names = owned.map((one) => one.host);
  return tlsRoutes
    .filter(({ hostnames }) => hostnames.some((name) => names.includes(name)))
    .map(({ name, hostnames, rule }) => ({ name, hostnames, rule }));
}

test("no Ingress of another namespace changes what becomes of a namespace's requests", () => {
  const alone = load([]);
  const before = asked.map((one) => ruleFor(alone, one));
  expect(before.every((rule) => rule !== undefined)).toBe(true);
  const passedBefore = passedOf(alone);
  expect(passedBefore).toMatchObject([{ name: "ingress/shop/i3/c.test", hostnames: ["c.test"] }]);
  let served = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(hostile, canary, regex), { minLength: 1, maxLength: 4 }), (others) => {
      const snapshot = load(others);
      if (snapshot.routes.some(({ name }) => name.includes("/blog/"))) served += 1;
      expect(asked.map((one) => ruleFor(snapshot, one))).toEqual(before);
      expect(passedOf(snapshot)).toEqual(passedBefore);
    }),
    { numRuns: 300 },
  );
  expect(served).toBeGreaterThan(50);
});
