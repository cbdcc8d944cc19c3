// Host header → host name and port. Whatever is not a plain host name or address is refused, so that the name the
// gateway routes by is the name an endpoint sees.
import { limits } from "#contract/limits.ts";
import { parseIpv6 } from "../forwarding/ip-address.ts";

export interface ParsedHost {
  /** Lower case, without the root's trailing dot; an IPv6 literal keeps its brackets. */
  readonly hostname: string;
  /** Absent when the header has none, or an empty one (`example.com:`, RFC 3986 §3.2.3). */
  readonly port?: number;
}

// RFC 3986 §3.2.2 `reg-name` without percent-encoding and sub-delims; `_` is not in RFC 1123 but is in use.
const registeredName = /^(?!\.)[A-Za-z0-9_.-]+$/;
const plain = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Longest text that can still be valid: name, trailing dot, colon, port. */
const maxChars = limits.hostnameChars + 1 + 6;

/** Splits a Host header. `undefined`: malformed (userinfo, spaces, escapes, empty labels, bad port, too long). */
export function parseHost(hostHeader: string): ParsedHost | undefined {
  if (hostHeader.length <= limits.hostnameChars && plain.test(hostHeader)) {
    return hasBoundedLabels(hostHeader) ? { hostname: hostHeader } : undefined;
  }
  if (hostHeader.length > maxChars) return undefined;
  if (hostHeader.startsWith("[")) return parseLiteral(hostHeader);
  const colon = hostHeader.indexOf(":");
  const name = colon < 0 ? hostHeader : hostHeader.slice(0, colon);
  const port = colon < 0 ? noPort : parsePort(hostHeader.slice(colon + 1));
  if (port === undefined || !registeredName.test(name)) return undefined;
  const hostname = (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
  if (hostname.length > limits.hostnameChars || !plain.test(hostname) || !hasBoundedLabels(hostname)) {
    return undefined;
  }
  return { hostname, ...port };
}

const noPort = {} as const;

function parsePort(digits: string): { port: number } | typeof noPort | undefined {
  if (digits === "") return noPort;
  if (!/^[0-9]{1,5}$/.test(digits)) return undefined;
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? { port } : undefined;
}

/** `[IPv6]` with an optional port. */
function parseLiteral(text: string): ParsedHost | undefined {
  const end = text.indexOf("]");
  if (end < 0) return undefined;
  const rest = text.slice(end + 1);
  const port = rest === "" ? noPort : rest.startsWith(":") ? parsePort(rest.slice(1)) : undefined;
  if (port === undefined || parseIpv6(text.slice(1, end)) === undefined) return undefined;
  return { hostname: text.slice(0, end + 1).toLowerCase(), ...port };
}

/** RFC 1035 §2.3.4: a label has at most 63 octets. */
function hasBoundedLabels(hostname: string): boolean {
  if (hostname.length <= 63) return true;
  let start = 0;
  for (let dot = hostname.indexOf("."); dot >= 0; dot = hostname.indexOf(".", start)) {
    if (dot - start > 63) return false;
    start = dot + 1;
  }
  return hostname.length - start <= 63;
}
