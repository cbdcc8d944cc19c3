// Which clients of a listener begin with the PROXY protocol: all of them, or those of some networks.
import { compileCidrSet } from "../forwarding/cidr.ts";
import { parseIpAddress } from "../forwarding/ip-address.ts";

/** As a listener of the snapshot has it. */
export interface AcceptedProxyProtocol {
  readonly optional: boolean;
  /** Absent: every client's header counts. */
  readonly trustedCIDRs?: readonly string[] | undefined;
}

/** `never`: whatever the client says, it is the client. */
export type ProxyPresence = "always" | "optional" | "never";

/** What to expect of a connection, by the address that it comes from. */
export function proxySenders({
  optional,
  trustedCIDRs,
}: AcceptedProxyProtocol): (address: string | undefined) => ProxyPresence {
  const ofSenders = optional ? "optional" : "always";
  if (!trustedCIDRs) return () => ofSenders;
  const networks = compileCidrSet(trustedCIDRs);
  return (text) => {
    const address = text === undefined ? undefined : parseIpAddress(text);
    return address && networks.contains(address) ? ofSenders : "never";
  };
}
