// HTTPRoute, core support: filters, Services, references that lead nowhere and those that need a grant, conditions.
import { expect } from "vitest";
import type { ConformanceTest } from "./conformance-test.ts";
import { base, expectAll, to, v1, v2 } from "./http-route-manifests.ts";
import { baseServices, echoOf, gateway, get, route, service, type World } from "./world.ts";

export const httpRouteReferences: readonly ConformanceTest[] = [
  {
    name: "HTTPRouteRequestHeaderModifier",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - filters:
      - type: RequestHeaderModifier
        requestHeaderModifier:
          set: [{ name: X-Header-Set, value: set-overwrites-values }]
          add: [{ name: X-Header-Add, value: add-appends-values }]
          remove: [X-Header-Remove]
    backendRefs: ${to(1)}`,
        ),
      ),
    run: async ({ ports }) => {
      const { headers } = await echoOf(ports["http"]!, "e.org", "/", {
        headers: { "x-header-set": "a", "x-header-add": "b", "x-header-remove": "c", "another-header": "d" },
      });
      expect(headers["x-header-set"]).toBe("set-overwrites-values");
      expect(String(headers["x-header-add"]).replaceAll(" ", "")).toBe("b,add-appends-values");
      expect(headers["x-header-remove"]).toBeUndefined();
      expect(headers["another-header"]).toBe("d");
    },
  },
  {
    name: "HTTPRouteRedirectHostAndStatus",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ path: { value: /hostname-redirect } }], filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org } }] }
  - { matches: [{ path: { value: /host-and-status } }], filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org, statusCode: 301 } }] }`,
        ),
      ),
    run: async ({ ports }) => {
      const port = ports["http"]!;
      const host = `e.org:${port}`;
      expect(await get(port, host, "/hostname-redirect")).toBe(
        `302 http://example.org:${port}/hostname-redirect`,
      );
      expect(await get(port, host, "/host-and-status")).toBe(
        `301 http://example.org:${port}/host-and-status`,
      );
    },
  },
  {
    name: "HTTPRouteServiceTypes",
    support: "core",
    manifests: (world) => {
      const port = world.pods.ports.get("infra-backend-v1")!;
      return base(
        world,
        service(world.namespace, "headless", [port], { clusterIP: "None" }),
        `---
apiVersion: v1
kind: Service
metadata: { name: external, namespace: ${world.namespace} }
spec: { type: ExternalName, externalName: localhost, ports: [{ port: ${port} }] }
`,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ path: { value: /headless } }], backendRefs: [{ name: headless, port: 8080 }] }
  - { matches: [{ path: { value: /external } }], backendRefs: [{ name: external, port: ${port} }] }
  - { matches: [{ path: { value: /plain } }], backendRefs: ${to(1)} }`,
        ),
      );
    },
    run: async ({ ports }) =>
      expectAll(ports["http"]!, { "e.org /headless": v1, "e.org /plain": v1, "e.org /external": v1 }),
  },
  {
    name: "HTTPRouteNoBackendRefs",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ matches: [{ path: { value: /a } }] }]`),
      ),
    run: async ({ ports, conditions }) => {
      await expectAll(ports["http"]!, { "e.org /a": "500" });
      expect(conditions("HTTPRoute", "r")).toContain("Accepted=True Accepted");
    },
  },
  ...invalidReferences(),
  granting("HTTPRouteReferenceGrant", "HTTPRoute", v2, "True ResolvedRefs"),
  granting("HTTPRouteInvalidReferenceGrant", "GRPCRoute", "500", "False RefNotPermitted"),
  {
    name: "HTTPRoutePartiallyInvalidViaInvalidReferenceGrant",
    support: "core",
    manifests: (world) =>
      base(world) +
      granted(world, "GRPCRoute") +
      route(
        world,
        "r",
        `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ path: { value: /v1 } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /v2 } }], backendRefs: [{ name: web, namespace: ${world.namespace}-web, port: 8080 }] }`,
      ),
    run: async ({ ports, conditions }) => {
      await expectAll(ports["http"]!, { "e.org /v1": v1, "e.org /v2": "500" });
      expect(conditions("HTTPRoute", "r")).toContain("ResolvedRefs=False RefNotPermitted");
    },
  },
  {
    name: "HTTPRouteInvalidCrossNamespaceParentRef",
    support: "core",
    manifests: (world) => {
      const other = { namespace: `${world.namespace}-web` };
      return (
        base(world) +
        route(
          other,
          "r",
          `parentRefs: [{ name: gw, namespace: ${world.namespace} }]\nrules: [{ backendRefs: ${to(1)} }]`,
        ) +
        route(world, "here", `parentRefs: [{ name: nobody }]\nrules: [{ backendRefs: ${to(1)} }]`)
      );
    },
    run: async ({ ports, conditions, namespace }) => {
      await expectAll(ports["http"]!, { "e.org /": "404" });
      expect(conditions("HTTPRoute", `${namespace}-web/r`)).toContain("Accepted=False NotAllowedByListeners");
    },
  },
  {
    name: "HTTPRouteObservedGenerationBump",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`, "HTTPRoute", 7),
      ),
    run: async ({ ports, observedGenerations }) => {
      await expectAll(ports["http"]!, { "e.org /": v1 });
      expect(observedGenerations("HTTPRoute", "r")).toEqual([7, 7]);
    },
  },
  unmatched("HTTPRouteInvalidParentRefNotMatchingSectionName", "sectionName: https"),
  unmatched("HTTPRouteInvalidParentRefNotMatchingListenerPort", "port: 81"),
  unmatched("HTTPRouteInvalidParentRefSectionNameNotMatchingPort", "sectionName: http, port: 81"),
  {
    name: "HTTPRouteDisallowedKind",
    support: "core",
    ports: ["tls"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: tls, port: ${world.ports["tls"]}, protocol: TLS, tls: { mode: Passthrough }, allowedRoutes: { kinds: [{ kind: TLSRoute }] } }`,
      ) +
      baseServices(world) +
      route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`),
    run: ({ conditions, listeners }) => {
      expect(conditions("HTTPRoute", "r")).toContain("Accepted=False NotAllowedByListeners");
      expect(listeners("Gateway", "gw")).toEqual(["tls: 0 routes of TLSRoute"]);
    },
  },
];

/** A route to a Service of another namespace, which lets routes of a kind do so. */
function granting(name: string, kind: string, answer: string | undefined, resolved: string): ConformanceTest {
  return {
    name,
    support: "core",
    manifests: (world) =>
      base(world) +
      granted(world, kind) +
      route(
        world,
        "r",
        `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: [{ name: web, namespace: ${world.namespace}-web, port: 8080 }] }]`,
      ),
    run: async ({ ports, conditions }) => {
      await expectAll(ports["http"]!, { "e.org /": answer });
      expect(conditions("HTTPRoute", "r")).toContain(`ResolvedRefs=${resolved}`);
    },
  };
}

/** A route that names what is no listener of the Gateway. */
function unmatched(name: string, parent: string): ConformanceTest {
  return {
    name,
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(world, "r", `parentRefs: [{ name: gw, ${parent} }]\nrules: [{ backendRefs: ${to(1)} }]`),
      ),
    run: async ({ ports, conditions, listeners }) => {
      await expectAll(ports["http"]!, { "e.org /": "404" });
      expect(conditions("HTTPRoute", "r")).toContain("Accepted=False NoMatchingParent");
      expect(listeners("Gateway", "gw")).toEqual(["http: 0 routes of HTTPRoute, GRPCRoute"]);
    },
  };
}

function granted(world: World, kind: string): string {
  const namespace = `${world.namespace}-web`;
  return `${service(namespace, "web", [world.pods.ports.get("infra-backend-v2")!])}---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: g, namespace: ${namespace} }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: ${kind}, namespace: ${world.namespace} }]
  to: [{ group: "", kind: Service, name: web }]
`;
}

function invalidReferences(): ConformanceTest[] {
  const cases = [
    ["HTTPRouteInvalidNonExistentBackendRef", "[{ name: gone, port: 8080 }]", "BackendNotFound"],
    [
      "HTTPRouteInvalidBackendRefUnknownKind",
      "[{ group: unknownkind.example.com, kind: NonExistent, name: x, port: 8080 }]",
      "InvalidKind",
    ],
    [
      "HTTPRouteInvalidCrossNamespaceBackendRef",
      "[{ name: web, namespace: elsewhere, port: 8080 }]",
      "RefNotPermitted",
    ],
  ] as const;
  return cases.map(([name, refs, reason]) => ({
    name,
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]\nrules: [{ matches: [{ path: { value: /v2 } }], backendRefs: ${refs} }]`,
        ),
      ),
    run: async ({ ports, conditions }) => {
      await expectAll(ports["http"]!, { "e.org /v2": "500" });
      expect(conditions("HTTPRoute", "r")).toContain(`ResolvedRefs=False ${reason}`);
      expect(conditions("HTTPRoute", "r")).toContain("Accepted=True Accepted");
    },
  }));
}
