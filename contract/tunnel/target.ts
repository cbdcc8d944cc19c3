// Which hub an agent dials: `?tunnel=NAME&shard=K`.
import { limits } from "../limits.ts";
import { nameSchema } from "../snapshot.ts";

export const joinPath = "/.well-known/isthmus/join";
export const tunnelPath = "/.well-known/isthmus/tunnel";

export interface TunnelTarget {
  readonly tunnel: string;
  /** From 0 to `limits.hubsPerTunnel` - 1. */
  readonly shard: number;
}

/** Undefined for a URL that names no hub. */
export function parseTunnelTarget(url: URL): TunnelTarget | undefined {
  const tunnel = nameSchema.safeParse(url.searchParams.get("tunnel"));
  const shard = parseShard(url);
  return tunnel.success && shard !== undefined ? { tunnel: tunnel.data, shard } : undefined;
}

/** 0 where the URL names none; undefined for one that there is not. */
export function parseShard(url: URL): number | undefined {
  return shardOf(url.searchParams.get("shard") ?? "0");
}

function shardOf(text: string): number | undefined {
  const shard = /^[0-9]{1,3}$/.test(text) ? Number(text) : limits.hubsPerTunnel;
  return shard < limits.hubsPerTunnel ? shard : undefined;
}

/** Name of the hub's object. */
export function hubName({ tunnel, shard }: TunnelTarget): string {
  return `${tunnel}:${shard}`;
}

const protocolPrefix = "isthmus-hub/";

/**
 * What whoever dials a hub offers in its TLS handshake (ALPN, RFC 7301), behind the HTTP that is spoken: it says the shard
 * in the clear, to an edge that leads connections to hubs before it ends TLS. Any other server passes over a protocol that
 * it does not know, as RFC 8701 has clients make sure.
 */
export function dialledProtocols(shard: number): string[] {
  return ["http/1.1", `${protocolPrefix}${shard}`];
}

/** Undefined where none of the protocols names a shard that there is. */
export function dialledShard(protocols: readonly string[]): number | undefined {
  const named = protocols.find((protocol) => protocol.startsWith(protocolPrefix));
  return named === undefined ? undefined : shardOf(named.slice(protocolPrefix.length));
}
