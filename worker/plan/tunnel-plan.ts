// One tunnel as the data path knows it. The hubs that hold agents change with every heartbeat, so this part is mutable;
// all backends of the tunnel share it.
import { limits } from "#contract/limits.ts";
import { ownTunnel } from "#contract/snapshot.ts";
import type { Lifetime } from "../exchange.ts";

/** Between two looks of a request that waits; what it waits for comes with a heartbeat. */
const lookMs = 50;

/**
 * How long requests go to one shard before it is another one's turn. Those that come close upon one another share what a
 * hub and an agent pay for a message, a record of TLS and a system call; by turns of single requests each hub has half of them.
 */
const turnMs = 50;

/** Sends a request to the hub of this name (`<tunnel>:<shard>`). Its headers must be mutable. */
export type HubFetch = (hub: string, request: Request) => Promise<Response>;

export interface TunnelPorts {
  readonly fetchHub: HubFetch;
  /** See `Isolate.awaitNews`. */
  readonly awaitNews: (lifetime: Lifetime) => void;
}

export class TunnelPlan {
  readonly name: string;
  readonly fetchHub: HubFetch;
  readonly #awaitNews: TunnelPorts["awaitNews"];
  /** Hub shards with at least one agent, as the last heartbeat told. */
  #present: readonly number[] = [];
  #turn = 0;
  #turnStartedMs = -Infinity;
  #longTurn = 0;
  /** The agent of `isthmus serve` is started when a version first needs it (decision 0013): until it has been seen. */
  #isStarting: boolean;

  constructor(name: string, { fetchHub, awaitNews }: TunnelPorts) {
    this.name = name;
    this.fetchHub = fetchHub;
    this.#awaitNews = awaitNews;
    this.#isStarting = name === ownTunnel;
  }

  setPresent(shards: readonly number[]): void {
    this.#present = shards;
    if (shards.length > 0) this.#isStarting = false;
  }

  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** Resolves when the agent is there, or has been waited for long enough: once, for nobody knows whether it will come. */
  async untilStarted(lifetime: Lifetime, wait: (ms: number) => Promise<void>): Promise<void> {
    for (let leftMs: number = limits.ownAgentStartMs; this.#isStarting && leftMs > 0; leftMs -= lookMs) {
      this.#awaitNews(lifetime);
      await wait(lookMs);
    }
    this.#isStarting = false;
  }

  /**
   * Shards in the order to try them: those with agents first, taking turns of `turnMs`, then the others, because an agent may
   * have connected since the last heartbeat. `isLong`: the request fills messages by itself, and takes turns with others like it.
   */
  shardsToTry(nowMs: number, isLong = false): number[] {
    const known = this.#present.length;
    const turn = isLong ? this.#nextLongTurn() : this.#turnAt(nowMs);
    const shards: number[] = [];
    for (let index = 0; index < known; index += 1) shards.push(this.#present[(index + turn) % known]!);
    for (let shard = 0; shard < limits.hubsPerTunnel; shard += 1) {
      if (!shards.includes(shard)) shards.push(shard);
    }
    return shards;
  }

  #turnAt(nowMs: number): number {
    if (Math.abs(nowMs - this.#turnStartedMs) >= turnMs) {
      this.#turn = (this.#turn + 1) % limits.hubsPerTunnel;
      this.#turnStartedMs = nowMs;
    }
    return this.#turn;
  }

  #nextLongTurn(): number {
    this.#longTurn = (this.#longTurn + 1) % limits.hubsPerTunnel;
    return this.#longTurn;
  }
}
