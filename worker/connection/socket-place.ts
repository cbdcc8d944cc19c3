// Address and port as workerd writes them in `Socket.opened`: `192.0.2.1:5000`, `[2001:db8::1]:5000`, `unix:/path:0`. The
// local one is that of the listening socket, and `:5000` where that was inherited.
import type { SocketPlace } from "#traffic/connection/proxy-protocol.ts";
import { parseIpAddress } from "#traffic/forwarding/ip-address.ts";

/** Undefined for what is no address of the network. */
export function socketPlace(text: string | undefined): SocketPlace | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text ?? "");
  const address = found?.[1] ?? found?.[2];
  if (!found || address === undefined || !parseIpAddress(address)) return undefined;
  return { address, port: Number(found[3]) };
}

/**
 * What `client` connected to. Of an inherited socket the runtime tells the port only: its address is known where the
 * listener has just one (`addresses`), else the unspecified address of the client's family stands for it.
 */
export function localPlace(
  text: string | undefined,
  client: SocketPlace | undefined,
  addresses: readonly string[] = [],
): SocketPlace | undefined {
  const port = /^:([0-9]{1,5})$/.exec(text ?? "")?.[1];
  if (port === undefined) return socketPlace(text);
  const unspecified = client?.address.includes(":") ? "::" : "0.0.0.0";
  return { address: addresses.length === 1 ? addresses[0]! : unspecified, port: Number(port) };
}
