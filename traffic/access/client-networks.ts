// Allow and deny lists of networks, by the client's address as trusted proxies tell it.
import type { ClientNetworks } from "#contract/security-policy.ts";
import { type Cidr, cidrContains, parseCidr } from "../forwarding/cidr.ts";
import { type IpAddress, parseIpAddress } from "../forwarding/ip-address.ts";

/**
 * Whether a client may ask at all. `deny` goes first; an address that is not known is in no network that is allowed and
 * may be in one that is denied, so it is refused. Throws an error for a malformed network.
 */
export function compileClientNetworks({ allow, deny }: ClientNetworks): (clientAddress: string) => boolean {
  const allowed = parseNetworks(allow);
  const denied = parseNetworks(deny);
  if (allowed.length === 0 && denied.length === 0) return () => true;
  return (clientAddress) => {
    const address = parseIpAddress(clientAddress);
    if (!address || inNetworks(denied, address)) return false;
    return allowed.length === 0 || inNetworks(allowed, address);
  };
}

/** Throws an error for a malformed network: left out of a deny list, it would let in what it was to keep out. */
export function parseNetworks(texts: readonly string[]): Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr) throw new Error(`${JSON.stringify(text)} is not a network`);
    return cidr;
  });
}

export function inNetworks(networks: readonly Cidr[], address: IpAddress): boolean {
  return networks.some((network) => cidrContains(network, address));
}
