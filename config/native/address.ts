// Addresses of endpoints and networks as users write them. The URL parser of the platform knows IPv6 (RFC 4291) and its
// canonical text (RFC 5952); for IPv4 it also takes octal, hex and short forms, so that one is read here.

/** `ip`: what Cloudflare's edge cannot dial. */
export interface Address {
  readonly kind: "ip" | "hostname";
  /** Lower case, IPv6 in its canonical form without brackets, host names without the final dot. */
  readonly canonical: string;
}

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** An IPv4 or IPv6 address (brackets optional) or a host name. `undefined`: none of them. */
export function parseAddress(text: string): Address | undefined {
  if (isIpv4(text)) return { kind: "ip", canonical: text };
  const ipv6 = canonicalIpv6(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text);
  if (ipv6 !== undefined) return { kind: "ip", canonical: ipv6 };
  const hostname = (text.endsWith(".") ? text.slice(0, -1) : text).toLowerCase();
  const labels = hostname.split(".");
  // A name whose last label is a number would be an IPv4 address to some readers (RFC 1123 §2.1).
  const valid =
    hostname.length <= 253 && labels.every((part) => label.test(part)) && !/^[0-9]+$/.test(labels.at(-1)!);
  return valid ? { kind: "hostname", canonical: hostname } : undefined;
}

/** `192.0.2.0/24`, `2001:db8::/32`, or one address. */
export function isCidr(text: string): boolean {
  const [address, prefix, ...rest] = text.split("/");
  const bits = isIpv4(address!) ? 32 : canonicalIpv6(address!) === undefined ? undefined : 128;
  if (bits === undefined || rest.length > 0) return false;
  return prefix === undefined || (/^(0|[1-9][0-9]{0,2})$/.test(prefix) && Number(prefix) <= bits);
}

/** Whether every address of `inner` is one of `outer`; false where one of them is no network. */
export function includesNetwork(outer: string, inner: string): boolean {
  const [wide, narrow] = [networkBits(outer), networkBits(inner)];
  return wide !== undefined && narrow !== undefined && narrow.startsWith(wide);
}

/** The significant bits, of the 128-bit form: IPv4 lies within `::ffff:0:0/96` (RFC 4291 §2.5.5.2). */
export function networkBits(network: string): string | undefined {
  if (!isCidr(network)) return undefined;
  const [address, prefix] = network.split("/") as [string, string?];
  const isShort = isIpv4(address);
  const words = canonicalIpv6(isShort ? `::ffff:${address}` : address)!.split("::");
  const [head, tail = []] = words.map((half) => (half === "" ? [] : half.split(":")));
  const all =
    words.length === 1
      ? head!
      : [...head!, ...Array<string>(8 - head!.length - tail.length).fill("0"), ...tail];
  const bits = all.map((word) => Number.parseInt(word, 16).toString(2).padStart(16, "0")).join("");
  return bits.slice(0, (isShort ? 96 : 0) + Number(prefix ?? (isShort ? 32 : 128)));
}

/** `address:port`, with IPv6 in brackets (RFC 3986 §3.2.2). */
export function endpointId(canonicalAddress: string, port: number): string {
  return canonicalAddress.includes(":") ? `[${canonicalAddress}]:${port}` : `${canonicalAddress}:${port}`;
}

/** Of an endpoint as it was written. */
export function placeId({ address, port }: { readonly address: string; readonly port: number }): string {
  return endpointId(parseAddress(address)?.canonical ?? address, port);
}

function isIpv4(text: string): boolean {
  return /^(?:(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])(?:\.(?!$)|$)){4}$/.test(text);
}

function canonicalIpv6(text: string): string | undefined {
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(text) || !text.includes(":")) return undefined;
  try {
    return new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
}
