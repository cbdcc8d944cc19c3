// VirtualService: `ValidateVirtualService`, as far as routes say too little, or twice the same.
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import { covers } from "../host.ts";
import type { HttpRoute, VirtualService } from "../kinds/virtual-service.ts";
import { isWildcardName } from "./values.ts";

type Spec = VirtualService["body"]["spec"];

export function admitVirtualService(spec: Spec, place: Place): void {
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [] } = spec;
  if (hosts.length === 0) admitDelegate(spec, place);
  else {
    admitHosts(spec, place);
    if (http.length + tls.length + tcp.length === 0) invalid(place, "expected http, tls or tcp");
  }
  for (const [index, gateway] of gateways.entries()) {
    const named = /^(?:(?:\.|[a-z0-9][-a-z0-9]*)\/)?[a-z0-9][-a-z0-9.~]*$/i.test(gateway);
    if (!named) invalid(at(place, "gateways", index), "expected NAME, NAMESPACE/NAME or mesh");
  }
  for (const [index, route] of http.entries()) {
    const own = at(place, "http", index);
    admitRoute(route, hosts.length > 0, own);
    if (hosts.length > 0 && gateways.every((gateway) => gateway === "mesh")) admitClaims(route, own);
  }
  for (const [section, routes] of Object.entries({ tls, tcp })) {
    for (const [index, { route = [] }] of routes.entries())
      if (route.length === 0) invalid(at(place, section, index), "expected a route");
  }
  for (const [index, { match }] of tls.entries()) {
    for (const [position, { sniHosts }] of match.entries()) {
      // `outbound_.80_._.web.shop.svc.cluster.local` is a name of Istio's own.
      const bad = sniHosts.findIndex((host) => !isWildcardName(host.replaceAll("_", "x")));
      if (bad >= 0)
        invalid(
          at(place, "tls", index, "match", position, "sniHosts", bad),
          "expected a host, with '*' for its first label at most",
        );
    }
  }
}

function admitHosts({ hosts = [], gateways = ["mesh"] }: Spec, place: Place): void {
  const isMesh = gateways.length === 0 || gateways.includes("mesh");
  for (const [index, host] of hosts.entries()) {
    const field = at(place, "hosts", index);
    if (host === "*" && isMesh)
      invalid(field, "the mesh has no routes for every host", "Name the gateways that these routes are for.");
    const twin = hosts.findIndex(
      (other, position) => position !== index && covers(other, host) && (other !== host || position < index),
    );
    if (twin >= 0) invalid(field, `${JSON.stringify(hosts[twin])} has this host, too`, "Remove one of them.");
  }
}

/** Others delegate to it (`validateDelegateHTTPRoute`). */
function admitDelegate({ gateways = [], http = [], tls = [], tcp = [] }: Spec, place: Place): void {
  const remedy = "Write hosts, or leave it out.";
  const refuse = (field: string, what: string): void =>
    invalid(
      at(place, field),
      `a VirtualService without hosts is for others to delegate to, without ${what}`,
      remedy,
    );
  if (gateways.length > 0) refuse("gateways", "gateways");
  if (tcp.length > 0) refuse("tcp", "routes of connections");
  if (tls.length > 0) refuse("tls", "routes of connections");
  for (const [index, { delegate }] of http.entries()) {
    if (delegate)
      invalid(at(place, "http", index, "delegate"), "what is delegated to cannot delegate itself", remedy);
  }
}

/** Tokens are read at gateways. */
function admitClaims({ match = [] }: HttpRoute, place: Place): void {
  for (const [index, { headers = {}, withoutHeaders = {} }] of match.entries()) {
    const isClaim = (name: string): boolean => name.startsWith("@request.auth.claims");
    if ([...Object.keys(headers), ...Object.keys(withoutHeaders)].some(isClaim))
      invalid(at(place, "match", index), "routes of the mesh are not chosen by claims", "Name a gateway.");
  }
}

function admitRoute(route: HttpRoute, hasHosts: boolean, place: Place): void {
  const { route: destinations, redirect, directResponse, delegate, rewrite, headers } = route;
  if (delegate && destinations && hasHosts)
    invalid(at(place, "route"), "what is delegated has no route of its own", "Write one of them.");
  if (!hasHosts && !delegate && !destinations?.length && !redirect && !directResponse)
    invalid(place, "expected a route, a redirect or a directResponse, one of them");
  const { set = {}, add = {} } = headers?.request ?? {};
  const isAuthority = (name: string): boolean => /^(?::authority|host)$/i.test(name);
  const isSet = [...Object.keys(set), ...Object.keys(add)].some(isAuthority);
  if (rewrite?.authority !== undefined && isSet)
    invalid(at(place, "rewrite", "authority"), "headers set the authority, too", "Write one of them.");
}
