// Istio's objects → listeners, routes and backends: what an ingress gateway would serve to everyone, and a sidecar to its
// own pod.
import type { ImportContext, Importer } from "../kubernetes/importer.ts";
import { admit } from "./admission/admission.ts";
import { createDestinations, type Destinations } from "./backend/destinations.ts";
import { addConnectionRoutes, type ConnectionContext } from "./connection-routes.ts";
import { placedRoutes, type PlacedRoute } from "./http/delegate.ts";
import { createRedirects, type Redirects } from "./http/https-redirect.ts";
import { isFor } from "./http/match.ts";
import { addRoutes, type Slice } from "./http/routes.ts";
import { toRules, type OrderedRule, type RuleContext } from "./http/rules.ts";
import { commonHosts, fullHost, gatewayId, isExportedTo } from "./host.ts";
import { istioKinds } from "./kinds/all.ts";
import { gatewayKind } from "./kinds/gateway.ts";
import { virtualServiceKind, type VirtualService } from "./kinds/virtual-service.ts";
import type { Entry } from "./listen/entry.ts";
import { translateGateways } from "./listen/gateways.ts";
import { createMesh, type Mesh } from "./listen/mesh.ts";
import { readMeshConfig, type MeshDefaults } from "./mesh-config.ts";
import { at, ignored, unknownReference, type Place } from "../kubernetes/field-notes.ts";
import { noteOthers, noteUnusedRules, noteWorkloads } from "./other-objects.ts";
import { guardRoutes } from "./security/guard-routes.ts";
import { notePeers } from "./security/peer-authentication.ts";
import { createSecurity, type Security } from "./security/security.ts";

export const istioImporter: Importer = {
  kinds: istioKinds,
  openPorts: (set) =>
    set.all(gatewayKind).flatMap(({ body }) => body.spec.servers.map(({ port }) => port.number)),
  translate: translateIstio,
};

interface Translation {
  readonly context: ImportContext;
  readonly defaults: MeshDefaults;
  readonly entries: readonly Entry[];
  readonly mesh: Mesh;
  readonly redirects: Redirects;
  readonly rules: RuleContext;
  readonly connections: ConnectionContext;
}

function translateIstio(context: ImportContext): void {
  admit(context);
  const entries = translateGateways(context);
  const mesh = readMeshConfig(context);
  const destinations = createDestinations(context, mesh.defaults);
  const security = createSecurity(context, destinations, mesh);
  const others = guardRoutes(context, security, destinations.upstreams);
  const translation = createTranslation(context, entries, destinations, security, mesh.defaults);
  for (const entry of entries.filter(({ redirectsToHttps }) => redirectsToHttps)) {
    translation.redirects.add(entry, entry.hosts);
  }
  // Oldest first.
  const slices = context.set
    .all(virtualServiceKind)
    .flatMap((service) => translateService(service, translation));
  const { redirects } = translation;
  addRoutes(
    slices.map((slice) => ({ ...slice, hosts: redirects.others(slice.listener, slice.hosts) })),
    context.parts,
  );
  redirects.addRoutes(context.parts);
  security.noteUnheld();
  noteUnusedRules(context, destinations.usedRules);
  notePeers(context, [...destinations.targets(), ...others]);
  noteWorkloads(context);
  noteOthers(context);
}

function createTranslation(
  context: ImportContext,
  entries: readonly Entry[],
  destinations: Destinations,
  security: Security,
  defaults: MeshDefaults,
): Translation {
  const { parts } = context;
  return {
    context,
    defaults,
    entries,
    mesh: createMesh(context, destinations.upstreams, new Set(entries.map(({ port }) => port))),
    redirects: createRedirects(),
    rules: {
      destinations,
      defaultRetries: defaults.retries,
      securityOf: (entry, targets, place) => security.ofRule(gatesOf(entry), targets, place),
      readsTokens: (entry) => security.readsTokens(gatesOf(entry)),
    },
    connections: {
      destinations,
      parts,
      claimed: new Map(),
      securityOf: (entry, targets, place) => security.ofConnections(gatesOf(entry), targets, place),
    },
  };
}

/** What comes from within the mesh passes no gateway. */
function gatesOf(entry: Entry): Entry[] {
  return entry.gateway === "mesh" ? [] : [entry];
}

type Section = "http" | "tls" | "tcp";

function translateService(service: VirtualService, translation: Translation): Slice[] {
  const { context, mesh } = translation;
  const { hosts = [], gateways = [] } = service.body.spec;
  // Without hosts it is for others to delegate to.
  if (hosts.length === 0) return [];
  const place: Place = { notes: context.notes, object: service.object, path: [] };
  const bound = gateways.length === 0 ? ["mesh"] : gateways.map((name) => gatewayId(name, service.namespace));
  const placed = placedRoutes(service, context.set, translation.defaults.exportTo.virtualServices, place);
  const used = new Set<Section>();
  const slices = bound.flatMap((gateway, index) =>
    gateway === "mesh"
      ? []
      : atGateway(service, gateway, placed, at(place, "spec", "gateways", index), used, translation),
  );
  const isMesh = bound.includes("mesh");
  if (isMesh && placed.length > 0) {
    for (const { entry, hosts: names } of mesh.entriesFor(service, at(place, "spec"))) {
      slices.push(...sliceAt(service, entry, names, placed, translation));
    }
  }
  noteUnused(service, place, used, isMesh);
  return slices;
}

function atGateway(
  service: VirtualService,
  gateway: string,
  placed: readonly PlacedRoute[],
  place: Place,
  used: Set<Section>,
  translation: Translation,
): Slice[] {
  const { context, defaults, entries, redirects, connections } = translation;
  const [namespace, name] = gateway.split("/", 2) as [string, string];
  if (!context.set.get(gatewayKind, namespace, name)) {
    unknownReference(place, `the Gateway ${gateway} is not in the files: the routes are not served there`);
    return [];
  }
  const { exportTo, hosts = [] } = service.body.spec;
  if (!isExportedTo(exportTo, service.namespace, namespace, defaults.exportTo.virtualServices)) return [];
  const full = hosts.map((host) => fullHost(host, service.namespace));
  return entries
    .filter((entry) => entry.gateway === gateway)
    .flatMap((entry) => {
      const common = commonHosts(full, entry.hostsFor(service.namespace));
      if (common.length === 0) return [];
      if (entry.kind !== "http") {
        const own: Place = { ...place, path: [] };
        if (addConnectionRoutes(service, entry, own, connections)) used.add(entry.kind);
        return [];
      }
      used.add("http");
      if (entry.redirectsToHttps) redirects.add(entry, common);
      return entry.redirectsToHttps ? [] : sliceAt(service, entry, common, placed, translation);
    });
}

function sliceAt(
  service: VirtualService,
  entry: Entry,
  hosts: readonly string[],
  placed: readonly PlacedRoute[],
  { rules }: Translation,
): Slice[] {
  const own: OrderedRule[] = [];
  for (const [index, route] of placed.entries()) {
    own.push(...toRules(route, entry, service.namespace, rules));
    if (!own.some(({ isCatchAll }) => isCatchAll)) continue;
    // Istio does not even look at those behind it (`BuildHTTPRoutesForVirtualService`).
    const { object, path } = route.place;
    const { file, line } = object.locate(path, "value");
    for (const { place } of placed.slice(index + 1)) {
      const winner = `the route before it (${file}:${line})`;
      ignored(place, `${winner} takes every request`, "Give that one a match, or remove this one.");
    }
    break;
  }
  // With routes of which none can match the host is taken all the same; without any it is left to wider ones.
  const isServed = placed.some(({ route: { match = [] } }) => {
    return match.length === 0 || match.some((one) => isFor(one, entry, service.namespace));
  });
  return isServed ? [{ service, listener: entry.listener, hosts, rules: own }] : [];
}

/** Routes that no server of the Gateways has a place for. */
function noteUnused(
  service: VirtualService,
  place: Place,
  used: ReadonlySet<Section>,
  isMesh: boolean,
): void {
  for (const section of ["http", "tls", "tcp"] as const) {
    if (!service.body.spec[section]?.length || used.has(section)) continue;
    if (isMesh && section === "http") continue;
    const message = isMesh
      ? "connections within the mesh do not come by the gateway"
      : "no server of its Gateways takes these routes with one of its hosts";
    ignored(at(place, "spec", section), message);
  }
}
