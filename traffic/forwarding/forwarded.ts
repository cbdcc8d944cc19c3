// Who the client is, and what the endpoint is told about it. Nothing that a client sends decides either: forwarding
// headers count only as far as the configuration trusts the proxies that wrote them (docs/forwarding.md).
import type { SnapshotSettings } from "#contract/snapshot.ts";
import { compileCidrSet } from "./cidr.ts";
import type { HeaderFields } from "./header-fields.ts";
import { bareAddress, parseIpAddress } from "./ip-address.ts";

/** What the gateway itself knows of the connection. */
export interface ConnectionFacts {
  /** Address of the peer, with or without port (`cf.clientIp`, `CF-Connecting-IP`). */
  readonly peerAddress: string;
  readonly scheme: "http" | "https";
  /** Host header as received. */
  readonly host: string;
}

export interface ForwardingChain {
  /** The client's address: bare, lower case; `unknown` when the platform does not tell it. */
  readonly clientAddress: string;
  /** Believed addresses from the client to the peer that connected; ends with the peer. */
  readonly addresses: readonly string[];
  /** True when the peer is a trusted proxy, whose word on scheme and host counts. */
  readonly trusted: boolean;
}

/** Compiled `clientIPDetection`: works out the chain for one request. */
export type ClientDetector = (peerAddress: string, xForwardedFor: string | null) => ForwardingChain;

/** Addresses of X-Forwarded-For that are looked at, from the right. */
const maxHops = 32;

export function compileClientDetection(settings: SnapshotSettings["clientIPDetection"]): ClientDetector {
  const { numTrustedHops } = settings;
  const trusted = compileCidrSet(settings.trustedCIDRs);
  return (peerAddress, xForwardedFor) => {
    const peer = bareAddress(peerAddress) ?? "unknown";
    if (trusted.size > 0) return chainByNetworks(peer, xForwardedFor, trusted.contains);
    if (numTrustedHops > 0 && xForwardedFor !== null)
      return chainByCount(peer, xForwardedFor, numTrustedHops);
    return { clientAddress: peer, addresses: [peer], trusted: false };
  };
}

/** Envoy's `xff_num_trusted_hops`: the entry that many places from the right; with fewer entries, the peer. */
function chainByCount(peer: string, xForwardedFor: string, hops: number): ForwardingChain {
  const entries = lastEntries(xForwardedFor, hops);
  const believed = entries.map((entry) => bareAddress(entry));
  if (believed.length < hops || believed.some((address) => address === undefined)) {
    return { clientAddress: peer, addresses: [peer], trusted: false };
  }
  const addresses = [...(believed as string[]), peer];
  return { clientAddress: addresses[0]!, addresses, trusted: true };
}

/** Entries are believed while the one that wrote them, starting with the peer, lies in a trusted network. */
function chainByNetworks(
  peer: string,
  xForwardedFor: string | null,
  contains: (address: NonNullable<ReturnType<typeof parseIpAddress>>) => boolean,
): ForwardingChain {
  const addresses = [peer];
  const entries = xForwardedFor === null ? [] : lastEntries(xForwardedFor, maxHops);
  const trusted = isIn(peer, contains);
  for (let index = entries.length - 1; index >= 0 && isIn(addresses[0]!, contains); index -= 1) {
    const address = bareAddress(entries[index]!);
    if (address === undefined) break;
    addresses.unshift(address);
  }
  return { clientAddress: addresses[0]!, addresses, trusted };
}

function isIn(
  address: string,
  contains: (address: NonNullable<ReturnType<typeof parseIpAddress>>) => boolean,
): boolean {
  const parsed = parseIpAddress(address);
  return parsed !== undefined && contains(parsed);
}

/** The last entries of a comma-separated list, without splitting all of a long one. */
function lastEntries(list: string, count: number): string[] {
  const entries: string[] = [];
  for (let end = list.length; end >= 0 && entries.length < count;) {
    const comma = end === 0 ? -1 : list.lastIndexOf(",", end - 1);
    entries.unshift(list.slice(comma + 1, end));
    end = comma;
  }
  return entries;
}

/** Fields by which clients lie about addresses, schemes, hosts and paths, and that the gateway does not write itself. */
const misleadingNames = [
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-forwarded-scheme",
  "x-forwarded-client-cert",
  // RFC 9440 §2.4: whoever terminates TLS removes what a client claims of its certificate.
  "client-cert",
  "client-cert-chain",
  "x-original-forwarded-for",
  "x-original-host",
  "x-original-url",
  "x-rewrite-url",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "cf-connecting-ip",
] as const;

/** Names that are written, or dropped when they come from an untrusted peer. */
export const forwardingNames: readonly string[] = [
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "forwarded",
  ...misleadingNames,
];

/**
 * Writes `X-Forwarded-For/-Proto/-Host` and `Forwarded` for the endpoint, replacing what the client sent. From a trusted
 * proxy the scheme and host that it reports are kept, as far as they are well formed.
 */
export function setForwardingHeaders(
  headers: HeaderFields,
  connection: ConnectionFacts,
  chain: ForwardingChain,
): void {
  let proto: string = connection.scheme;
  let host = connection.host;
  if (chain.trusted) {
    proto = trustedProto(headers.get("x-forwarded-proto")) ?? proto;
    host = trustedHost(headers.get("x-forwarded-host")) ?? host;
  } else {
    for (const name of misleadingNames) headers.delete(name);
  }
  headers.set(
    "x-forwarded-for",
    chain.addresses.length === 1 ? chain.clientAddress : chain.addresses.join(", "),
  );
  headers.set("x-forwarded-proto", proto);
  headers.set("x-forwarded-host", host);
  headers.set("forwarded", forwardedValue(connection, chain, proto, host));
}

function trustedProto(value: string | null): string | undefined {
  const first = value?.split(",", 1)[0]?.trim().toLowerCase();
  return first === "http" || first === "https" ? first : undefined;
}

function trustedHost(value: string | null): string | undefined {
  const first = value?.split(",", 1)[0]?.trim();
  return first && /^[A-Za-z0-9.:_[\]-]{1,260}$/.test(first) ? first : undefined;
}

/**
 * RFC 7239: one element per hop. The first tells what the client asked for, the last what this gateway received; a
 * `Forwarded` that came in is never carried on, because only X-Forwarded-For is configured to be trusted.
 */
function forwardedValue(
  connection: ConnectionFacts,
  { addresses }: ForwardingChain,
  proto: string,
  host: string,
): string {
  if (addresses.length === 1) return `for=${node(addresses[0]!)};host=${quoted(host)};proto=${proto}`;
  return addresses
    .map((address, index) => {
      if (index === 0) return `for=${node(address)};host=${quoted(host)};proto=${proto}`;
      if (index < addresses.length - 1) return `for=${node(address)}`;
      return `for=${node(address)};host=${quoted(connection.host)};proto=${connection.scheme}`;
    })
    .join(", ");
}

/** RFC 7239 §6: IPv6 in brackets, and therefore quoted. */
function node(address: string): string {
  return address.includes(":") ? `"[${address}]"` : address;
}

/** A token stays bare; anything else (a port, say) becomes a quoted-string. */
function quoted(value: string): string {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}
