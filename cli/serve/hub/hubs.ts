// The hubs of one process: one shard of every tunnel that somebody asks for.
import { hubCalls, type HubLoad } from "#contract/hub-call.ts";
import { Hub, type HubCall } from "#hub/hub.ts";
import type { HubRuntime } from "#hub/hub-runtime.ts";

/** A hub to which nobody is connected is forgotten when gateways have not asked for it this long. */
const forgetMs = 60_000;

export class Hubs {
  /** The successor has taken over: gateways had better not come back by a connection that they keep. */
  ending = false;
  readonly #runtime: HubRuntime;
  readonly #hubs = new Map<string, Hub>();

  constructor(runtime: HubRuntime) {
    this.#runtime = runtime;
    setInterval(() => this.#forget(), forgetMs).unref();
  }

  /** Only our own processes, and agents whose certificate names the tunnel, ask for a hub. */
  named(name: string): Hub {
    let hub = this.#hubs.get(name);
    if (!hub) this.#hubs.set(name, (hub = new Hub(this.#runtime)));
    return hub;
  }

  /** Asks all at once. Throws for a body that the call does not have. */
  obey(call: HubCall, body: unknown): HubLoad {
    if (call === hubCalls.end) this.ending = true;
    const loads = [...this.#hubs.values()].map((hub) => hub.obey(call, body));
    return {
      serving: loads.reduce((sum, { serving }) => sum + serving, 0),
      streams: loads.reduce((sum, { streams }) => sum + streams, 0),
    };
  }

  /** No gateway is connected any more. */
  drain(): void {
    for (const hub of this.#hubs.values()) hub.drain();
  }

  #forget(): void {
    for (const [name, hub] of this.#hubs) {
      if (!hub.isOccupied && hub.quietMs >= forgetMs) this.#hubs.delete(name);
    }
  }
}
