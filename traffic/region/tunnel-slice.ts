// The part of a snapshot that the agents of one tunnel need: its backends, and nothing else of the configuration.
import { isLayer4, type VersionedSnapshot } from "#contract/snapshot.ts";
import type { TunnelConfig } from "#contract/sync.ts";

/** Never fails: a tunnel that the snapshot does not name gets a slice without backends, so its agents stop dialling. */
export function sliceForTunnel({ version, hash, snapshot }: VersionedSnapshot, tunnel: string): TunnelConfig {
  return {
    tunnel,
    version,
    hash,
    backends: snapshot.backends
      .filter((backend) => backend.tunnel === tunnel)
      .map(({ name, protocol, tls, connectTimeoutMs, proxyProtocol, endpoints, healthCheck }) => ({
        name,
        protocol,
        ...(tls && { tls }),
        ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
        // What connections of layer 4 begin with the gateway writes itself.
        ...(proxyProtocol && !isLayer4({ protocol }) && { proxyProtocol: proxyProtocol.version }),
        endpoints,
        ...(healthCheck.active && { activeHealthCheck: healthCheck.active }),
      })),
  };
}
