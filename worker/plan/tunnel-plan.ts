// One tunnel as the data path knows it. The hubs that hold agents change with every heartbeat, so this part is mutable;
// all backends of the tunnel share it.
import { limits } from "#contract/limits.ts";

/** Sends a request to the hub of this name (`<tunnel>:<shard>`). Its headers must be mutable. */
export type HubFetch = (hub: string, request: Request) => Promise<Response>;

export class TunnelPlan {
  readonly name: string;
  readonly fetchHub: HubFetch;
  /** Hub shards with at least one agent, as the last heartbeat told. */
  #present: readonly number[] = [];
  #turn = 0;

  constructor(name: string, fetchHub: HubFetch) {
    this.name = name;
    this.fetchHub = fetchHub;
  }

  setPresent(shards: readonly number[]): void {
    this.#present = shards;
  }

  /**
   * Shards in the order to try them: those with agents first, taking turns, then the others, because an agent may have
   * connected since the last heartbeat.
   */
  shardsToTry(): number[] {
    const known = this.#present.length;
    this.#turn = (this.#turn + 1) % limits.hubsPerTunnel;
    const shards: number[] = [];
    for (let index = 0; index < known; index += 1) shards.push(this.#present[(index + this.#turn) % known]!);
    for (let shard = 0; shard < limits.hubsPerTunnel; shard += 1) {
      if (!shards.includes(shard)) shards.push(shard);
    }
    return shards;
  }
}
