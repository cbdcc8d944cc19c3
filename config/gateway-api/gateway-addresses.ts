// `spec.addresses` of a Gateway: on which addresses of the machine its listeners accept.
import { includesNetwork, parseAddress } from "../native/address.ts";
import type { Problem } from "./condition.ts";
import type { Gateway } from "./schema/gateway-kinds.ts";

type Address = Gateway["body"]["spec"]["addresses"][number];

/** Against `Accepted`. An address without a value is for the gateway to choose. */
export function unsupportedAddress({ body: { spec } }: Gateway): Problem | undefined {
  const address = spec.addresses.find(
    ({ type, value }) => type !== "IPAddress" || (value !== "" && parseAddress(value)?.kind !== "ip"),
  );
  if (!address) return undefined;
  const message = `an address of type ${address.type} (${address.value}) cannot be listened on; expected IPAddress`;
  return { reason: "UnsupportedAddress", message };
}

/** Against `Programmed`. Whether an address is this machine's shows when `isthmus serve` opens it. */
export function unusableAddress({ body: { spec } }: Gateway): Problem | undefined {
  for (const { value } of spec.addresses) {
    const what = unusable(value);
    if (what === undefined) continue;
    const message = `nothing can be listened on at ${value}, ${what}; expected an address of this machine`;
    return { reason: "AddressNotUsable", message };
  }
  return undefined;
}

/** Those with a value at which listeners can accept. */
export function usableAddresses({ body: { spec } }: Gateway): Address[] {
  return spec.addresses.filter(({ value }) => value !== "" && unusable(value) === undefined);
}

/** Whether it has an address to be served at: any, or one of its own. */
export function hasAddress(gateway: Gateway): boolean {
  return (
    gateway.body.spec.addresses.every(({ value }) => value === "") || usableAddresses(gateway).length > 0
  );
}

const groups = "the address of a group of machines";
const examples = "an address for documentation, which no machine has";

/** RFC 5771 and what is reserved above it, RFC 4291; RFC 5737, RFC 3849, RFC 9637. */
const unusableNetworks: readonly (readonly [network: string, what: string])[] = [
  ["224.0.0.0/3", groups],
  ["ff00::/8", groups],
  ["192.0.2.0/24", examples],
  ["198.51.100.0/24", examples],
  ["203.0.113.0/24", examples],
  ["2001:db8::/32", examples],
  ["3fff::/20", examples],
];

/** What kind of address it is, where no machine can have it. */
function unusable(value: string): string | undefined {
  const { canonical = "" } = parseAddress(value) ?? {};
  return unusableNetworks.find(([network]) => includesNetwork(network, canonical))?.[1];
}
