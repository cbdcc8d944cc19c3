// Entry: bounds of the listener on what can be seen before the rule is known.
import { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";

/** After `readTarget`. */
export function limitHead({ listener, request, fields }: Exchange): void {
  const limits = listener?.requestLimits;
  if (!limits) return;
  const { urlChars = Infinity, headerBytes = Infinity } = limits;
  if (request.url.length > urlChars) throw new GatewayError("uri_too_long");
  if (headerBytes !== Infinity && sizeOf(fields) > headerBytes) {
    throw new GatewayError("head_too_large");
  }
}

/** As on the wire in HTTP/1.1: name, colon, space, value, line end. The runtime gives octets as characters. */
function sizeOf(fields: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [name, value] of fields) bytes += name.length + value.length + 4;
  return bytes;
}
