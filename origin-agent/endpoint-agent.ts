// Kept connections of Node's HTTP client to one endpoint, and to no other.
import { Agent, type ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";

export class EndpointAgent extends Agent {
  readonly #target: SliceEndpoint;
  readonly #dial: Dial;
  #closed = false;

  /** `idleMs`: how long a connection is kept. */
  constructor(target: SliceEndpoint, dial: Dial, idleMs: number) {
    // The last one used is the one that the endpoint is least likely to close.
    super({ keepAlive: true, timeout: idleMs, maxFreeSockets: Infinity, scheduling: "lifo" });
    this.#target = target;
    this.#dial = dial;
  }

  override createConnection(
    _options: ClientRequestArgs,
    created?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    // Node types the socket as required; it reads it only without an error.
    this.#dial(dialTargetOf(this.#target), (error, socket) => created?.(error, socket as Duplex));
  }

  /** All connections are alike. */
  override getName(): string {
    return "endpoint";
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // Node's types know no result.
    return !this.#closed && Boolean(super.keepSocketAlive(socket));
  }

  /** Requests that are under way finish first; `destroy` ends those, too. */
  close(): void {
    this.#closed = true;
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }
}
