// The endpoints that the gateway dials itself: each becomes a service of workerd's configuration (decision 0003).
import type { Snapshot } from "#contract/snapshot.ts";
import { applyConnectTo, type ConnectTo } from "#traffic/connection/connect-to.ts";

export interface DirectEndpoint {
  /** `direct:<address>:<port>`, or `direct-tls:…`, the binding that the gateway looks up; IPv6 in brackets. */
  readonly binding: string;
  readonly protocol: "HTTP" | "HTTPS";
  /** `host:port` that is dialled. */
  readonly dial: string;
  /** Name that the endpoint's certificate must carry. */
  readonly certificateHost: string;
}

/**
 * Direct endpoints of a snapshot, each once, in a stable order. One that is HTTP to one backend and HTTPS to another is a
 * service for each: what one tenant says of an address changes nothing for the others.
 */
export function directEndpoints(
  { backends }: Pick<Snapshot, "backends">,
  connectTo: readonly ConnectTo[],
): DirectEndpoint[] {
  const found = new Map<string, DirectEndpoint>();
  for (const { tunnel, protocol, endpoints } of backends) {
    // Connections are opened by `connect()`, and HTTP/2 is the agents': neither needs a service.
    if (tunnel !== undefined || (protocol !== "HTTP" && protocol !== "HTTPS")) continue;
    for (const { id, address, port } of endpoints) {
      const binding = `${protocol === "HTTPS" ? "direct-tls" : "direct"}:${id}`;
      const target = applyConnectTo(connectTo, address, port);
      found.set(binding, {
        binding,
        protocol,
        dial: hostPort(target.host, target.port),
        certificateHost: address,
      });
    }
  }
  return [...found.values()].sort((a, b) => (a.binding < b.binding ? -1 : 1));
}

/** Equal for two sets exactly when the gateways need no new configuration. */
export function sameEndpoints(a: readonly DirectEndpoint[], b: readonly DirectEndpoint[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
