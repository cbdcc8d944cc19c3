// Address and port as workerd writes them in `Socket.opened`: `192.0.2.1:5000`, `[2001:db8::1]:5000`, `unix:/path:0`.
import type { SocketPlace } from "#traffic/connection/proxy-protocol.ts";
import { parseIpAddress } from "#traffic/forwarding/ip-address.ts";

/** Undefined for what is no address of the network. */
export function socketPlace(text: string | undefined): SocketPlace | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text ?? "");
  const address = found?.[1] ?? found?.[2];
  if (!found || address === undefined || !parseIpAddress(address)) return undefined;
  return { address, port: Number(found[3]) };
}
