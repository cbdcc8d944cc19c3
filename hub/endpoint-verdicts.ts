// What agents report about endpoints, bounded by what the configuration names, and the verdict of all of them together.
import type { AgentMessage } from "#contract/tunnel/control-message.ts";
import type { HubReport } from "#contract/sync.ts";

type Report = Extract<AgentMessage, { type: "report" }>;
type Verdict = HubReport["endpoints"][string];

/** Of one agent. */
export class EndpointVerdicts {
  readonly #verdicts = new Map<string, Verdict>();

  /** `isKnown`: the configuration names the endpoint; others are not kept. */
  take(report: Report, isKnown: (key: string) => boolean): void {
    if (report.full) this.#verdicts.clear();
    for (const [key, verdict] of Object.entries(report.endpoints)) {
      if (isKnown(key)) this.#verdicts.set(key, verdict);
    }
  }

  /** Forgets endpoints that the configuration no longer names. */
  retain(isKnown: (key: string) => boolean): void {
    for (const key of this.#verdicts.keys()) {
      if (!isKnown(key)) this.#verdicts.delete(key);
    }
  }

  isHealthy(key: string): boolean | undefined {
    return this.#verdicts.get(key)?.healthy;
  }

  entries(): Iterable<[string, Verdict]> {
    return this.#verdicts;
  }
}

/** An endpoint is healthy when at least one agent reaches it: streams go to that one. */
export function mergeVerdicts(agents: Iterable<EndpointVerdicts>): HubReport["endpoints"] {
  const merged: HubReport["endpoints"] = {};
  for (const verdicts of agents) {
    for (const [key, verdict] of verdicts.entries()) {
      if (!merged[key]?.healthy) merged[key] = verdict;
    }
  }
  return merged;
}
