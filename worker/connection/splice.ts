// Joins two sockets: each direction ends by itself (half-close), and each reader's pace reaches the other's writer.
//
// The bytes go from socket to socket within the runtime; taken through JavaScript they would cost six times as much
// (decision 0010). Where they have to be noticed, for an idle limit or the access log, a copy is read now and then.
import { GatewayError } from "#contract/error.ts";
import { WatchedCopy } from "./watched-copy.ts";

export interface SpliceOptions {
  /** A read of the client's bytes that is still under way, and its first part. */
  readonly rest?: Promise<Uint8Array | undefined> | undefined;
  /** Without a byte in either direction. */
  readonly idleMs: number | undefined;
  /** Count the bytes. */
  readonly count: boolean;
  /** Rejects where the connection is to be cut off. Absent: never. */
  readonly cutOff?: Promise<never> | undefined;
}

export interface SplicedBytes {
  readonly fromClient: number;
  readonly fromEndpoint: number;
}

/**
 * Resolves when both directions have ended; rejects with `connection_idle`, `connection_reset` or as `cutOff` does when
 * they were cut off.
 * `onBytes` is told at the end, in any case, if bytes are counted. The caller closes the sockets.
 */
export async function splice(
  client: Socket,
  endpoint: Socket,
  { rest, idleMs, count, cutOff }: SpliceOptions,
  onBytes: (bytes: SplicedBytes) => void,
): Promise<void> {
  const cut = Promise.withResolvers<never>();
  const broken = (side: string) => (cause: unknown) =>
    cut.reject(new GatewayError("connection_reset", `while bytes of the ${side} were passed on`, { cause }));
  const idle = new IdleTimer(idleMs, () => cut.reject(new GatewayError("connection_idle")));
  const watched = idleMs !== undefined || count;
  const copies = new Map<Socket, WatchedCopy>();
  const pass = (from: Socket, to: Socket): Promise<void> => {
    const readable = from.readable as ReadableStream<Uint8Array>;
    if (!watched) return readable.pipeTo(to.writable);
    const [passed, copy] = readable.tee();
    copies.set(from, new WatchedCopy(copy, idleMs, () => idle.restart()));
    return passed.pipeTo(to.writable);
  };
  const passRest = async (bytes: Promise<Uint8Array | undefined>): Promise<void> => {
    const first = await bytes;
    idle.restart();
    if (first) await write(endpoint, first);
    await pass(client, endpoint);
  };
  const both = Promise.all([
    (rest ? passRest(rest) : pass(client, endpoint)).catch(broken("client")),
    pass(endpoint, client).catch(broken("endpoint")),
  ]);
  try {
    await Promise.race([both, cut.promise, ...(cutOff ? [cutOff] : [])]);
    await Promise.all([...copies.values()].map((copy) => copy.complete()));
  } catch (error) {
    for (const copy of copies.values()) copy.cut();
    throw error;
  } finally {
    idle.stop();
    const fromEndpoint = copies.get(endpoint);
    if (fromEndpoint) {
      // None of the client's: it has said nothing by the end.
      onBytes({ fromClient: copies.get(client)?.bytes ?? 0, fromEndpoint: fromEndpoint.bytes });
    }
  }
}

async function write({ writable }: Socket, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  try {
    await writer.write(bytes);
  } finally {
    writer.releaseLock();
  }
}

/** Rings once, when nothing has restarted it for as long. One timer, however often it is restarted. */
class IdleTimer {
  readonly #idleMs: number;
  readonly #ring: () => void;
  #lastMs = Date.now();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Without a time it never rings. */
  constructor(idleMs: number | undefined, ring: () => void) {
    this.#idleMs = idleMs ?? 0;
    this.#ring = ring;
    if (idleMs !== undefined) this.#wait(idleMs);
  }

  restart(): void {
    this.#lastMs = Date.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      const leftMs = this.#lastMs + this.#idleMs - Date.now();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#ring();
    }, ms);
  }
}
