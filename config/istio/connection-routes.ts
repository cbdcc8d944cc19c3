// `tls` and `tcp` of VirtualServices → routes of connections.
import { limits } from "#contract/limits.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import type { ModelParts, TcpRouteInput } from "../kubernetes/model-parts.ts";
import type { Destinations, Target } from "./backend/destinations.ts";
import { gatewayId } from "./host.ts";
import type { ConnectionMatch, TcpRoute, TlsRoute, VirtualService } from "./kinds/virtual-service.ts";
import type { Entry } from "./listen/entry.ts";
import { at, ignored, invalid, type Place } from "../kubernetes/field-notes.ts";

type Rule = TcpRouteInput["rules"][number];
type Security = TcpRouteInput["securityPolicy"];

export interface ConnectionContext {
  readonly destinations: Destinations;
  readonly parts: ModelParts;
  /** Server names that have a route at a listener: the first one stays. */
  readonly claimed: Map<string, string>;
  securityOf(entry: Entry, targets: readonly Target[], place: Place): Security;
}

/** False: no route of the VirtualService is for this place. */
export function addConnectionRoutes(
  service: VirtualService,
  entry: Entry,
  place: Place,
  context: ConnectionContext,
): boolean {
  return entry.kind === "tls"
    ? addTlsRoutes(service, entry, place, context)
    : addTcpRoute(service, entry, place, context);
}

function addTlsRoutes(
  service: VirtualService,
  entry: Entry,
  place: Place,
  context: ConnectionContext,
): boolean {
  let count = 0;
  for (const [index, route] of (service.body.spec.tls ?? []).entries()) {
    const own = at(place, "spec", "tls", index);
    const hostnames = route.match.flatMap((match, position) => {
      const matchPlace = at(own, "match", position);
      if (!isFor(match, entry, service.namespace)) return [];
      noteUnseen(match, matchPlace);
      return match.sniHosts.filter((host) => claim(host.toLowerCase(), entry, service, context, matchPlace));
    });
    if (hostnames.length === 0) continue;
    count += 1;
    const { rule, security } = ruleOf(route, entry, service, own, context);
    const name = `istio/${service.namespace}/${service.name}/tls-${entry.port}-${index}`;
    for (let start = 0; start < hostnames.length; start += limits.hostnamesPerRoute) {
      const part = hostnames.slice(start, start + limits.hostnamesPerRoute).map((host) => host.toLowerCase());
      context.parts.addTlsRoute(
        {
          name: start === 0 ? name : `${name}/${start}`,
          listeners: [entry.listener],
          ...(!part.includes("*") && { hostnames: part }),
          ...(security && { securityPolicy: security }),
          rules: [rule],
        },
        fieldOf(own.object, ...own.path),
      );
    }
  }
  return count > 0;
}

function claim(
  host: string,
  entry: Entry,
  { namespace, name }: VirtualService,
  { claimed }: ConnectionContext,
  place: Place,
): boolean {
  const key = `${entry.listener} ${host}`;
  const owner = claimed.get(key);
  if (owner === undefined) {
    claimed.set(key, `${namespace}/${name}`);
    return true;
  }
  ignored(
    at(place, "sniHosts"),
    `${host} on port ${entry.port} is already that of ${owner}, which goes first`,
  );
  return false;
}

/** The first one that is for the place has all of its connections. */
function addTcpRoute(
  service: VirtualService,
  entry: Entry,
  place: Place,
  context: ConnectionContext,
): boolean {
  for (const [index, route] of (service.body.spec.tcp ?? []).entries()) {
    const own = at(place, "spec", "tcp", index);
    const position = (route.match ?? []).findIndex((match) => isFor(match, entry, service.namespace));
    if (route.match?.length && position < 0) continue;
    if (position >= 0) noteUnseen(route.match![position]!, at(own, "match", position));
    const owner = context.claimed.get(entry.listener);
    if (owner !== undefined) {
      ignored(own, `connections on port ${entry.port} are already those of ${owner}, which goes first`);
      return true;
    }
    context.claimed.set(entry.listener, `${service.namespace}/${service.name}`);
    const { rule, security } = ruleOf(route, entry, service, own, context);
    context.parts.addTcpRoute(
      {
        name: `istio/${service.namespace}/${service.name}/tcp-${entry.port}`,
        listeners: [entry.listener],
        ...(security && { securityPolicy: security }),
        rules: [rule],
      },
      fieldOf(own.object, ...own.path),
    );
    return true;
  }
  return false;
}

/** At a gateway Istio looks at the port and the gateway alone (`l4SingleMatch`). */
function isFor({ port, gateways }: ConnectionMatch, entry: Entry, namespace: string): boolean {
  if (port !== undefined && port !== entry.port) return false;
  return !gateways?.length || gateways.some((gateway) => gatewayId(gateway, namespace) === entry.gateway);
}

function noteUnseen(match: ConnectionMatch, place: Place): void {
  for (const field of ["destinationSubnets", "sourceLabels", "sourceSubnet", "sourceNamespace"] as const) {
    if (match[field] === undefined) continue;
    ignored(at(place, field), "gateways do not look at it");
  }
}

function ruleOf(
  route: TcpRoute | TlsRoute,
  entry: Entry,
  service: VirtualService,
  place: Place,
  context: ConnectionContext,
): { rule: Rule; security: Security } {
  const all = route.route ?? [];
  if (all.length === 0) invalid(place, "expected a route with a destination");
  if (all.length > 1 && all.every(({ weight = 0 }) => weight === 0)) {
    invalid(at(place, "route"), "of several destinations one needs a weight");
  }
  const use = { isHttp: false, listenerPort: entry.port, client: service.namespace };
  const found = all.map(({ destination, weight = 0 }, index) => ({
    target: context.destinations.find(destination, use, at(place, "route", index, "destination")),
    weight,
  }));
  const connect = found.find(({ target }) => target.connectTimeout !== undefined)?.target.connectTimeout;
  return {
    rule: {
      backendRefs: found.map(({ target, weight }) => ({
        name: target.backend,
        ...(all.length > 1 && { weight }),
      })),
      ...(connect !== undefined && connect !== "0s" && { timeouts: { connect } }),
    },
    security: context.securityOf(
      entry,
      found.map(({ target }) => target),
      place,
    ),
  };
}
