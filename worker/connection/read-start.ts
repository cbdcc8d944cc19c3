// Reads what a connection begins with, as far as that decides where it goes: the PROXY protocol of whoever is in front,
// and the ClientHello of TLS that passes through. Nothing is read of any other connection.
import { GatewayError } from "#contract/error.ts";
import { limits } from "#contract/limits.ts";
import { endsTls, type SnapshotListener } from "#contract/snapshot.ts";
import { ClientHelloReader } from "#traffic/connection/client-hello.ts";
import { readProxyHeader } from "#traffic/connection/proxy-protocol.ts";
import { type ProxyPresence, proxySenders } from "#traffic/connection/proxy-senders.ts";
import { withTimeLimit } from "../time-limit.ts";
import type { Connection } from "./connection.ts";
import { StartReader } from "./start-reader.ts";

/** Sets client, server name and head. Rejects with `connection_start_malformed` or `connection_start_timeout`. */
export async function readStart(connection: Connection): Promise<void> {
  const { listener } = connection;
  if (!listener) return;
  // The front door begins with the PROXY protocol, and has read that of whoever is in front of it.
  const proxied = connection.lifetime.props?.proxied ? "always" : presenceOf(listener, connection);
  const hello = listener.protocol === "TLS" && !endsTls(listener);
  if (proxied === "never" && !hello) return;
  const start = new StartReader(connection.socket);
  const read = async (): Promise<void> => {
    if (proxied !== "never") await readProxy(start, connection, proxied);
    if (hello) await readHello(start, connection);
  };
  try {
    await withTimeLimit(read(), limits.connectionStartMs, () => {
      throw new GatewayError("connection_start_timeout");
    });
    connection.head = start.unread();
  } finally {
    start.release();
  }
}

type Presence = ReturnType<typeof proxySenders>;

/** Of listeners that take the PROXY protocol: networks are compiled once, not for each connection. */
const presences = new WeakMap<SnapshotListener, Presence>();

function presenceOf(listener: SnapshotListener, { client }: Connection): ProxyPresence {
  if (!listener.proxyProtocol) return "never";
  let presence = presences.get(listener);
  if (!presence) presences.set(listener, (presence = proxySenders(listener.proxyProtocol)));
  return presence(client?.address);
}

async function readProxy(
  start: StartReader,
  connection: Connection,
  presence: Exclude<ProxyPresence, "never">,
): Promise<void> {
  for (;;) {
    const result = readProxyHeader(start.whole());
    if (result.type === "header") {
      start.skip(result.lengthBytes);
      const { source, destination, serverName } = result.connection;
      // UNKNOWN and LOCAL leave the sender itself as the client.
      connection.client = source ?? connection.client;
      connection.destination = destination ?? connection.destination;
      connection.serverName = serverName;
      return;
    }
    if (result.type === "absent" && presence === "optional") return;
    if (result.type !== "incomplete")
      throw malformed(result.type === "invalid" ? result.reason : "it is absent");
    await start.more();
  }
}

function malformed(reason: string): GatewayError {
  return new GatewayError("connection_start_malformed", `PROXY protocol: ${reason}`);
}

async function readHello(start: StartReader, connection: Connection): Promise<void> {
  const reader = new ClientHelloReader();
  let chunk = start.whole();
  for (;;) {
    const result = reader.push(chunk);
    if (result.type === "invalid") {
      throw new GatewayError("connection_start_malformed", `ClientHello: ${result.reason}`);
    }
    if (result.type === "hello") {
      connection.serverName = result.serverName;
      return;
    }
    chunk = await start.more();
  }
}
