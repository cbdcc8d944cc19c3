// `spec.addresses` of a Gateway: on which addresses of the machine its listeners accept.
import { parseAddress } from "../native/address.ts";
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
  const address = spec.addresses.find(({ value }) => isMulticast(value));
  if (!address) return undefined;
  const message = `nothing can be listened on at ${address.value}, the address of a group of machines`;
  return { reason: "AddressNotUsable", message };
}

/** Those with a value at which listeners can accept. */
export function usableAddresses({ body: { spec } }: Gateway): Address[] {
  return spec.addresses.filter(({ value }) => value !== "" && !isMulticast(value));
}

/** Whether it has an address to be served at: any, or one of its own. */
export function hasAddress(gateway: Gateway): boolean {
  return (
    gateway.body.spec.addresses.every(({ value }) => value === "") || usableAddresses(gateway).length > 0
  );
}

/** RFC 5771 and what is reserved above it, RFC 4291. */
function isMulticast(value: string): boolean {
  if (value.includes(":")) return value.toLowerCase().startsWith("ff");
  return Number(value.split(".")[0]) >= 224;
}
