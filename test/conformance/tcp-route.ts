// TCPRoute: which listeners a route has, and who of its backends gets the connections. UDPRoute: none.
import { expect } from "vitest";
import { tcpClient } from "../system/tcp.ts";
import { accepted, type ConformanceTest } from "./conformance-test.ts";
import { pod, to } from "./tls-route.ts";
import { countAnswers, gateway, referenceGrant, route, type World } from "./world.ts";

const listener = (name: string, port: number | undefined): string =>
  `- { name: ${name}, port: ${port}, protocol: TCP, allowedRoutes: { kinds: [{ kind: TCPRoute }] } }`;
const tcpRoute = (world: World, name: string, parent: string, refs: string): string =>
  route(world, name, `parentRefs: [{ name: gw${parent} }]\nrules: [{ backendRefs: ${refs} }]`, "TCPRoute");
const all = (world: World): string =>
  pod(world, "tcp-backend-v1") + pod(world, "tcp-backend-v2") + pod(world, "tcp-backend-v3");

/** Who greets, or `rejected`. */
async function greeting(port: number): Promise<string> {
  const client = tcpClient(port);
  const greeted = await client.until("\n").catch(() => "rejected");
  client.socket.destroy();
  return greeted.trim();
}

function invalid(name: string, refs: (world: World) => string, reason: string): ConformanceTest {
  return {
    name,
    support: "core",
    ports: ["tcp"],
    manifests: (world) =>
      gateway(world, listener("tcp", world.ports["tcp"])) +
      pod(world, "tcp-backend-v1", `${world.namespace}-web`) +
      tcpRoute(world, "r", ", sectionName: tcp", refs(world)),
    run: async ({ ports, conditions }) => {
      expect(conditions("TCPRoute", "r")).toEqual(["Accepted=True Accepted", `ResolvedRefs=False ${reason}`]);
      expect(await greeting(ports["tcp"]!)).toBe("rejected");
    },
  };
}

export const tcpRoutes: readonly ConformanceTest[] = [
  invalid("TCPRouteInvalidBackendRefNonexistent", () => to("nobody"), "BackendNotFound"),
  invalid(
    "TCPRouteInvalidCrossNamespaceBackendRef",
    ({ namespace }) => to("tcp-backend-v1", `, namespace: ${namespace}-web`),
    "RefNotPermitted",
  ),
  {
    name: "TCPRouteInvalidNonTCPListener",
    support: "core",
    manifests: (world) =>
      gateway(
        world,
        `- { name: http, port: ${world.ports["http"]}, protocol: HTTP, allowedRoutes: { kinds: [{ kind: HTTPRoute }] } }`,
      ) +
      all(world) +
      tcpRoute(world, "r", ", sectionName: http", to("tcp-backend-v1")),
    run: ({ conditions, listeners }) => {
      expect(conditions("TCPRoute", "r")).toContain("Accepted=False NotAllowedByListeners");
      expect(listeners("Gateway", "gw")).toEqual(["http: 0 routes of HTTPRoute"]);
    },
  },
  {
    name: "TCPRouteMultipleRoutesAttachment",
    support: "core",
    ports: ["tcp"],
    manifests: (world) => {
      const aged = (name: string, day: number, backend: string): string =>
        tcpRoute(world, name, ", sectionName: tcp", to(backend)).replace(
          "metadata: { ",
          `metadata: { creationTimestamp: "2026-01-0${day}T00:00:00Z", `,
        );
      return (
        gateway(world, listener("tcp", world.ports["tcp"])) +
        all(world) +
        aged("a-newer", 2, "tcp-backend-v2") +
        aged("b-older", 1, "tcp-backend-v1")
      );
    },
    run: async ({ ports, conditions, listeners }) => {
      expect(conditions("TCPRoute", "a-newer")).toEqual(accepted);
      expect(conditions("TCPRoute", "b-older")).toEqual(accepted);
      expect(listeners("Gateway", "gw")).toEqual(["tcp: 2 routes of TCPRoute"]);
      const counts = await countAnswers(100, () => greeting(ports["tcp"]!));
      expect([...counts]).toEqual([["tcp-backend-v1", 100]]);
    },
  },
  {
    name: "TCPRouteParentRefAttachAll",
    support: "core",
    ports: ["one", "two", "three", "four"],
    manifests: (world) =>
      gateway(
        world,
        Object.entries(world.ports)
          .map(([name, port]) => listener(name, port))
          .join("\n"),
      ) +
      all(world) +
      tcpRoute(world, "r", "", to("tcp-backend-v1")),
    run: async ({ ports, conditions, field }) => {
      expect(conditions("TCPRoute", "r")).toEqual(accepted);
      expect(field("TCPRoute", "r", "parents")).toHaveLength(1);
      for (const port of Object.values(ports)) expect(await greeting(port)).toBe("tcp-backend-v1");
    },
  },
  {
    name: "TCPRouteParentRefPortAndSectionName",
    support: "core",
    ports: ["one", "two", "three"],
    manifests: (world) =>
      gateway(
        world,
        Object.entries(world.ports)
          .map(([name, port]) => listener(name, port))
          .join("\n"),
      ) +
      all(world) +
      tcpRoute(world, "by-port", `, port: ${world.ports["one"]}`, to("tcp-backend-v1")) +
      tcpRoute(world, "by-section", ", sectionName: two", to("tcp-backend-v2")) +
      tcpRoute(world, "by-both", `, sectionName: three, port: ${world.ports["three"]}`, to("tcp-backend-v3")),
    run: async ({ ports, conditions }) => {
      for (const [name, at, backend] of [
        ["by-port", "one", "tcp-backend-v1"],
        ["by-section", "two", "tcp-backend-v2"],
        ["by-both", "three", "tcp-backend-v3"],
      ] as const) {
        expect(conditions("TCPRoute", name)).toEqual(accepted);
        expect(await greeting(ports[at]!)).toBe(backend);
      }
    },
  },
  {
    name: "TCPRouteReferenceGrant",
    support: "core",
    ports: ["tcp"],
    manifests: (world) =>
      gateway(world, listener("tcp", world.ports["tcp"])) +
      pod(world, "tcp-backend-v1", `${world.namespace}-web`) +
      referenceGrant(world, "TCPRoute", "kind: Service, name: tcp-backend-v1") +
      tcpRoute(world, "r", "", to("tcp-backend-v1", `, namespace: ${world.namespace}-web`)),
    run: async ({ ports, conditions }) => {
      expect(conditions("TCPRoute", "r")).toEqual(accepted);
      expect(await greeting(ports["tcp"]!)).toBe("tcp-backend-v1");
    },
  },
  {
    name: "TCPRouteWeightedRouting",
    support: "core",
    ports: ["tcp"],
    manifests: (world) =>
      gateway(world, listener("tcp", world.ports["tcp"])) +
      all(world) +
      tcpRoute(
        world,
        "r",
        ", sectionName: tcp",
        `[${[70, 30, 0].map((weight, index) => `{ name: tcp-backend-v${index + 1}, port: 8080, weight: ${weight} }`).join(", ")}]`,
      ),
    run: async ({ ports }) => {
      const counts = await countAnswers(500, () => greeting(ports["tcp"]!));
      expect([...counts.keys()].sort()).toEqual(["tcp-backend-v1", "tcp-backend-v2"]);
      expect(Math.abs(counts.get("tcp-backend-v1")! / 500 - 0.7)).toBeLessThan(0.05);
    },
  },
  {
    name: "UDPRouteNotAllowedByListeners",
    support: "core",
    manifests: (world) =>
      gateway(world, `- { name: http, port: ${world.ports["http"]}, protocol: HTTP }`) +
      all(world) +
      route(
        world,
        "r",
        `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to("tcp-backend-v1")} }]`,
        "UDPRoute",
      ),
    run: ({ conditions, listeners }) => {
      expect(conditions("UDPRoute", "r")).toContain("Accepted=False NotAllowedByListeners");
      expect(listeners("Gateway", "gw")).toEqual(["http: 0 routes of HTTPRoute, GRPCRoute"]);
    },
  },
];
