// Routes of connections → snapshot: durations in milliseconds, listeners and backends resolved.
import { durationMs } from "#contract/duration.ts";
import type { ConnectionRule, Snapshot, TcpRoute } from "#contract/snapshot.ts";
import type { NativeConfig, NativeTcpRoute, NativeTlsRoute } from "./native/schema.ts";
import { ruleId } from "./rule.ts";

/** Each kind in the order of the names; a kind without routes is left out, so that it changes no hash. */
export function compileConnectionRoutes(
  config: NativeConfig,
  listenerNames: readonly string[],
): Pick<Snapshot, "tcpRoutes" | "tlsRoutes"> {
  const tls = new Set(config.listeners.filter(({ protocol }) => protocol === "TLS").map(({ name }) => name));
  const attached = (wanted: ReadonlySet<string>) => listenerNames.filter((name) => wanted.has(name));
  const tcpRoutes = config.tcpRoutes.map((route) => compileRoute(route, attached(new Set(route.listeners))));
  const tlsRoutes = config.tlsRoutes.map((route) => ({
    ...compileRoute(route, attached(route.listeners ? new Set(route.listeners) : tls)),
    hostnames: [...new Set(route.hostnames.map((hostname) => hostname.toLowerCase()))],
  }));
  return {
    ...(tcpRoutes.length > 0 && { tcpRoutes: tcpRoutes.sort(compareNames) }),
    ...(tlsRoutes.length > 0 && { tlsRoutes: tlsRoutes.sort(compareNames) }),
  };
}

function compileRoute(route: NativeTcpRoute | NativeTlsRoute, listeners: string[]): TcpRoute {
  const { clientCIDRs } = route.securityPolicy ?? {};
  return {
    name: route.name,
    listeners,
    ...(clientCIDRs && { clientCIDRs }),
    rule: compileRule(route),
  };
}

function compileRule(route: NativeTcpRoute | NativeTlsRoute): ConnectionRule {
  const { backendRefs, timeouts, maxConnectAttempts } = route.rules[0]!;
  const idleMs = durationMs(timeouts.idle);
  return {
    id: ruleId(route, 0),
    backendRefs: backendRefs.map(({ name, weight }) => ({ backend: name, weight })),
    timeouts: { connectMs: durationMs(timeouts.connect), ...(idleMs > 0 && { idleMs }) },
    maxConnectAttempts,
  };
}

function compareNames(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
