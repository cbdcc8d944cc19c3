// Gateway and GatewayClass: what is said of them and of their listeners, and who is served by which listener.
import { expect } from "vitest";
import { accepts } from "../system/tcp.ts";
import { accepted, type ConformanceTest } from "./conformance-test.ts";
import { expectAll, http, to, v1 } from "./http-route-manifests.ts";
import { baseServices, gateway, get, getOverTls, route, secret, type World } from "./world.ts";

const toGateway = (name: string): string =>
  `parentRefs: [{ name: ${name} }]\nrules: [{ backendRefs: ${to(1)} }]`;
const changed = (manifest: string, from: string, becomes: string): string => {
  expect(manifest).toContain(from);
  return manifest.replace(from, becomes);
};
const generation = (manifest: string, value: number): string =>
  changed(manifest, "metadata: { ", `metadata: { generation: ${value}, `);

export const gateways: readonly ConformanceTest[] = [
  {
    name: "GatewayClassObservedGenerationBump",
    support: "core",
    ports: [],
    manifests: () => `---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: bumped, generation: 3 }
spec: { controllerName: isthmus.dev/gateway-controller }
`,
    run: ({ conditions, observedGenerations }) => {
      expect(conditions("GatewayClass", "bumped")).toContain("Accepted=True Accepted");
      expect(observedGenerations("GatewayClass", "bumped")).toEqual([3]);
    },
  },
  {
    name: "GatewayObservedGenerationBump",
    support: "core",
    manifests: (world) => generation(gateway(world, http(world)), 4),
    run: ({ observedGenerations }) => {
      expect([...new Set(observedGenerations("Gateway", "gw"))]).toEqual([4]);
    },
  },
  {
    name: "GatewayNameMaximumLength",
    support: "core",
    manifests: (world) =>
      gateway(world, http(world), "g".repeat(63)) +
      baseServices(world) +
      route(world, "r", toGateway("g".repeat(63))),
    run: ({ ports }) => expectAll(ports["http"]!, { "e.org /": v1 }),
  },
  {
    name: "GatewayInvalidRouteKind",
    support: "core",
    ports: ["http", "other"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: http, port: ${world.ports["http"]}, protocol: HTTP, allowedRoutes: { kinds: [{ kind: InvalidRoute }] } }`,
      ) +
      gateway(
        world,
        `- { name: http, port: ${world.ports["other"]}, protocol: HTTP, allowedRoutes: { kinds: [{ kind: InvalidRoute }, { kind: HTTPRoute }] } }`,
        "both",
      ) +
      baseServices(world) +
      route(world, "r", toGateway("both")),
    run: async ({ ports, listeners, conditionsOf }) => {
      expect(listeners("Gateway", "gw")).toEqual(["http: 0 routes of no kind"]);
      expect(conditionsOf("Gateway", "gw", "http")).toContain("ResolvedRefs=False InvalidRouteKinds");
      expect(listeners("Gateway", "both")).toEqual(["http: 1 routes of HTTPRoute"]);
      expect(conditionsOf("Gateway", "both", "http")).toContain("ResolvedRefs=False InvalidRouteKinds");
      await expectAll(ports["other"]!, { "e.org /": v1 });
    },
  },
  {
    name: "GatewayListenerUnsupportedProtocol",
    support: "core",
    ports: ["http", "other", "last"],
    manifests: (world) =>
      gateway(world, `- { name: invalid, port: ${world.ports["other"]}, protocol: INVALID }`, "none") +
      gateway(world, `${http(world)}\n- { name: invalid, port: ${world.ports["last"]}, protocol: INVALID }`) +
      baseServices(world) +
      route(world, "r", toGateway("gw")),
    run: async ({ ports, conditionsOf, listeners }) => {
      expect(conditionsOf("Gateway", "none")).toContain("Accepted=False ListenersNotValid");
      expect(conditionsOf("Gateway", "none", "invalid")).toContain("Accepted=False UnsupportedProtocol");
      expect(conditionsOf("Gateway", "gw")).toContain("Accepted=True ListenersNotValid");
      expect(conditionsOf("Gateway", "gw", "invalid")).toContain("Accepted=False UnsupportedProtocol");
      expect(conditionsOf("Gateway", "gw", "http")).toContain("Accepted=True Accepted");
      expect(listeners("Gateway", "gw")).toEqual([
        "http: 1 routes of HTTPRoute, GRPCRoute",
        "invalid: 0 routes of no kind",
      ]);
      await expectAll(ports["http"]!, { "e.org /": v1 });
      expect(await accepts(ports["last"]!)).toBe(false);
    },
  },
  {
    name: "GatewayInvalidParametersRef",
    support: "core",
    manifests: (world) =>
      changed(
        gateway(world, http(world)),
        "  listeners:",
        "  infrastructure: { parametersRef: { group: invalid.io, kind: InvalidParameters, name: invalid } }\n  listeners:",
      ),
    run: async ({ ports, conditionsOf }) => {
      expect(conditionsOf("Gateway", "gw")).toContain("Accepted=False InvalidParameters");
      expect(await accepts(ports["http"]!)).toBe(false);
    },
  },
  ...[
    { name: "GatewayWithAttachedRoutes", ports: ["http", "https"] },
    { name: "GatewayWithAttachedRoutesWithPort8080", ports: ["http", "other"] },
  ].map(({ name, ports }): ConformanceTest => ({
    name,
    support: name.endsWith("8080") ? "extended" : "core",
    ports,
    manifests: (world) => (ports[1] === "https" ? attachedRoutes(world) : attachedByName(world)),
    run: async ({ ports: at, listeners, conditions, conditionsOf }) => {
      if (ports[1] === "other") {
        expect(listeners("Gateway", "gw")).toEqual([
          "unattached: 0 routes of HTTPRoute",
          "http: 1 routes of HTTPRoute",
        ]);
        await expectAll(at["http"]!, { "e.org /": v1 });
        await expectAll(at["other"]!, { "e.org /": "404" });
        return;
      }
      expect(listeners("Gateway", "gw")).toEqual(["http: 2 routes of HTTPRoute"]);
      expect(conditions("HTTPRoute", "stranger")).toContain("Accepted=False NoMatchingListenerHostname");
      // Routes count, too, where the listener cannot be opened and where their backends are not there.
      expect(listeners("Gateway", "unresolved")).toEqual(["tls: 1 routes of HTTPRoute"]);
      expect(conditionsOf("Gateway", "unresolved", "tls")).toContain(
        "ResolvedRefs=False InvalidCertificateRef",
      );
      expect(conditionsOf("Gateway", "unresolved", "tls")).toContain("Programmed=False Invalid");
      expect(conditions("HTTPRoute", "unresolved")).toContain("ResolvedRefs=False BackendNotFound");
      await expectAll(at["http"]!, { "foo.example.com /": v1, "not-accepted.test.com /": "404" });
    },
  })),
  {
    name: "GatewayModifyListeners",
    support: "core",
    ports: ["http", "https"],
    // What is left of it where nothing is patched: a route is at every listener that the Gateway has by now.
    manifests: (world) =>
      gateway(
        world,
        `- { name: https, port: ${world.ports["https"]}, protocol: HTTPS, hostname: secure.test.com, tls: { certificateRefs: [{ name: site }] } }
${http(world)}`,
      ) +
      secret(world.namespace, "site", world) +
      baseServices(world) +
      route(world, "r", toGateway("gw")),
    run: async ({ ports, listeners, conditionsOf }) => {
      expect(listeners("Gateway", "gw")).toEqual([
        "https: 1 routes of HTTPRoute, GRPCRoute",
        "http: 1 routes of HTTPRoute, GRPCRoute",
      ]);
      for (const listener of ["https", "http"]) {
        expect(conditionsOf("Gateway", "gw", listener).slice(0, 2)).toEqual(accepted);
      }
      await expectAll(ports["http"]!, { "e.org /": v1 });
      expect(await getOverTls(ports["https"]!, "secure.test.com", "secure.test.com", "/")).toBe(v1);
    },
  },
  {
    name: "GatewayHTTPListenerIsolation",
    support: "extended",
    ports: ["http", "intersecting"],
    manifests: (world) =>
      isolated(world, "gw", "http", false) +
      isolated(world, "both", "intersecting", true) +
      baseServices(world),
    run: async ({ ports, conditions }) => {
      for (const [name, { own }] of Object.entries(isolatedListeners)) {
        for (const of of ["gw", "both"]) {
          expect(conditions("HTTPRoute", `${of}-${name}`)).toEqual(accepted);
        }
        for (const other of Object.keys(isolatedListeners)) {
          const expected = other === name ? v1 : "404";
          for (const port of ["http", "intersecting"]) {
            expect(await get(ports[port]!, own, `/${other}`), `${own} /${other}`).toBe(expected);
          }
        }
      }
    },
  },
  {
    name: "GatewayOptionalAddressValue",
    support: "extended",
    manifests: (world) =>
      changed(
        gateway(world, http(world)),
        "  listeners:",
        "  addresses: [{ type: IPAddress }]\n  listeners:",
      ) +
      baseServices(world) +
      route(world, "r", toGateway("gw")),
    run: async ({ ports, conditionsOf }) => {
      expect(conditionsOf("Gateway", "gw")).toEqual(["Accepted=True Accepted", "Programmed=True Programmed"]);
      await expectAll(ports["http"]!, { "e.org /": v1 });
    },
  },
  {
    name: "GatewayStaticAddresses",
    support: "extended",
    ports: ["invalid", "unusable", "http"],
    // The suite takes one address after the other out of one Gateway; here are three.
    manifests: (world) =>
      Object.entries({
        invalid: "{ type: test/fake-invalid-type, value: teehee }, ",
        unusable: "{ value: 192.0.2.9 }, ",
        http: "",
      })
        .map(([name, more]) =>
          changed(
            gateway(world, `- { name: http, port: ${world.ports[name]}, protocol: HTTP }`, name),
            "  listeners:",
            `  addresses: [${more}{ value: 127.0.0.1 }]\n  listeners:`,
          ),
        )
        .join("") +
      baseServices(world) +
      route(world, "r", toGateway("http")),
    run: async ({ ports, conditionsOf, field }) => {
      expect(conditionsOf("Gateway", "invalid")).toContain("Accepted=False UnsupportedAddress");
      expect(conditionsOf("Gateway", "unusable")).toEqual([
        "Accepted=True Accepted",
        "Programmed=False AddressNotUsable",
      ]);
      expect(field("Gateway", "unusable", "addresses")).toEqual([{ type: "IPAddress", value: "127.0.0.1" }]);
      expect(conditionsOf("Gateway", "http")).toEqual([
        "Accepted=True Accepted",
        "Programmed=True Programmed",
      ]);
      expect(field("Gateway", "http", "addresses")).toEqual([{ type: "IPAddress", value: "127.0.0.1" }]);
      await expectAll(ports["http"]!, { "e.org /": v1 });
    },
  },
];

function attachedRoutes(world: World): string {
  const kinds =
    "allowedRoutes: { kinds: [{ kind: HTTPRoute }], namespaces: { from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: " +
    world.namespace +
    " } } } }";
  return (
    gateway(
      world,
      `- { name: http, port: ${world.ports["http"]}, protocol: HTTP, hostname: foo.example.com, ${kinds} }`,
    ) +
    gateway(
      world,
      `- { name: tls, port: ${world.ports["https"]}, protocol: HTTPS, tls: { certificateRefs: [{ name: does-not-exist }] }, ${kinds} }`,
      "unresolved",
    ) +
    baseServices(world) +
    route(world, "one", toGateway("gw")) +
    route(world, "two", toGateway("gw")) +
    route(world, "stranger", `hostnames: [not-accepted.test.com]\n${toGateway("gw")}`) +
    route(
      world,
      "unresolved",
      "parentRefs: [{ name: unresolved, sectionName: tls }]\nrules: [{ backendRefs: [{ name: does-not-exist, port: 8080 }] }]",
    )
  );
}

function attachedByName(world: World): string {
  const listener = (name: string, port: string): string =>
    `- { name: ${name}, port: ${world.ports[port]}, protocol: HTTP, allowedRoutes: { kinds: [{ kind: HTTPRoute }] } }`;
  return (
    gateway(world, `${listener("unattached", "other")}\n${listener("http", "http")}`) +
    baseServices(world) +
    route(world, "r", `parentRefs: [{ name: gw, sectionName: http }]\nrules: [{ backendRefs: ${to(1)} }]`)
  );
}

const isolatedListeners: Readonly<Record<string, { hostname?: string; own: string }>> = {
  "empty-hostname": { own: "bar.com" },
  "wildcard-example-com": { hostname: "*.example.com", own: "bar.example.com" },
  "wildcard-foo-example-com": { hostname: "*.foo.example.com", own: "bar.foo.example.com" },
  "abc-foo-example-com": { hostname: "abc.foo.example.com", own: "abc.foo.example.com" },
};

/** Each listener has one route, whose hosts are those of the listener, or of all that are wider, too. */
function isolated(world: World, name: string, port: string, intersecting: boolean): string {
  const listeners = Object.entries(isolatedListeners);
  const all = listeners.flatMap(([, { hostname }]) => (hostname === undefined ? [] : [hostname]));
  return (
    gateway(
      world,
      listeners
        .map(
          ([listener, { hostname = "" }]) =>
            `- { name: ${listener}, port: ${world.ports[port]}, protocol: HTTP, hostname: "${hostname}" }`,
        )
        .join("\n"),
      name,
    ) +
    listeners
      .map(([listener]) =>
        route(
          world,
          `${name}-${listener}`,
          `parentRefs: [{ name: ${name}, sectionName: ${listener} }]
hostnames: ${JSON.stringify(intersecting ? ["bar.com", ...all] : [])}
rules: [{ matches: [{ path: { value: /${listener} } }], backendRefs: ${to(1)} }]`,
        ),
      )
      .join("")
  );
}
