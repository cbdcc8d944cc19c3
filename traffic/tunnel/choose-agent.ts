// Which agent serves the next stream. Pure: the caller gives the facts of each connection, and randomness.

export interface AgentFacts {
  /** Open streams. */
  readonly streams: number;
  /** Bytes on the way to the agent: bulk that a new request would wait behind. */
  readonly inFlightBytes: number;
  /** Goes away, or takes no streams. */
  readonly draining: boolean;
  /** Version of the configuration that it serves. */
  readonly configVersion: number;
  /** Where it runs, if it says so. */
  readonly zone: string | undefined;
  /** It answers pings, and has answered something lately if there was anything to answer. */
  readonly responsive: boolean;
  /** Of its connection, smoothed; 0: not measured yet. Its busy event loop shows here, too. */
  readonly roundTripMs: number;
  /** What it found out about the endpoint; undefined: it does not check it. */
  isHealthy(endpoint: string): boolean | undefined;
}

export interface AgentWish<Agent> {
  /** Key of the endpoint. */
  readonly endpoint: string;
  /** Preferred, as long as an agent there is as good: the endpoint's, or else the gateway's own. */
  readonly zone: string | undefined;
  /** Agents that were asked already. */
  readonly tried: ReadonlySet<Agent>;
}

/** In-flight bytes that weigh as much as one open stream. */
const bytesPerStream = 64 * 1024;
/** Round trips are compared no finer than this, so that noise does not decide. */
const roundTripFloorMs = 5;

/**
 * Draining and tried agents aside, these count in this order: responsive before unresponsive, reaching the endpoint before
 * not, the newest configuration before older ones. Among those left, the wished zone if one of them is there; then, of two
 * drawn at random, the one with the lower product of load and round trip ("power of two choices": the herd that all
 * follow the one best agent between two measurements does not form).
 */
export function chooseAgent<Agent extends AgentFacts>(
  agents: readonly Agent[],
  { endpoint, zone, tried }: AgentWish<Agent>,
  random: () => number,
): Agent | undefined {
  let best: Agent[] = [];
  let bestRank = -1;
  let bestVersion = -1;
  for (const agent of agents) {
    if (agent.draining || tried.has(agent)) continue;
    const rank = (agent.responsive ? 2 : 0) + (agent.isHealthy(endpoint) === false ? 0 : 1);
    const { configVersion } = agent;
    if (rank < bestRank || (rank === bestRank && configVersion < bestVersion)) continue;
    if (rank > bestRank || configVersion > bestVersion) best = [];
    best.push(agent);
    bestRank = rank;
    bestVersion = configVersion;
  }
  const near = zone === undefined ? [] : best.filter((agent) => agent.zone === zone);
  return lessLoaded(near.length > 0 ? near : best, random);
}

function lessLoaded<Agent extends AgentFacts>(
  agents: readonly Agent[],
  random: () => number,
): Agent | undefined {
  const { length } = agents;
  if (length < 2) return agents[0];
  const first = Math.floor(random() * length);
  const second = (first + 1 + Math.floor(random() * (length - 1))) % length;
  const [a, b] = [agents[first]!, agents[second]!];
  return costOf(b) < costOf(a) ? b : a;
}

function costOf({ streams, inFlightBytes, roundTripMs }: AgentFacts): number {
  return (1 + streams + inFlightBytes / bytesPerStream) * (roundTripFloorMs + roundTripMs);
}
