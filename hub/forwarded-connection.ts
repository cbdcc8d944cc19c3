// One connection that a client forwards: finds an agent and an endpoint for its stream, joins the two, and tells how it went.
import { limits } from "#contract/limits.ts";
import { type Endpoint, endpointKey } from "#contract/snapshot.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { chooseAgent } from "#traffic/tunnel/choose-agent.ts";
import { type JointEnd, StreamJoint } from "#traffic/tunnel/stream-joint.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import type { AgentConnection } from "./agent-connection.ts";

/** What a forwarded connection needs of its hub. */
export interface ForwardPort {
  agents(): readonly AgentConnection[];
  /** Endpoints of a backend of this tunnel, the best first; none where the backend is gone. */
  endpointsOf(backend: string): Promise<readonly Endpoint[]>;
  zoneOf(endpoint: string): string | undefined;
  readonly random: () => number;
}

/** Endpoints that are tried for one connection, and agents for each. */
const maxEndpoints = 4;
const maxAgents = 2;

export interface ForwardedEnd extends JointEnd {
  readonly endpoint?: string;
  /** Connection and stream of the agent, as in its own log. */
  readonly agentConnection?: string;
  readonly agentStream?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export class ForwardedConnection {
  readonly handlers: StreamHandlers;
  readonly #joint: StreamJoint;
  readonly #port: ForwardPort;
  /** Of the attempt under way, or the one that succeeded. */
  #stream: TunnelStream | undefined;
  #agent: AgentConnection | undefined;
  #connected = false;

  constructor(stream: TunnelStream, port: ForwardPort, onEnd: (end: ForwardedEnd) => void) {
    this.#port = port;
    this.#joint = new StreamJoint(stream, (end) => {
      const { up, down } = this.#joint.bytes;
      onEnd({
        ...end,
        ...(this.#stream && { endpoint: this.#stream.head.endpoint, agentStream: this.#stream.id }),
        ...(this.#agent && { agentConnection: this.#agent.id }),
        bytesIn: up,
        bytesOut: down,
      });
    });
    this.handlers = this.#joint.openerHandlers;
  }

  /** Never rejects; resolves once the connection is made, or has come to nothing. */
  async reach(backend: string): Promise<void> {
    let failure: Pick<StreamReset, "code" | "detail"> = {
      code: "refused",
      detail: "no agent of the tunnel is connected",
    };
    const endpoints = await this.#port.endpointsOf(backend);
    if (endpoints.length === 0) failure = { code: "connect_failed", detail: `${backend} has no endpoint` };
    // No byte of the client has been passed on yet, so each may be tried.
    for (const { id } of endpoints.slice(0, maxEndpoints)) {
      const endpoint = endpointKey(backend, id);
      const wish = { endpoint, zone: this.#port.zoneOf(endpoint), tried: new Set<AgentConnection>() };
      while (wish.tried.size < maxAgents && !this.#joint.over) {
        const agent = chooseAgent(this.#port.agents(), wish, this.#port.random);
        if (!agent?.session) break;
        wish.tried.add(agent);
        const reset = await this.#attempt(agent, endpoint);
        if (reset === undefined) return;
        failure = { code: reset.code, detail: `${id}: ${reset.detail || reset.code}` };
      }
    }
    this.#joint.refuse(failure.code, failure.detail);
  }

  /** Undefined: connected. */
  async #attempt(agent: AgentConnection, endpoint: string): Promise<StreamReset | undefined> {
    const answer = Promise.withResolvers<StreamReset | undefined>();
    const stream = agent.session!.open(
      openHead(endpoint),
      {
        ...this.#joint.answererHandlers,
        onHead: () => {
          this.#connected = true;
          this.#joint.connect();
          answer.resolve(undefined);
        },
        onReset: (reset) => {
          if (this.#connected) this.#joint.answererHandlers.onReset(reset);
          answer.resolve(reset);
        },
      },
      false,
    );
    if (!stream) return { code: "refused", detail: "the agent takes no more streams", safe: true };
    this.#stream = stream;
    this.#agent = agent;
    this.#joint.attempt(stream);
    const timer = setTimeout(() => {
      const detail = `not connected within ${limits.forwardConnectMs} ms`;
      stream.reset("timeout", detail);
      answer.resolve({ code: "timeout", detail, safe: false });
    }, limits.forwardConnectMs);
    const reset = await answer.promise;
    clearTimeout(timer);
    return reset;
  }
}

function openHead(endpoint: string): OpenHead {
  return { kind: "tcp", endpoint, method: "", scheme: "", authority: "", target: "", fields: [] };
}
