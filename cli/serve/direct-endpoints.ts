// The endpoints that the gateway dials itself: each becomes a service of workerd's configuration (decision 0003).
import type { Snapshot } from "#contract/snapshot.ts";
import { applyConnectTo, type ConnectTo } from "#traffic/connection/connect-to.ts";

export interface DirectEndpoint {
  /** `direct:<address>:<port>`, the binding that the gateway looks up; IPv6 in brackets. */
  readonly binding: string;
  readonly protocol: "HTTP" | "HTTPS";
  /** `host:port` that is dialled. */
  readonly dial: string;
  /** Name that the endpoint's certificate must carry. */
  readonly certificateHost: string;
}

/**
 * Direct endpoints of a snapshot, each once, in a stable order. An address that one backend calls HTTP and another
 * HTTPS is left out: a service speaks one protocol, so the gateway dials that one by plain `fetch`.
 */
export function directEndpoints(
  { backends }: Pick<Snapshot, "backends">,
  connectTo: readonly ConnectTo[],
): DirectEndpoint[] {
  const found = new Map<string, DirectEndpoint>();
  const ambiguous = new Set<string>();
  for (const { tunnel, protocol, endpoints } of backends) {
    // Connections are opened by `connect()`, and HTTP/2 is the agents': neither needs a service.
    if (tunnel !== undefined || (protocol !== "HTTP" && protocol !== "HTTPS")) continue;
    for (const { id, address, port } of endpoints) {
      const binding = `direct:${id}`;
      const known = found.get(binding);
      if (known && known.protocol !== protocol) ambiguous.add(binding);
      const target = applyConnectTo(connectTo, address, port);
      found.set(binding, {
        binding,
        protocol,
        dial: hostPort(target.host, target.port),
        certificateHost: address,
      });
    }
  }
  return [...found.values()]
    .filter(({ binding }) => !ambiguous.has(binding))
    .sort((a, b) => (a.binding < b.binding ? -1 : 1));
}

/** Equal for two sets exactly when the gateways need no new configuration. */
export function sameEndpoints(a: readonly DirectEndpoint[], b: readonly DirectEndpoint[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
