// The client's connection, as the gateway tells it to the agent for the PROXY protocol: a field of the head that ends there.

/** Dropped by the agent; nothing that a client sends has this name behind the gateway (`traffic/forwarding/forged-names.ts`). */
export const proxiedConnectionField = "isthmus-proxied-connection";

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** Both as `ADDRESS:PORT`, IPv6 in brackets. */
export function proxiedConnectionText(client: string, server: string): string {
  return `${client} ${server}`;
}

/** Nothing of what cannot be read. */
export function readProxiedConnection(text: string): { source?: Place; destination?: Place } {
  const [client = "", server = ""] = text.split(" ");
  const [source, destination] = [readPlace(client), readPlace(server)];
  return { ...(source && { source }), ...(destination && { destination }) };
}

function readPlace(text: string): Place | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  return found && port <= 65_535 ? { address: found[1] ?? found[2]!, port } : undefined;
}
