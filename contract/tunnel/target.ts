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
  const text = url.searchParams.get("shard") ?? "0";
  const shard = /^[0-9]{1,3}$/.test(text) ? Number(text) : limits.hubsPerTunnel;
  return shard < limits.hubsPerTunnel ? shard : undefined;
}

/** Name of the hub's object. */
export function hubName({ tunnel, shard }: TunnelTarget): string {
  return `${tunnel}:${shard}`;
}
