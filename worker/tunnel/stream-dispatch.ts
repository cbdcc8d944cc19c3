// Sends a request of the data path to an agent, and to another one while that is safe.
import { exchange } from "./http-exchange.ts";
import type { AgentConnection } from "./agent-connection.ts";
import { pickAgent } from "./agent-table.ts";
import { openHeadOf } from "./open-head.ts";
import type { OpenRelays } from "./open-relays.ts";
import { failureOf, failureResponse } from "./tunnel-failure.ts";
import type { TunnelFailure } from "./tunnel-failure.ts";

/** Agents that are asked for one request. */
const maxAttempts = 3;

/** The endpoint's answer, or a failure in internal headers. Never rejects. `turn` counts up with every request. */
export async function dispatchStream(
  agents: readonly AgentConnection[],
  request: Request,
  turn: number,
  relays: OpenRelays,
): Promise<Response> {
  const head = openHeadOf(request);
  const tried = new Set<AgentConnection>();
  let failure: TunnelFailure = { code: "tunnel_unavailable", safe: true };
  while (tried.size < maxAttempts) {
    const agent = pickAgent(agents, head.endpoint, tried, turn);
    if (!agent?.session) break;
    tried.add(agent);
    try {
      const result = await exchange(agent.session, head, request, relays);
      if (result.type === "response") return result.response;
      if (result.type === "busy") continue;
      failure = failureOf(result.reset);
    } catch (error) {
      if (error instanceof RangeError) return failureResponse({ code: "head_too_large", safe: true });
      return failureResponse({ code: "internal", safe: false });
    }
    // A body that was read in part cannot be sent again.
    if (!failure.safe || request.body !== null || request.signal.aborted) break;
  }
  return failureResponse(failure);
}
