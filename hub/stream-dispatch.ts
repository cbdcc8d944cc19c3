// Sends a request of the data path to an agent, and to another one while that is safe.
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { StreamReset } from "#traffic/tunnel/stream.ts";
import { chooseAgent } from "#traffic/tunnel/choose-agent.ts";
import type { AgentConnection } from "./agent-connection.ts";
import type { HttpCall } from "./http-call.ts";
import { exchange, isRepeatable } from "./http-exchange.ts";
import type { OpenRelays } from "./open-relays.ts";
import { failureOf } from "./tunnel-failure.ts";
import type { TunnelFailure } from "./tunnel-failure.ts";

/** Agents that are asked for one request. */
const maxAttempts = 3;

/** What a hub has for those who ask for streams. */
export interface DispatchPort {
  /** Those that are there now: others may have come while a request waited. */
  agents(): readonly AgentConnection[];
  readonly relays: OpenRelays;
  /** Zone whose agents are preferred for an endpoint. */
  zoneOf(endpoint: string): string | undefined;
  readonly random: () => number;
  /** A stream came to nothing. */
  failed(
    agent: AgentConnection,
    head: OpenHead,
    failure: { readonly stream: number; readonly reset: StreamReset },
  ): void;
}

/** How long a request with a body waits for an agent that is just connecting anew. */
const agentWaitMs = 1_000;
const pollMs = 20;

/** The endpoint's answer, or a failure. Never rejects. */
export async function dispatchStream<A>(port: DispatchPort, call: HttpCall<A>): Promise<A> {
  const { agents, relays, zoneOf, random } = port;
  const { head } = call;
  const wish = { endpoint: head.endpoint, zone: zoneOf(head.endpoint), tried: new Set<AgentConnection>() };
  let failure: TunnelFailure = { code: "tunnel_unavailable", safe: true };
  // One without a body goes to the tunnel's other hub meanwhile; nobody else can take a body that was sent here.
  if (call.hasBody) await someAgent(agents);
  while (wish.tried.size < maxAttempts) {
    const agent = chooseAgent(agents(), wish, random);
    if (!agent) break;
    wish.tried.add(agent);
    try {
      const result = await exchange(agent, call, relays);
      if (result.type === "answer") return result.answer;
      if (result.type === "busy") continue;
      failure = failureOf(result.reset);
      port.failed(agent, head, result);
      const isLost = result.reset.code === "connection_lost";
      if (isLost && isRepeatable(call) && !call.aborted) continue;
    } catch (error) {
      if (error instanceof RangeError) return call.fail({ code: "head_too_large", safe: true });
      return call.fail({ code: "internal", safe: false });
    }
    // A body that was read in part cannot be sent again.
    if (!failure.safe || call.hasBody || call.aborted) break;
  }
  return call.fail(failure);
}

async function someAgent(agents: DispatchPort["agents"]): Promise<void> {
  const deadlineMs = Date.now() + agentWaitMs;
  while (!agents().some(({ draining }) => !draining) && Date.now() < deadlineMs)
    await new Promise((done) => setTimeout(done, pollMs));
}
