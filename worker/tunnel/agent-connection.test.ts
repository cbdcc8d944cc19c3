import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { hubSettings } from "#contract/tunnel/settings.ts";
import { HubHandshake } from "#traffic/tunnel/hub-handshake.ts";
import { AgentConnection } from "#hub/agent-connection.ts";
import type { HubPort } from "#hub/agent-connection.ts";
import { HubCounters } from "#hub/hub-counters.ts";
import { peerSocket } from "./peer-socket.ts";

function accepted() {
  const [client, server] = Object.values(new WebSocketPair());
  const log: [string, Record<string, unknown>][] = [];
  const ended: AgentConnection[] = [];
  const trust = Promise.withResolvers<undefined>();
  const counters = new HubCounters("t");
  const hub = {
    tunnel: "t",
    shard: 0,
    trust: () => trust.promise,
    counters,
    ended: (connection: AgentConnection) => void ended.push(connection),
    log: (event: string, fields: Record<string, unknown>) => void log.push([event, fields]),
  } as unknown as HubPort;
  const closed = Promise.withResolvers<number>();
  client!.addEventListener("close", ({ code }) => closed.resolve(code));
  client!.accept();
  const handshake = new HubHandshake({
    tunnel: "t",
    shard: 0,
    connection: "c",
    nonce: new Uint8Array(32),
    authority: "edge.test",
    path: "/",
    transportCertificate: new Uint8Array(1),
    settings: hubSettings,
  });
  const connection = new AgentConnection("c", peerSocket(server!), handshake, hub, 1_000);
  return { client: client!, connection, log, ended, counters, closed: closed.promise };
}

test("no proof in time: refused with handshake_timeout", async () => {
  const { connection, log, ended, counters, closed } = accepted();
  connection.tick(1_000 + limits.handshakeTimeoutMs - 1);
  expect(log).toEqual([]);
  connection.tick(1_000 + limits.handshakeTimeoutMs);
  expect(log).toMatchObject([["tunnel_refused", { code: "handshake_timeout" }]]);
  expect(await closed).toBe(4401);
  expect(ended).toEqual([connection]);
  expect(counters.handOver(undefined, "1").counters).toEqual({
    'tunnel_handshakes_total{tunnel="t",result="handshake_timeout"}': 1,
  });
  // Over is over.
  connection.tick(1_000_000);
  expect(log).toHaveLength(1);
});

test.each<[string, (client: WebSocket) => void]>([
  ["a text message", (client) => client.send("hello")],
  [
    "a second message while the first is checked",
    (client) => {
      client.send(new Uint8Array(9));
      client.send(new Uint8Array(9));
    },
  ],
])("%s in the handshake is a protocol error", async (_name, act) => {
  const { client, log, closed } = accepted();
  act(client);
  expect(await closed).toBe(4400);
  expect(log).toMatchObject([["tunnel_refused", { code: "protocol_error" }]]);
});
