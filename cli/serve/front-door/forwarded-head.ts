// The head that a front door sends to workerd for a client's request: end-to-end fields as they came, the connection's
// facts in fields that no client can write, and framing that says exactly whether a body follows.
import { trailersHeader } from "#contract/body-frames.ts";
import { cfBlobHeader, schemeHeader } from "../workerd-config.ts";
import type { ConnectionFacts } from "./connection-facts.ts";

/** RFC 9110 §7.6.1, and `Client-Cert*`, which a TLS terminator must not let through (RFC 9440 §2.4). */
const dropped = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "host",
  "expect",
  "client-cert",
  "client-cert-chain",
  cfBlobHeader,
  schemeHeader,
]);

export interface IncomingHead {
  /** Name, value, name, value, …, as `rawHeaders` of Node. */
  readonly rawHeaders: readonly string[];
  /** `:authority` of HTTP/2, else `Host`. */
  readonly authority: string;
  /** True when a body follows whose length the head does not give. */
  readonly chunked: boolean;
  /** Value of `Upgrade` for a request to switch protocols. */
  readonly upgrade?: string;
  /** What the client spoke. */
  readonly scheme: "http" | "https";
}

/** Raw header list for the request to workerd. */
export function forwardedHead(head: IncomingHead, facts: ConnectionFacts): string[] {
  const named = new Set<string>();
  for (const [name, value] of pairs(head.rawHeaders)) {
    if (name.toLowerCase() !== "connection") continue;
    for (const option of value.split(",")) named.add(option.trim().toLowerCase());
  }
  const out = ["Host", head.authority];
  for (const [name, value] of pairs(head.rawHeaders)) {
    const lower = name.toLowerCase();
    if (lower.startsWith(":") || dropped.has(lower) || named.has(lower)) continue;
    out.push(name, value);
  }
  if (head.chunked) out.push("Transfer-Encoding", "chunked");
  if (head.upgrade !== undefined) out.push("Connection", "Upgrade", "Upgrade", head.upgrade);
  out.push(schemeHeader, head.scheme, cfBlobHeader, JSON.stringify(facts));
  return out;
}

/** Fields of workerd's answer that belong to its connection, not to the client's, and how it marks a body in frames. */
const responseDropped = new Set([
  "connection",
  "keep-alive",
  "http2-settings",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  trailersHeader,
]);

/** Raw header list for the client's response. */
export function returnedHead(rawHeaders: readonly string[]): string[] {
  const out: string[] = [];
  for (const [name, value] of pairs(rawHeaders)) {
    if (!responseDropped.has(name.toLowerCase())) out.push(name, value);
  }
  return out;
}

/** Fields for node:http2, which wants lower-case names, each once. */
export function http2Fields(rawHeaders: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string>;
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase();
    const before = fields[lower];
    fields[lower] = before === undefined ? value : [before, value].flat();
  }
  return fields;
}

export function* pairs(list: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index + 1 < list.length; index += 2) yield [list[index]!, list[index + 1]!];
}
