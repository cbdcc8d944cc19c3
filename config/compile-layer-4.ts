// Routes of connections → snapshot: durations in milliseconds, listeners and backends resolved.
import { durationMs } from "#contract/duration.ts";
import type {
  ConnectionInspection,
  ConnectionRule,
  Snapshot,
  TcpRoute,
  TlsRoute,
} from "#contract/snapshot.ts";
import { placeId } from "./native/address.ts";
import type { NativeConfig, NativeTcpRoute, NativeTlsRoute } from "./native/schema.ts";
import { ruleId } from "./rule.ts";

/** Each kind in the order of the names; a kind without routes is left out, so that it changes no hash. */
export function compileConnectionRoutes(
  config: NativeConfig,
  listenerNames: readonly string[],
): Pick<Snapshot, "tcpRoutes" | "tlsRoutes"> {
  const tls = new Set(config.listeners.filter(({ protocol }) => protocol === "TLS").map(({ name }) => name));
  const attached = (wanted: ReadonlySet<string>) => listenerNames.filter((name) => wanted.has(name));
  const tcpRoutes = config.tcpRoutes.map((route): TcpRoute => {
    const inspection = compileInspection(route);
    return {
      ...routeParts(route, attached(new Set(route.listeners))),
      ...(inspection && { inspection }),
      rule: ruleOfOthers(route),
    };
  });
  const tlsRoutes = config.tlsRoutes.map((route): TlsRoute => ({
    ...routeParts(route, attached(route.listeners ? new Set(route.listeners) : tls)),
    rule: compileRule(route, 0),
    hostnames: [...new Set(route.hostnames.map((hostname) => hostname.toLowerCase()))],
  }));
  return {
    ...(tcpRoutes.length > 0 && { tcpRoutes: tcpRoutes.sort(compareNames) }),
    ...(tlsRoutes.length > 0 && { tlsRoutes: tlsRoutes.sort(compareNames) }),
  };
}

function routeParts(route: NativeTcpRoute | NativeTlsRoute, listeners: string[]) {
  const { clientCIDRs } = route.securityPolicy ?? {};
  return { name: route.name, listeners, ...(clientCIDRs && { clientCIDRs }) };
}

/** The first that takes every connection; without one, what none takes is closed. */
function ruleOfOthers(route: NativeTcpRoute): ConnectionRule {
  const index = route.rules.findIndex(({ matches }) => matches.length === 0);
  if (index >= 0) return compileRule(route, index);
  return { ...compileRule(route, 0), id: ruleId(route, route.rules.length), backendRefs: [] };
}

/** `undefined`: nothing depends on what connections begin with. */
function compileInspection(route: NativeTcpRoute): ConnectionInspection | undefined {
  const open = route.rules.findIndex(({ matches }) => matches.length === 0);
  const choices = route.rules
    .slice(0, open < 0 ? undefined : open)
    .map(({ matches }, index) => ({ ...compileRule(route, index), matches }));
  const { timeout = "10s", rules = [] } = route.inspection ?? {};
  if (rules.length === 0 && choices.length === 0) return undefined;
  // Without rules of its own, the wait ends when it is known which choice takes the connection.
  const ends = choices.map(({ matches }) => ({ action: "Accept" as const, matches }));
  return { timeoutMs: durationMs(timeout), rules: rules.length > 0 ? rules : ends, choices };
}

function compileRule(route: NativeTcpRoute | NativeTlsRoute, index: number): ConnectionRule {
  const { backendRefs, timeouts, maxConnectAttempts } = route.rules[index]!;
  const idleMs = durationMs(timeouts.idle);
  return {
    id: ruleId(route, index),
    backendRefs: backendRefs.map(({ name, weight, preferredEndpoint }) => ({
      backend: name,
      weight,
      ...(preferredEndpoint && { preferredEndpoint: placeId(preferredEndpoint) }),
    })),
    timeouts: { connectMs: durationMs(timeouts.connect), ...(idleMs > 0 && { idleMs }) },
    maxConnectAttempts,
  };
}

function compareNames(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
