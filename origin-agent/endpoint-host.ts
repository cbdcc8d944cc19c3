// How an endpoint's address stands in a URL and in Host.
import { isIPv6 } from "node:net";
import type { Endpoint } from "#contract/snapshot.ts";

export function endpointHost({ address }: Pick<Endpoint, "address">): string {
  return isIPv6(address) ? `[${address}]` : address;
}
