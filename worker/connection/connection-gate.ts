// Limits of a listener's connections, kept by the isolate: how many there may be, and how many of one client.
import type { ConnectionLimits } from "#contract/connection-limits.ts";
import { GatewayError } from "#contract/error.ts";
import { limits } from "#contract/limits.ts";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { ClientLimits } from "#traffic/connection/client-limits.ts";
import { ConnectionQueue, shareOfLimits } from "#traffic/connection/connection-queue.ts";
import type { Env } from "../env.ts";
import { withTimeLimit } from "../time-limit.ts";
import type { Connection } from "./connection.ts";

/** Ends what was entered. */
type Leave = () => void;

/** A waiting connection looks itself this often, so that the runtime sees that it waits for something. */
const lookMs = 1_000;

export class ConnectionGate {
  /** Each connection by its turn. */
  readonly #queue: ConnectionQueue<Turn>;
  readonly #clients: ClientLimits | undefined;

  constructor(connection: ConnectionLimits) {
    this.#queue = new ConnectionQueue(connection);
    this.#clients = connection.clientLimits && new ClientLimits(connection.clientLimits);
  }

  /** Resolves when there is room; rejects with `connection_limited` where the connection is not to wait. */
  async enter(): Promise<Leave> {
    const turn = new Turn();
    const arrival = this.#queue.arrive(turn, Date.now());
    if (arrival === "refused") throw new GatewayError("connection_limited");
    if (arrival === "waiting") await this.#wait(turn);
    return () => {
      this.#queue.leave(turn);
      this.#goOn();
    };
  }

  /** The same for the client. */
  enterAsClient({ client }: Connection): Leave {
    const clients = this.#clients;
    if (!clients || !client) return () => undefined;
    const { address } = client;
    if (!clients.enter(address, Date.now())) throw new GatewayError("connection_limited", "of one client");
    return () => clients.leave(address);
  }

  async #wait(turn: Turn): Promise<void> {
    while (!turn.hasCome) {
      await turn.within(Math.min(lookMs, this.#queue.readyInMs(Date.now()) ?? lookMs));
      if (!turn.hasCome) this.#goOn();
    }
  }

  #goOn(): void {
    for (const turn of this.#queue.takeReady(Date.now())) turn.come();
  }
}

class Turn {
  hasCome = false;
  readonly #come = Promise.withResolvers<void>();

  come(): void {
    this.hasCome = true;
    this.#come.resolve();
  }

  /** Resolves when it comes, or the time is up. */
  within(limitMs: number): Promise<void> {
    return withTimeLimit(this.#come.promise, limitMs, () => undefined);
  }
}

/** By listener; while the limits stay the same, what is open stays counted through all versions. */
export class ConnectionGates {
  readonly #gates = new Map<string, { readonly limits: string; readonly gate: ConnectionGate }>();
  /** The same by the limits themselves, which stay one object as long as a version does. */
  readonly #known = new WeakMap<ConnectionLimits, ConnectionGate>();
  readonly #share: (whole: ConnectionLimits) => ConnectionLimits;

  /** `share`: what this process keeps of a listener's limits. */
  constructor(share: (whole: ConnectionLimits) => ConnectionLimits) {
    this.#share = share;
  }

  of({ name, connection }: SnapshotListener): ConnectionGate | undefined {
    if (!connection) return undefined;
    let gate = this.#known.get(connection);
    if (!gate) this.#known.set(connection, (gate = this.#named(name, connection)));
    return gate;
  }

  #named(name: string, connection: ConnectionLimits): ConnectionGate {
    const text = JSON.stringify(connection);
    const known = this.#gates.get(name);
    if (known?.limits === text) return known.gate;
    const gate = new ConnectionGate(this.#share(connection));
    // Names of listeners that are gone; their connections keep the gate that they have entered by.
    if (this.#gates.size >= limits.listeners) this.#gates.clear();
    this.#gates.set(name, { limits: text, gate });
    return gate;
  }
}

export function createGatesOf(): (env: Env) => ConnectionGates {
  let gates: ConnectionGates | undefined;
  return ({ PROCESS_SHARE = "0/1" }) => {
    const [process, processes] = PROCESS_SHARE.split("/").map(Number);
    return (gates ??= new ConnectionGates((whole) => shareOfLimits(whole, process!, processes!)));
  };
}
