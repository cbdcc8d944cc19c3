// Which policies are in force where, what they may not change, and what stands for those that cannot be honoured.
import { describe, expect, test } from "vitest";
import type { SnapshotRule } from "#contract/snapshot.ts";
import { loadConfig } from "../load.ts";

const world = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: infra }
spec:
  gatewayClassName: eg
  listeners:
    - { name: one, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }
    - { name: two, port: 8080, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop, labels: { app: web } }
spec:
  parentRefs: [{ name: edge, namespace: infra }]
  rules:
    - { name: api, matches: [{ path: { value: /api } }], backendRefs: [{ name: web, port: 80 }] }
    - { backendRefs: [{ name: web, port: 80 }] }
`;

interface PolicyText {
  kind?: string;
  name: string;
  namespace?: string;
  age?: string;
  target: string;
  spec: string;
}

const targets = {
  gateway: "targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }]",
  listener: "targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: two }]",
  route: "targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: web }]",
  rule: "targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: web, sectionName: api }]",
};

const policy = ({
  kind = "BackendTrafficPolicy",
  name,
  namespace = "shop",
  age,
  target,
  spec,
}: PolicyText) => `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace}${age ? `, creationTimestamp: ${age}` : ""} }
spec: { ${target}, ${spec} }
`;

const timeout = (seconds: number): string => `timeout: { http: { requestTimeout: ${seconds}s } }`;

function load(...parts: readonly string[]) {
  return loadConfig([{ name: "f.yaml", content: world + parts.join("") }], { isolate: true });
}

/** The rules of a listener, `/api` first. */
function rulesAt(listener: string, ...parts: readonly string[]): SnapshotRule[] {
  const route = load(...parts).snapshot!.routes.find(({ listeners }) =>
    listeners.includes(`infra/edge/${listener}`),
  );
  return [...route!.rules];
}

const timeoutsAt = (listener: string, ...parts: readonly string[]): (number | undefined)[] =>
  rulesAt(listener, ...parts).map(({ timeouts }) => timeouts?.requestMs);

test("the most specific target decides as a whole: rule, route, listener, Gateway", () => {
  const gateway = policy({
    name: "g",
    namespace: "infra",
    target: targets.gateway,
    spec: `${timeout(1)}, retry: { numRetries: 1 }`,
  });
  const listener = policy({ name: "l", namespace: "infra", target: targets.listener, spec: timeout(2) });
  const route = policy({ name: "r", target: targets.route, spec: timeout(3) });
  const rule = policy({ name: "s", target: targets.rule, spec: timeout(4) });
  expect(timeoutsAt("one", gateway)).toEqual([1_000, 1_000]);
  expect(timeoutsAt("two", gateway, listener)).toEqual([2_000, 2_000]);
  expect(timeoutsAt("one", gateway, listener)).toEqual([1_000, 1_000]);
  expect(timeoutsAt("two", gateway, listener, route)).toEqual([3_000, 3_000]);
  expect(timeoutsAt("two", gateway, listener, route, rule)).toEqual([4_000, 3_000]);
  expect(rulesAt("one", gateway, route).map(({ retry }) => retry)).toEqual([undefined, undefined]);
});

test("with mergeType the Gateway's policy holds where the route's says nothing", () => {
  const gateway = policy({
    name: "g",
    namespace: "infra",
    target: targets.gateway,
    spec: `${timeout(1)}, retry: { numRetries: 1 }, rateLimit: { local: { rules: [{ limit: { requests: 9, unit: Hour } }] } }`,
  });
  const own = (mergeType: string) =>
    policy({
      name: "r",
      target: targets.route,
      spec: `mergeType: ${mergeType}, ${timeout(3)}, rateLimit: { local: { rules: [{ limit: { requests: 5, unit: Hour } }] } }`,
    });
  const found = (mergeType: string) => rulesAt("one", gateway, own(mergeType))[0]!;
  expect(found("StrategicMerge")).toMatchObject({ timeouts: { requestMs: 3_000 }, retry: { numRetries: 1 } });
  const limits = (mergeType: string) =>
    found(mergeType)
      .rateLimits?.map(({ limit }) => limit.requests)
      .toSorted();
  expect(limits("StrategicMerge")).toEqual([5, 9]);
  expect(limits("JSONMerge")).toEqual([5]);
  expect(found("Replace").retry).toBeUndefined();
});

test("of two policies with one target the oldest counts, then the first by name", () => {
  const first = policy({ name: "b", age: "2026-01-01T00:00:00Z", target: targets.route, spec: timeout(1) });
  const later = policy({ name: "a", age: "2026-02-01T00:00:00Z", target: targets.route, spec: timeout(2) });
  const never = policy({ name: "c", target: targets.route, spec: timeout(3) });
  expect(timeoutsAt("one", first, later)).toEqual([1_000, 1_000]);
  expect(timeoutsAt("one", never, policy({ name: "d", target: targets.route, spec: timeout(4) }))).toEqual([
    3_000, 3_000,
  ]);
  const { statuses = [] } = load(first, later);
  const reasons = statuses
    .filter(({ kind }) => kind === "BackendTrafficPolicy")
    .map(({ name, status }) => [name, status.ancestors![0]!.conditions[0]!.reason]);
  expect(reasons).toEqual([
    ["b", "Accepted"],
    ["a", "Conflicted"],
  ]);
});

test("a policy has no target in another namespace, unless a selector and a ReferenceGrant say so", () => {
  const stranger = policy({ name: "x", namespace: "evil", target: targets.route, spec: timeout(1) });
  expect(timeoutsAt("one", stranger)).toEqual([undefined, undefined]);
  const selecting = policy({
    name: "x",
    namespace: "evil",
    target: "targetSelectors: [{ kind: HTTPRoute, matchLabels: { app: web }, namespaces: { from: All } }]",
    spec: timeout(1),
  });
  const grant = (from: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: g, namespace: shop }
spec:
  from: [{ group: gateway.envoyproxy.io, kind: ${from}, namespace: evil }]
  to: [{ group: gateway.networking.k8s.io, kind: HTTPRoute }]
`;
  expect(timeoutsAt("one", selecting)).toEqual([undefined, undefined]);
  expect(timeoutsAt("one", selecting, grant("SecurityPolicy"))).toEqual([undefined, undefined]);
  expect(timeoutsAt("one", selecting, grant("BackendTrafficPolicy"))).toEqual([1_000, 1_000]);
});

test("what the route says itself goes before its policy", () => {
  const own = world.replace("{ name: api,", "{ name: api, timeouts: { request: 7s },");
  const content = own + policy({ name: "r", target: targets.route, spec: timeout(1) });
  const { snapshot } = loadConfig([{ name: "f.yaml", content }]);
  expect(snapshot!.routes[0]!.rules.map(({ timeouts }) => timeouts?.requestMs)).toEqual([7_000, 1_000]);
});

describe("who cannot be told from others is not let in", () => {
  const security = (spec: string, target = targets.rule): string =>
    policy({ kind: "SecurityPolicy", name: "s", target, spec });
  const backends = (...parts: string[]) =>
    rulesAt("one", ...parts).map(({ backendRefs }) => backendRefs.map(({ backend }) => backend !== null));

  test.each([
    ["a Secret that is not there", "basicAuth: { users: { name: gone } }"],
    ["what the gateway cannot do", "oidc: { clientID: a }"],
    ["an unknown field", "basicAuthentication: {}"],
    ["a value that is none", "cors: { allowOrigins: [nonsense] }"],
    [
      "rules whose order would change",
      "authorization: { rules: [{ action: Allow, principal: { clientCIDRs: [10.0.0.0/8] } }, { action: Deny, principal: { clientCIDRs: [10.1.0.0/16] } }, { action: Allow, principal: { clientCIDRs: [10.2.0.0/16] } }] }",
    ],
  ])("%s: 500 for its requests, and for no others", (_, spec) => {
    expect(backends()).toEqual([[true], [true]]);
    expect(backends(security(spec))).toEqual([[false], [true]]);
  });

  test("not even where it is selected by labels, or stands above a route", () => {
    const broken = "basicAuthentication: {}";
    expect(
      backends(security(broken, "targetSelectors: [{ kind: HTTPRoute, matchLabels: { app: web } }]")),
    ).toEqual([[false], [false]]);
    const above = policy({
      kind: "SecurityPolicy",
      name: "s",
      namespace: "infra",
      target: targets.gateway,
      spec: broken,
    });
    expect(backends(above)).toEqual([[false], [false]]);
  });

  test("a listener that may be asking for certificates is not opened", () => {
    const client = policy({
      kind: "ClientTrafficPolicy",
      name: "c",
      namespace: "infra",
      target: targets.listener,
      spec: "tls: { clientValidation: { caCertificateRefs: [{ name: gone }] } }",
    });
    expect(load(client).snapshot!.listeners.map(({ name }) => name)).toEqual(["infra/edge/one"]);
  });
});

test("Deny rules that come first, and last ones that change nothing, keep their order", () => {
  const spec = (rules: string) =>
    policy({
      kind: "SecurityPolicy",
      name: "s",
      target: targets.route,
      spec: `authorization: { rules: [${rules}] }`,
    });
  const allow = "{ action: Allow, principal: { clientCIDRs: [10.0.0.0/8] } }";
  const deny = "{ action: Deny, principal: { clientCIDRs: [10.1.0.0/16] } }";
  const actions = (rules: string) =>
    rulesAt("one", spec(rules))[0]!.securityPolicy!.authorization!.rules.map(({ action }) => action);
  expect(actions(`${deny}, ${allow}`)).toEqual(["Deny", "Allow"]);
  expect(actions(`${allow}, ${deny}`)).toEqual(["Allow"]);
});

test.each([
  ["compressor: [{ type: Gzip }]", undefined, ["nothing is compressed with Gzip: it has no gzip"]],
  ["compression: [{ type: Gzip }]", { types: ["Gzip"], least: 30 }, []],
  [
    "compressor: [{ type: Zstd, zstd: {} }], compression: [{ type: Gzip }]",
    { types: ["Zstd"], least: 30 },
    ["compressor stands in its place"],
  ],
  [
    "compressor: [{ type: Brotli, brotli: { quality: 11 } }, { type: Gzip, gzip: {}, minContentLength: 1Ki }]",
    { types: ["Brotli", "Gzip"], least: 30 },
    ["all of them compress responses from 30 bytes on", "the level is 9: levels are from 1 to 9"],
  ],
  ["compressor: [{ type: Gzip, gzip: {}, minContentLength: 1Ki }]", { types: ["Gzip"], least: 1024 }, []],
])("%s", (spec, expected, warnings) => {
  const { snapshot, diagnostics } = load(policy({ name: "r", target: targets.route, spec }));
  const { compression } = snapshot!.routes[0]!.rules[0]!;
  expect(
    compression && {
      types: compression.compressors.map(({ type }) => type),
      least: compression.minContentLength,
    },
  ).toEqual(expected);
  expect(diagnostics.map(({ message }) => message)).toEqual(warnings);
});

test("octets of a TCP check are said and looked for as they are", () => {
  const tcp = "tcp: { send: { type: Text, text: PING }, receive: { type: Binary, binary: K1BPTkc= } }";
  const spec = `healthCheck: { active: { type: TCP, timeout: 1s, interval: 3s, unhealthyThreshold: 3, healthyThreshold: 1, ${tcp} } }`;
  const service = `---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ port: 80 }] }
`;
  const { snapshot } = load(service, policy({ name: "r", target: targets.route, spec }));
  expect(snapshot!.backends.map(({ healthCheck }) => healthCheck.active?.tcp)).toEqual([
    {
      exchanges: [
        { send: "PING", encoding: "Text" },
        { receive: "K1BPTkc=", encoding: "Base64" },
      ],
    },
  ]);
});
