// The key a request is counted under, and the limit that applies to it.
import type { Limit, LimitKeyPart, RateLimit } from "#contract/rate-limit.ts";
import { parseIpv6 } from "../forwarding/ip-address.ts";

/** Longest part of a key, in UTF-16 code units; a longer one (a hostile header) is cut, and its length kept apart. */
const partChars = 256;

/** Joins the values of the key's parts so that no two different lists give the same text. */
export function composeKey(values: readonly string[]): string {
  return values.map((value) => `${value.length}:${value.slice(0, partChars)}`).join("|");
}

/** Bits of an IPv6 address that tell one client from another: a customer is given a /64, or more (RFC 6177). */
const defaultIpv6PrefixLength = 64;

/** An address as it is counted: IPv4 whole, of IPv6 the leading bits. What is no address is counted as it is. */
export function clientKey(address: string, ipv6PrefixLength = defaultIpv6PrefixLength): string {
  if (!address.includes(":")) return address;
  const words = parseIpv6(address);
  if (!words) return address;
  // RFC 4291 §2.5.5.2: IPv4 in IPv6 is that IPv4 address.
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return dotted(words[3]);
  return words
    .map((word, index) => {
      const bits = Math.min(32, Math.max(0, ipv6PrefixLength - 32 * index));
      return bits === 0 ? "0" : ((word & (0xffffffff << (32 - bits))) >>> 0).toString(16);
    })
    .join(":");
}

function dotted(word: number): string {
  return [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join(".");
}

/** Finds a key's own limit in constant time. Compile once per snapshot. */
export function compileOverrides(
  policy: Pick<RateLimit, "key" | "overrides" | "limit">,
): (key: string) => Limit {
  if (policy.overrides.length === 0) return () => policy.limit;
  const canonical = (value: string, part: LimitKeyPart | undefined): string =>
    part?.type === "ClientIP" ? clientKey(value, part.ipv6PrefixLength) : value;
  const overrides = new Map(
    policy.overrides.map(({ key, limit }) => [
      composeKey(key.map((value, index) => canonical(value, policy.key[index]))),
      limit,
    ]),
  );
  return (key) => overrides.get(key) ?? policy.limit;
}
