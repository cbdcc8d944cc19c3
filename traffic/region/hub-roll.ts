// The tunnel hubs of a region: which hold agents, what they know, and what their agents say of endpoints. A hub announces
// itself when its first agent connects and while it has any; from then on the region asks it once per heartbeat.
import type { AgentStatus, HubReport } from "#contract/sync.ts";

/** A hub is asked for this long after it announced itself or reported agents. */
export const hubExpiryMs = 60_000;
/** A report is believed for this long: a hub that stops answering has lost its agents. */
const reportExpiryMs = 5_000;
const maxHubs = 2_048;

export interface HubRef {
  readonly tunnel: string;
  readonly shard: number;
}

interface Hub extends HubRef {
  activeMs: number;
  reportedMs: number;
  report: HubReport;
}

const nothing: HubReport = { trustVersion: 0, configVersion: 0, agents: [], endpoints: {} };

export class HubRoll {
  readonly #hubs = new Map<string, Hub>();

  /** Returns false when there are too many hubs to take on another one. */
  announced({ tunnel, shard }: HubRef, nowMs: number): boolean {
    const known = this.#hubs.get(key(tunnel, shard));
    if (!known && this.#hubs.size >= maxHubs) return false;
    if (known) known.activeMs = nowMs;
    else {
      const hub = { tunnel, shard, activeMs: nowMs, reportedMs: -Infinity, report: nothing };
      this.#hubs.set(key(tunnel, shard), hub);
    }
    return true;
  }

  /** Returns whether its counters are news: a hub repeats them until it knows that they arrived. */
  reported({ tunnel, shard }: HubRef, report: HubReport, nowMs: number): boolean {
    const hub = this.#hubs.get(key(tunnel, shard));
    if (!hub) return true;
    const { countersBatch } = hub.report;
    hub.report = report;
    hub.reportedMs = nowMs;
    if (report.agents.length > 0) hub.activeMs = nowMs;
    return countersBatch === undefined || countersBatch !== report.countersBatch;
  }

  /** Hubs to ask, each with what it said it holds. */
  active(nowMs: number): (HubRef & Pick<HubReport, "trustVersion" | "configVersion" | "countersBatch">)[] {
    for (const [name, hub] of this.#hubs) {
      if (nowMs - hub.activeMs >= hubExpiryMs) this.#hubs.delete(name);
    }
    return [...this.#hubs.values()].map(({ tunnel, shard, report }) => ({
      tunnel,
      shard,
      trustVersion: report.trustVersion,
      configVersion: report.configVersion,
      ...(report.countersBatch !== undefined && { countersBatch: report.countersBatch }),
    }));
  }

  agents(nowMs: number): AgentStatus[] {
    return this.#believed(nowMs).flatMap((hub) => hub.report.agents);
  }

  /** For each tunnel, the shards at which an agent takes new streams. */
  presence(nowMs: number): Record<string, number[]> {
    const tunnels: Record<string, number[]> = {};
    for (const { tunnel, shard, report } of this.#believed(nowMs)) {
      if (report.agents.some((agent) => !agent.draining)) (tunnels[tunnel] ??= []).push(shard);
    }
    return tunnels;
  }

  /** What agents say of endpoints. One that any agent can reach is healthy: the hub sends requests where it is. */
  verdicts(nowMs: number): Map<string, HubReport["endpoints"][string]> {
    const verdicts = new Map<string, HubReport["endpoints"][string]>();
    for (const { report } of this.#believed(nowMs)) {
      for (const [endpoint, verdict] of Object.entries(report.endpoints)) {
        if (!verdicts.get(endpoint)?.healthy) verdicts.set(endpoint, verdict);
      }
    }
    return verdicts;
  }

  #believed(nowMs: number): Hub[] {
    return [...this.#hubs.values()].filter((hub) => nowMs - hub.reportedMs < reportExpiryMs);
  }
}

function key(tunnel: string, shard: number): string {
  return `${tunnel}:${shard}`;
}
