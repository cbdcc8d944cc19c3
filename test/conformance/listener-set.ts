// ListenerSet: whose a Gateway takes, and which routes are at their listeners.
import { expect } from "vitest";
import { accepts } from "../system/tcp.ts";
import type { ConformanceTest } from "./conformance-test.ts";
import { expectAll, v1, v2, v3 } from "./http-route-manifests.ts";
import {
  attached,
  everyListener,
  host,
  listener,
  listenerSet,
  namespaceOf,
  notValid,
  own,
  path,
  refused,
  taken,
  toSet,
} from "./listener-set-manifests.ts";
import { baseServices, referenceGrant, route, secret, type World } from "./world.ts";

/** Sets that are taken and sets that are not, each with one listener on the Gateway's port. */
function allowed(
  name: string,
  namespaces: (world: World) => string,
  sets: Readonly<Record<string, { elsewhere: boolean; isTaken: boolean }>>,
  more: (world: World) => string = () => "",
): ConformanceTest {
  const idOf = (world: Pick<World, "namespace">, set: string): string =>
    `${world.namespace}${sets[set]!.elsewhere ? `-${set}` : ""}/${set}`;
  return {
    name,
    support: "extended",
    manifests: (world) =>
      host(world, namespaces(world), own(world)) +
      more(world) +
      Object.keys(sets)
        .map((set) =>
          listenerSet(
            world,
            set,
            listener("set", `${set}.com`, world.ports["http"]!),
            idOf(world, set).split("/")[0],
          ),
        )
        .join("") +
      baseServices(world) +
      Object.entries(sets)
        .filter(([, { elsewhere }]) => !elsewhere)
        .map(([set]) => route(world, set, `parentRefs: [${toSet(set)}]\n${path("/", 1)}`))
        .join(""),
    run: async (world) => {
      expect(world.conditionsOf("Gateway", "gw")).toContain("Accepted=True Accepted");
      expect(attached(world)).toBe(Object.values(sets).filter(({ isTaken }) => isTaken).length);
      for (const [set, { elsewhere, isTaken }] of Object.entries(sets)) {
        const id = idOf(world, set);
        expect(world.conditionsOf("ListenerSet", id), id).toEqual(isTaken ? taken : refused);
        if (isTaken) expect(world.conditionsOf("ListenerSet", id, "set").slice(0, 3)).toEqual(everyListener);
        if (!elsewhere) await expectAll(world.ports["http"]!, { [`${set}.com /`]: isTaken ? v1 : "404" });
      }
    },
  };
}

/** Listeners of the Gateway and of a set of its namespace. */
const oneSet = (world: World): string =>
  host(world, "{ from: Same }", own(world)) +
  listenerSet(world, "set", listener("set", "set.com", world.ports["http"]!)) +
  baseServices(world);

export const listenerSets: readonly ConformanceTest[] = [
  allowed("ListenerSetDefaultNotAllowed", () => "", { set: { elsewhere: false, isTaken: false } }),
  allowed("ListenerSetAllowedNamespaceNone", () => "{ from: None }", {
    set: { elsewhere: false, isTaken: false },
  }),
  allowed("ListenerSetAllowedNamespaceSame", () => "{ from: Same }", {
    same: { elsewhere: false, isTaken: true },
    other: { elsewhere: true, isTaken: false },
  }),
  allowed(
    "ListenerSetAllowedNamespaceSelector",
    () => "{ from: Selector, selector: { matchLabels: { allowed: yes-please } } }",
    { chosen: { elsewhere: true, isTaken: true }, other: { elsewhere: true, isTaken: false } },
    ({ namespace }) =>
      namespaceOf(`${namespace}-chosen`, "allowed: yes-please") +
      namespaceOf(`${namespace}-other`, "allowed: no-thanks"),
  ),
  {
    name: "ListenerSetAllowedRoutesNamespaces",
    support: "extended",
    manifests: (world) => {
      const { namespace, ports } = world;
      const at = ports["http"]!;
      const allow = (namespaces: string): string => `, allowedRoutes: { namespaces: ${namespaces} }`;
      const from = (name: string, version: number, set = "set"): string => {
        const other = { ...world, namespace: name };
        const parent = toSet(set).replace(
          "{ ",
          `{ namespace: ${set === "set" ? namespace : `${namespace}-ls`}, `,
        );
        return (
          baseServices(other) + route(other, "r", `parentRefs: [${parent}]\n${path(`/${version}`, version)}`)
        );
      };
      return (
        host(world, "{ from: All }", own(world)) +
        namespaceOf(`${namespace}-chosen`, "routes: allowed") +
        listenerSet(
          world,
          "set",
          [
            listener("all", "all.com", at, allow("{ from: All }")),
            listener("same", "same.com", at, allow("{ from: Same }")),
            listener(
              "selector",
              "selector.com",
              at,
              allow("{ from: Selector, selector: { matchLabels: { routes: allowed } } }"),
            ),
          ].join("\n"),
        ) +
        from(namespace, 1) +
        from(`${namespace}-chosen`, 2) +
        from(`${namespace}-other`, 3) +
        // Same is the set's namespace, not that of the Gateway.
        listenerSet(
          world,
          "across",
          listener("same", "across.com", at, allow("{ from: Same }")),
          `${namespace}-ls`,
        ) +
        from(`${namespace}-ls`, 1, "across") +
        route(
          world,
          "at-across",
          `parentRefs: [${toSet("across").replace("{ ", `{ namespace: ${namespace}-ls, `)}]\n${path("/2", 2)}`,
        )
      );
    },
    run: async (world) => {
      const { listeners, ports, namespace, conditions } = world;
      expect(attached(world)).toBe(2);
      expect(listeners("ListenerSet", "set")).toEqual([
        "all: 3 routes of HTTPRoute, GRPCRoute",
        "same: 1 routes of HTTPRoute, GRPCRoute",
        "selector: 1 routes of HTTPRoute, GRPCRoute",
      ]);
      expect(listeners("ListenerSet", `${namespace}-ls/across`)).toEqual([
        "same: 1 routes of HTTPRoute, GRPCRoute",
      ]);
      expect(conditions("HTTPRoute", "at-across")).toContain("Accepted=False NotAllowedByListeners");
      await expectAll(ports["http"]!, {
        "all.com /1": v1,
        "all.com /2": v2,
        "all.com /3": v3,
        "same.com /1": v1,
        "same.com /2": "404",
        "same.com /3": "404",
        "selector.com /1": "404",
        "selector.com /2": v2,
        "selector.com /3": "404",
        "across.com /1": v1,
        "across.com /2": "404",
      });
    },
  },
  {
    name: "ListenerSetAllowedRoutesSupportedKinds",
    support: "extended",
    manifests: (world) =>
      host(world, "{ from: Same }", own(world)) +
      listenerSet(
        world,
        "set",
        listener(
          "invalid",
          "set.com",
          world.ports["http"]!,
          ", allowedRoutes: { kinds: [{ kind: InvalidRoute }] }",
        ),
      ),
    run: ({ conditionsOf }) => {
      expect(conditionsOf("ListenerSet", "set", "invalid")).toContain("ResolvedRefs=False InvalidRouteKinds");
      expect(conditionsOf("ListenerSet", "set")).toEqual(notValid);
    },
  },
  {
    name: "ListenerSetReferenceGrant",
    support: "extended",
    ports: ["http", "granted", "missing"],
    manifests: (world) => {
      const { namespace } = world;
      const https = (name: string): string =>
        `- { name: https, port: ${world.ports[name]}, protocol: HTTPS, tls: { certificateRefs: [{ name: certificate, namespace: ${namespace}-web }] } }`;
      return (
        host(world, "{ from: All }", own(world)) +
        secret(`${namespace}-web`, "certificate", world) +
        referenceGrant(world, "ListenerSet", "kind: Secret, name: certificate") +
        listenerSet(world, "granted", https("granted")) +
        listenerSet(world, "missing", https("missing"), `${namespace}-ls`)
      );
    },
    run: async ({ conditionsOf, ports, namespace }) => {
      expect(conditionsOf("ListenerSet", "granted")).toEqual(taken);
      expect(conditionsOf("ListenerSet", "granted", "https")).toContain("ResolvedRefs=True ResolvedRefs");
      expect(await accepts(ports["granted"]!)).toBe(true);
      const missing = `${namespace}-ls/missing`;
      expect(conditionsOf("ListenerSet", missing)).toEqual(notValid);
      expect(conditionsOf("ListenerSet", missing, "https")).toContain("ResolvedRefs=False RefNotPermitted");
      expect(await accepts(ports["missing"]!)).toBe(false);
    },
  },
  {
    name: "ListenerSetHTTPRouting",
    support: "extended",
    manifests: (world) => {
      const at = world.ports["http"]!;
      const two = (prefix: string): string =>
        [1, 2].map((index) => listener(`l${index}`, `${prefix}-${index}.com`, at)).join("\n");
      return (
        host(world, "{ from: Same }", two("gateway")) +
        listenerSet(world, "one", two("one")) +
        listenerSet(world, "two", two("two")) +
        baseServices(world) +
        route(
          world,
          "all",
          `parentRefs: [{ name: gw }, ${toSet("one")}, ${toSet("two")}]\n${path("/route", 1)}`,
        ) +
        route(world, "gateway", `parentRefs: [{ name: gw }]\n${path("/gateway-route", 2)}`) +
        route(
          world,
          "gateway-section",
          `parentRefs: [{ name: gw, sectionName: l1 }]\n${path("/gateway-section", 3)}`,
        ) +
        route(world, "one", `parentRefs: [${toSet("one")}]\n${path("/one-route", 2)}`) +
        route(world, "one-section", `parentRefs: [${toSet("one", "l1")}]\n${path("/one-section", 3)}`) +
        route(world, "two", `parentRefs: [${toSet("two")}]\n${path("/two-route", 2)}`)
      );
    },
    run: async (world) => {
      expect(attached(world)).toBe(2);
      for (const [set, ...counts] of [
        ["one", 3, 2],
        ["two", 2, 2],
      ]) {
        expect(world.listeners("ListenerSet", String(set))).toEqual(
          counts.map((count, index) => `l${index + 1}: ${count} routes of HTTPRoute, GRPCRoute`),
        );
      }
      const expected: Record<string, string | undefined> = {};
      for (const host of ["gateway-1", "gateway-2", "one-1", "one-2", "two-1", "two-2"]) {
        const [owner] = host.split("-") as [string];
        expected[`${host}.com /route`] = v1;
        for (const name of ["gateway", "one", "two"]) {
          expected[`${host}.com /${name}-route`] = name === owner ? v2 : "404";
          expected[`${host}.com /${name}-section`] = host === `${name}-1` && name !== "two" ? v3 : "404";
        }
      }
      await expectAll(world.ports["http"]!, expected);
    },
  },
  {
    name: "ListenerSetDualParentRefIndependence",
    support: "extended",
    manifests: (world) =>
      oneSet(world) +
      route(world, "both", `parentRefs: [{ name: gw }, ${toSet("set")}]\n${path("/both", 1)}`) +
      route(
        world,
        "one",
        `parentRefs: [{ name: gw, sectionName: nobody }, ${toSet("set")}]\n${path("/one", 2)}`,
      ),
    run: async (world) => {
      expect(attached(world)).toBe(1);
      expect(world.listeners("ListenerSet", "set")).toEqual(["set: 2 routes of HTTPRoute, GRPCRoute"]);
      expect(world.conditionsOf("HTTPRoute", "both", "gw")).toContain("Accepted=True Accepted");
      expect(world.conditionsOf("HTTPRoute", "both", "set")).toContain("Accepted=True Accepted");
      expect(world.conditionsOf("HTTPRoute", "one", "gw")).toContain("Accepted=False NoMatchingParent");
      expect(world.conditionsOf("HTTPRoute", "one", "set")).toContain("Accepted=True Accepted");
      await expectAll(world.ports["http"]!, {
        "gateway.com /both": v1,
        "set.com /both": v1,
        "gateway.com /one": "404",
        "set.com /one": v2,
      });
    },
  },
  {
    name: "ListenerSetGatewayParentSectionNameNotFound",
    support: "extended",
    manifests: (world) =>
      oneSet(world) +
      route(world, "by-set", `parentRefs: [${toSet("set", "set")}]\n${path("/good", 1)}`) +
      // The listener is the set's: who names the Gateway does not mean it.
      route(world, "by-gateway", `parentRefs: [{ name: gw, sectionName: set }]\n${path("/bad", 1)}`),
    run: async (world) => {
      expect(world.conditions("HTTPRoute", "by-set")).toContain("Accepted=True Accepted");
      expect(world.conditions("HTTPRoute", "by-gateway")).toContain("Accepted=False NoMatchingParent");
      await expectAll(world.ports["http"]!, {
        "set.com /good": v1,
        "set.com /bad": "404",
        "gateway.com /bad": "404",
      });
    },
  },
  {
    name: "ListenerSetRouteStatusScopedToParentRef",
    support: "extended",
    manifests: (world) =>
      oneSet(world) +
      route(world, "of-gateway", `parentRefs: [{ name: gw }]\n${path("/gateway", 1)}`) +
      route(world, "of-set", `parentRefs: [${toSet("set")}]\n${path("/set", 1)}`),
    run: ({ field, listeners }) => {
      const parents = (name: string): unknown[] =>
        (field("HTTPRoute", name, "parents") as { parentRef: { kind: string; name: string } }[]).map(
          ({ parentRef }) => `${parentRef.kind} ${parentRef.name}`,
        );
      expect(parents("of-gateway")).toEqual(["Gateway gw"]);
      expect(parents("of-set")).toEqual(["ListenerSet set"]);
      expect(listeners("ListenerSet", "set")).toEqual(["set: 1 routes of HTTPRoute, GRPCRoute"]);
    },
  },
];
