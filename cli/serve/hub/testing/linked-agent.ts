// An agent for tests of the hub's process: a real session, linked to the hub's by memory instead of a WebSocket, behind real
// sockets of the process. Pods are played by the test.
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, hubSettings } from "#contract/tunnel/settings.ts";
import type { AgentConnection } from "#hub/agent-connection.ts";
import { OpenRelays } from "#hub/open-relays.ts";
import { dispatchStream, type DispatchPort } from "#hub/stream-dispatch.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { WaitingStreams } from "#traffic/tunnel/waiting-streams.ts";
import type { Hubs } from "../hubs.ts";

export type Pod = (stream: TunnelStream, head: OpenHead) => StreamHandlers | ResetCode;

/** The hubs of a process with one agent, for which `pod` answers. */
export function hubsWith(pod: Pod): Hubs {
  const dispatch = dispatchTo(linkedSession(pod));
  const hub = {
    request: (call: Parameters<typeof dispatchStream>[1]) => dispatchStream(dispatch, call),
    streams: () => dispatch,
  };
  return { ending: false, named: () => hub } as unknown as Hubs;
}

function linkedSession(pod: Pod): TunnelSession {
  const make = (role: "edge" | "agent", peer: () => TunnelSession): TunnelSession =>
    new TunnelSession(
      {
        role,
        local: role === "edge" ? hubSettings : agentSettings,
        remote: role === "edge" ? agentSettings : hubSettings,
        send: (message) => setImmediate(() => peer().receive(message, 0)),
        schedule: setImmediate,
        handlers: { onStream: pod, onControl: () => {}, onClose: () => {} },
      },
      0,
    );
  const sides: { edge: TunnelSession; agent: TunnelSession } = {
    edge: make("edge", () => sides.agent),
    agent: make("agent", () => sides.edge),
  };
  return sides.edge;
}

function dispatchTo(session: TunnelSession): DispatchPort {
  const agent = {
    session,
    waiting: new WaitingStreams(),
    streams: 0,
    inFlightBytes: 0,
    draining: false,
    configVersion: 1,
    zone: undefined,
    responsive: true,
    roundTripMs: 0,
    isHealthy: () => true,
  } as unknown as AgentConnection;
  return {
    agents: () => [agent],
    relays: new OpenRelays(),
    zoneOf: () => undefined,
    random: () => 0,
    failed: () => {},
  };
}

export interface Listening {
  readonly path: string;
  close(): Promise<void>;
}

/** On a Unix socket, as under `isthmus serve`. */
export async function listen(server: Server = createServer()): Promise<Listening> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-hub-"));
  const path = join(directory, "hub.sock");
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    async close() {
      server.close();
      if ("closeAllConnections" in server) (server.closeAllConnections as () => void)();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
