// Which agent serves the next stream. Pure: the caller gives the facts of each connection.

export interface AgentLoad {
  /** Open streams. */
  readonly streams: number;
  /** Bytes on the way to the agent: bulk that a new request would wait behind. */
  readonly inFlightBytes: number;
  /** Goes away, or takes no streams. */
  readonly draining: boolean;
  /** Version of the configuration that it serves. */
  readonly configVersion: number;
  /** What it found out about the endpoint; undefined: it does not check it. */
  isHealthy(endpoint: string): boolean | undefined;
}

/** In-flight bytes that weigh as much as one open stream. */
const bytesPerStream = 64 * 1024;

/**
 * The best agent for an endpoint among `agents` that are not in `tried`: one that can reach it before one that cannot,
 * then one that serves the newest configuration, then the least loaded. Ties go to the earliest after `turn`.
 */
export function pickAgent<Agent extends AgentLoad>(
  agents: readonly Agent[],
  endpoint: string,
  tried: ReadonlySet<Agent>,
  turn: number,
): Agent | undefined {
  let best: Agent | undefined;
  let bestRank: readonly number[] = [];
  for (let offset = 0; offset < agents.length; offset++) {
    const agent = agents[(turn + offset) % agents.length]!;
    if (agent.draining || tried.has(agent)) continue;
    const rank = [
      agent.isHealthy(endpoint) === false ? 1 : 0,
      -agent.configVersion,
      agent.streams + agent.inFlightBytes / bytesPerStream,
    ];
    if (best === undefined || isLess(rank, bestRank)) {
      best = agent;
      bestRank = rank;
    }
  }
  return best;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (let index = 0; index < a.length; index++) {
    if (a[index]! !== b[index]!) return a[index]! < b[index]!;
  }
  return false;
}
