// Which hub an agent dials: `?tunnel=NAME&shard=K`.
import { limits } from "#contract/limits.ts";
import { nameSchema } from "#contract/snapshot.ts";

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
  const shardText = url.searchParams.get("shard") ?? "0";
  const shard = /^[0-9]{1,3}$/.test(shardText) ? Number(shardText) : limits.hubsPerTunnel;
  if (!tunnel.success || shard >= limits.hubsPerTunnel) return undefined;
  return { tunnel: tunnel.data, shard };
}

/** Name of the hub's object. */
export function hubName({ tunnel, shard }: TunnelTarget): string {
  return `${tunnel}:${shard}`;
}
