// What a hub counts for metrics, and hands to the region in batches of increments with its reports. A batch is handed over
// until the region says that it has it, so none is lost with a report, and the region knows one that it has taken.
import { counterName } from "#contract/counter-name.ts";
import type { HubReport } from "#contract/sync.ts";
import type { SessionTally } from "#traffic/tunnel/session-tally.ts";

/** Of a tally, what has been counted already. */
type Counted = Map<string, number>;

type Batch = Required<Pick<HubReport, "counters" | "countersBatch">>;

export class HubCounters {
  readonly #tunnel: string;
  readonly #counted = new WeakMap<SessionTally, Counted>();
  #increments: Record<string, number> = {};
  #batch: Batch | undefined;

  constructor(tunnel: string) {
    this.#tunnel = tunnel;
  }

  add(name: string, labels: Readonly<Record<string, string>>, amount = 1): void {
    if (amount === 0) return;
    const key = counterName(`tunnel_${name}`, { tunnel: this.#tunnel, ...labels });
    this.#increments[key] = (this.#increments[key] ?? 0) + amount;
  }

  /** What a session has done since it was looked at last. */
  look(tally: SessionTally): void {
    const counted = this.#counted.get(tally) ?? new Map<string, number>();
    this.#counted.set(tally, counted);
    const more = (name: string, labels: Readonly<Record<string, string>>, total: number): void => {
      const key = counterName(name, labels);
      this.add(name, labels, total - (counted.get(key) ?? 0));
      counted.set(key, total);
    };
    more("streams_opened_total", {}, tally.streamsOpened);
    more("bytes_total", { direction: "in" }, tally.bytesIn);
    more("bytes_total", { direction: "out" }, tally.bytesOut);
    for (const [code, total] of tally.resetsSent) more("streams_reset_total", { code, by: "hub" }, total);
    for (const [code, total] of tally.resetsReceived)
      more("streams_reset_total", { code, by: "agent" }, total);
  }

  /** `taken`: the batch that the region has. A new one gets the id `newId`, unique beyond the life of this hub. */
  handOver(taken: string | undefined, newId: string): Batch {
    if (this.#batch && this.#batch.countersBatch !== taken) return this.#batch;
    this.#batch = { counters: this.#increments, countersBatch: newId };
    this.#increments = {};
    return this.#batch;
  }
}
