// TLSRoute: connections by the name that their client asks for, passed on as they are or opened by the gateway.
import { expect } from "vitest";
import { tlsClient } from "../system/tcp.ts";
import { accepted, type ConformanceTest } from "./conformance-test.ts";
import type { TlsPod } from "./tls-world.ts";
import { gateway, referenceGrant, route, secret, service, type World } from "./world.ts";

/** Who greets over TLS, or `rejected`. */
export async function greeting(port: number, name: string): Promise<string> {
  const client = tlsClient(port, name);
  const greeted = await Promise.race([client.until("\n"), client.all.then(() => "rejected")]).catch(
    () => "rejected",
  );
  client.socket.destroy();
  return greeted.trim();
}

export const pod = ({ namespace, tls }: World, name: TlsPod, of = namespace): string =>
  service(of, name, [tls.ports[name]]);
export const to = (name: string, more = ""): string => `[{ name: ${name}, port: 8080${more} }]`;
export const listener = (port: number | undefined, mode: string, hostname = "", more = ""): string =>
  `- { name: tls, port: ${port}, protocol: TLS${hostname && `, hostname: "${hostname}"`}, tls: { mode: ${mode}${more} } }`;
export const tlsRoute = (world: World, host: string, refs: string, name = "r", parent = "name: gw"): string =>
  route(
    world,
    name,
    `parentRefs: [{ ${parent} }]\nhostnames: ["${host}"]\nrules: [{ backendRefs: ${refs} }]`,
    "TLSRoute",
  );

interface Intersection {
  readonly listener: string;
  /** Host name of a route, and who greets there. */
  readonly routes: readonly (readonly [string, TlsPod])[];
  readonly names: Readonly<Record<string, string>>;
}

const intersections: Readonly<Record<string, Intersection>> = {
  exact: {
    listener: "abc.example.com",
    routes: [["*.example.com", "tls-backend"]],
    names: {
      "abc.example.com": "tls-backend",
      "other.example.com": "rejected",
      "non.matching.com": "rejected",
    },
  },
  more: {
    listener: "*.example.com",
    routes: [
      ["abc.example.com", "tls-backend"],
      ["*.com", "tls-backend-2"],
    ],
    names: {
      "abc.example.com": "tls-backend",
      "other.example.com": "tls-backend-2",
      "non.matching.com": "rejected",
    },
  },
  less: {
    listener: "*.com",
    routes: [
      ["abc.example.com", "tls-backend"],
      ["*.example.com", "tls-backend-2"],
    ],
    names: {
      "abc.example.com": "tls-backend",
      "other.example.com": "tls-backend-2",
      "non.matching.com": "rejected",
    },
  },
  none: {
    listener: "",
    routes: [
      ["abc.example.com", "tls-backend"],
      ["*.com", "tls-backend-2"],
    ],
    names: {
      "abc.example.com": "tls-backend",
      "other.example.com": "tls-backend-2",
      "non.matching.org": "rejected",
    },
  },
};

/** A route whose only backend cannot be had. */
function invalid(
  name: string,
  refs: (world: World) => string,
  reason: string,
  more: (world: World) => string = () => "",
): ConformanceTest {
  return {
    name,
    support: "core",
    ports: ["tls"],
    manifests: (world) =>
      gateway(world, listener(world.ports["tls"], "Passthrough")) +
      more(world) +
      tlsRoute(world, "abc.example.com", refs(world)),
    run: async ({ ports, conditions }) => {
      expect(conditions("TLSRoute", "r")).toEqual(["Accepted=True Accepted", `ResolvedRefs=False ${reason}`]);
      expect(await greeting(ports["tls"]!, "abc.example.com")).toBe("rejected");
    },
  };
}

export const tlsRoutes: readonly ConformanceTest[] = [
  {
    name: "TLSRouteSimpleSameNamespace",
    support: "core",
    ports: ["tls"],
    manifests: (world) =>
      gateway(world, listener(world.ports["tls"], "Passthrough", "abc.example.com")) +
      pod(world, "tls-backend") +
      tlsRoute(world, "abc.example.com", to("tls-backend")),
    run: async ({ ports, conditions }) => {
      expect(conditions("TLSRoute", "r")).toEqual(accepted);
      expect(await greeting(ports["tls"]!, "abc.example.com")).toBe("tls-backend");
    },
  },
  {
    name: "TLSRouteTerminateSimpleSameNamespace",
    support: "extended",
    ports: ["tls"],
    manifests: (world) =>
      gateway(
        world,
        listener(world.ports["tls"], "Terminate", "tls.example.com", ", certificateRefs: [{ name: site }]"),
      ) +
      secret(world.namespace, "site", world) +
      pod(world, "tcp-backend-v1") +
      tlsRoute(world, "tls.example.com", to("tcp-backend-v1")),
    run: async ({ ports, conditions }) => {
      expect(conditions("TLSRoute", "r")).toEqual(accepted);
      expect(await greeting(ports["tls"]!, "tls.example.com")).toBe("tcp-backend-v1");
    },
  },
  {
    name: "TLSRouteHostnameIntersection",
    support: "core",
    ports: Object.keys(intersections),
    manifests: (world) =>
      pod(world, "tls-backend") +
      pod(world, "tls-backend-2") +
      Object.entries(intersections)
        .map(
          ([name, { listener: hostname, routes }]) =>
            gateway(world, listener(world.ports[name], "Passthrough", hostname), name) +
            routes
              .map(([host, backend]) =>
                tlsRoute(world, host, to(backend), `${name}-${backend}`, `name: ${name}`),
              )
              .join(""),
        )
        .join(""),
    run: async ({ ports, conditions }) => {
      for (const [name, { routes, names }] of Object.entries(intersections)) {
        for (const [, backend] of routes) {
          expect(conditions("TLSRoute", `${name}-${backend}`)).toEqual(accepted);
        }
        for (const [server, expected] of Object.entries(names)) {
          expect(await greeting(ports[name]!, server), `${name} ${server}`).toBe(expected);
        }
      }
    },
  },
  invalid("TLSRouteInvalidBackendRefNonexistent", () => to("nobody"), "BackendNotFound"),
  invalid(
    "TLSRouteInvalidBackendRefUnknownKind",
    () => "[{ group: unknownkind.example.com, kind: NonExistent, name: x, port: 8080 }]",
    "InvalidKind",
  ),
  invalid(
    "TLSRouteInvalidReferenceGrant",
    ({ namespace }) => to("tls-backend", `, namespace: ${namespace}-web`),
    "RefNotPermitted",
    (world) =>
      pod(world, "tls-backend", `${world.namespace}-web`) +
      referenceGrant(world, "Gateway", "kind: Service, name: tls-backend"),
  ),
  {
    name: "TLSRouteInvalidNoMatchingListener",
    support: "core",
    ports: ["tls", "http", "https"],
    manifests: (world) => {
      const at = (name: string, more: string): string =>
        gateway(world, `- { name: l, port: ${world.ports[name]}, ${more} }`, name);
      const from = (name: string, section = ""): string =>
        tlsRoute(world, "tls.example.com", to("tls-backend"), name, `name: ${name}${section}`);
      return (
        at("tls", "protocol: TLS, tls: { mode: Passthrough }") +
        at("http", "protocol: HTTP") +
        at("https", "protocol: HTTPS, tls: { certificateRefs: [{ name: site }] }") +
        secret(world.namespace, "site", world) +
        pod(world, "tls-backend") +
        from("tls", ", sectionName: nobody") +
        from("http") +
        from("https")
      );
    },
    run: ({ conditions, listeners }) => {
      expect(conditions("TLSRoute", "tls")).toContain("Accepted=False NoMatchingParent");
      for (const name of ["http", "https"]) {
        expect(conditions("TLSRoute", name)).toContain("Accepted=False NotAllowedByListeners");
        expect(listeners("Gateway", name)).toEqual(["l: 0 routes of HTTPRoute, GRPCRoute"]);
      }
    },
  },
  {
    name: "TLSRouteInvalidNoMatchingListenerHostname",
    support: "core",
    ports: ["exact", "wildcard"],
    manifests: (world) =>
      pod(world, "tls-backend") +
      Object.entries({ exact: "www.example.com", wildcard: "*.example.com" })
        .map(
          ([name, hostname]) =>
            gateway(world, listener(world.ports[name], "Passthrough", hostname), name) +
            route(
              world,
              name,
              `parentRefs: [{ name: ${name} }]\nhostnames: [www.nomatch.com, "*.nomatch.com"]\nrules: [{ backendRefs: ${to("tls-backend")} }]`,
              "TLSRoute",
            ),
        )
        .join(""),
    run: ({ conditions, listeners }) => {
      for (const name of ["exact", "wildcard"]) {
        expect(conditions("TLSRoute", name)).toContain("Accepted=False NoMatchingListenerHostname");
        expect(listeners("Gateway", name)).toEqual(["tls: 0 routes of TLSRoute"]);
      }
    },
  },
  {
    name: "TLSRouteListenerPassthroughSupportedKinds",
    support: "core",
    ports: ["tls"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: tls, port: ${world.ports["tls"]}, protocol: TLS, tls: { mode: Passthrough }, allowedRoutes: { kinds: [{ kind: TCPRoute }, { kind: TLSRoute }] } }`,
      ),
    run: ({ conditionsOf, listeners }) => {
      expect(conditionsOf("Gateway", "gw", "tls")).toContain("ResolvedRefs=False InvalidRouteKinds");
      expect(listeners("Gateway", "gw")).toEqual(["tls: 0 routes of TLSRoute"]);
    },
  },
  {
    name: "TLSRouteListenerTerminateSupportedKinds",
    support: "extended",
    ports: ["tls"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: tls, port: ${world.ports["tls"]}, protocol: TLS, tls: { certificateRefs: [{ name: site }] }, allowedRoutes: { kinds: [{ kind: TLSRoute }] } }`,
      ) + secret(world.namespace, "site", world),
    run: ({ conditionsOf, listeners }) => {
      expect(conditionsOf("Gateway", "gw", "tls")).toContain("Accepted=True Accepted");
      expect(listeners("Gateway", "gw")).toEqual(["tls: 0 routes of TLSRoute"]);
    },
  },
  {
    name: "TLSRouteListenerMixedTerminationNotSupported",
    support: "core",
    ports: ["tls"],
    manifests: (world) =>
      gateway(
        world,
        `${listener(world.ports["tls"], "Terminate", "terminate.example.com", ", certificateRefs: [{ name: site }]")}
${listener(world.ports["tls"], "Passthrough", "passthrough.example.com").replace("name: tls", "name: other")}`,
      ) + secret(world.namespace, "site", world),
    run: ({ conditionsOf, listeners }) => {
      for (const name of ["tls", "other"]) {
        expect(conditionsOf("Gateway", "gw", name)).toContain("Accepted=False ProtocolConflict");
      }
      expect(listeners("Gateway", "gw")).toEqual(["tls: 0 routes of no kind", "other: 0 routes of no kind"]);
    },
  },
];
