// Networks in CIDR notation, parsed once: trusted proxies, client address matches, access control.
import { type IpAddress, isIpv4, parseIpAddress } from "./ip-address.ts";

export interface Cidr {
  readonly network: IpAddress;
  /** Significant bits of the 128-bit form; an IPv4 prefix counts 96 more. */
  readonly prefixBits: number;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address. Bits behind the prefix are ignored. `undefined`: malformed. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const familyBits = isIpv4(address) && !text.includes(":") ? 32 : 128;
  const digits = slash < 0 ? String(familyBits) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > familyBits) return undefined;
  const prefixBits = Number(digits) + (128 - familyBits);
  const network = address.map((word, index) => word & maskOf(prefixBits, index)) as unknown as IpAddress;
  return { network, prefixBits };
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  for (let index = 0; index * 32 < cidr.prefixBits; index += 1) {
    if ((address[index]! & maskOf(cidr.prefixBits, index)) !== cidr.network[index]) return false;
  }
  return true;
}

/** A list of networks; malformed ones contain nothing (validation reports them). */
export interface CidrSet {
  contains(address: IpAddress): boolean;
  readonly size: number;
}

export function compileCidrSet(texts: readonly string[]): CidrSet {
  const cidrs = texts.map(parseCidr).filter((cidr) => cidr !== undefined);
  return { size: cidrs.length, contains: (address) => cidrs.some((cidr) => cidrContains(cidr, address)) };
}

/** Mask of one 32-bit word, as a signed number: bit operations in JavaScript yield signed results on both sides. */
function maskOf(prefixBits: number, wordIndex: number): number {
  const bits = Math.min(32, Math.max(0, prefixBits - wordIndex * 32));
  return bits === 0 ? 0 : -1 << (32 - bits);
}
