// Process entry of a hub: one shard of every tunnel (decisions 0011, 0017). It keeps nothing, and ends with the supervisor.
import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { FrontDoors } from "./front-doors.ts";
import { gatewayServer } from "./gateway-server.ts";
import { Hubs } from "./hubs.ts";
import { nodeRuntime } from "./node-runtime.ts";
import { SecureDoor } from "./secure-door.ts";
import { connectionServer } from "./serve-connection.ts";
import type { HubCommand, HubEvent, HubSettings } from "./settings.ts";
import { tunnelServer } from "./tunnel-server.ts";

/** While the process ends, this is how often it looks for connections that are gone, or without a request. */
const lookMs = 100;

const settings = JSON.parse(process.argv[2]!) as HubSettings;
const { fds, shard } = settings;
const runtime = nodeRuntime(settings);
const hubs = new Hubs(runtime);
const gateways = gatewayServer(hubs, new FrontDoors(settings.runDirectory));
const agents = tunnelServer(hubs, runtime);
const secure = new SecureDoor(hubs, runtime, shard);
const connections = connectionServer(hubs);
const servers: readonly [Server, number][] = [
  [gateways, fds.hub],
  [connections, fds.connections],
  [agents, fds.tunnel],
];

process.on("message", (command: HubCommand, socket?: Socket) => {
  if (command.type === "tls") secure.setTls(command);
  // It comes without a socket where that has broken meanwhile.
  else if (socket) secure.take(socket, Buffer.from(command.start, "base64"));
});
process.on("disconnect", () => process.exit(1));
// The supervisor decides when to end; a terminal's Ctrl-C reaches this process, too.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.once("SIGTERM", () => void end());

await Promise.all(
  servers.map(([server, fd]) => {
    server.listen({ fd });
    return once(server, "listening");
  }),
);
process.send?.({ type: "listening" } satisfies HubEvent);

/** Once everything that is open has come to its end; agents and clients have been asked to go, or are cut off by then. */
async function end(): Promise<void> {
  // Where a successor has taken over, gateways may be about to use what they keep open, and agents' connections with it.
  if (hubs.ending) await Promise.all([nobodyAt(gateways), nobodyAt(connections)]);
  hubs.ending = true;
  hubs.drain();
  const closed = servers.map(([server]) => once(server, "close"));
  for (const [server] of servers) server.close();
  setInterval(() => {
    for (const server of [gateways, agents, secure]) server.closeIdleConnections();
  }, lookMs);
  await Promise.all([...closed, secure.ended()]);
  process.exit(0);
}

/** Resolves when nobody is connected. */
async function nobodyAt(server: Server): Promise<void> {
  const connected = (): Promise<number> =>
    new Promise((done, fail) => server.getConnections((error, count) => (error ? fail(error) : done(count))));
  while ((await connected()) > 0) await delay(lookMs);
}
