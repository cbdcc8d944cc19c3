// Lets stages know when a response's body has ended, or cut it short. Costs a copy of the stream's plumbing, so only stages
// that must know use it, and they share one copy; all other bodies pass from socket to socket untouched.
import type { Lifetime } from "../exchange.ts";
import { withTimeLimit } from "../time-limit.ts";

interface Watch {
  readonly onEnd: (() => void)[];
  readonly breakOff: AbortController;
  ended: boolean;
}

/**
 * By the body that comes out of the copy. A copy of a copy would never deliver more than the first 64 KiB: two such streams
 * in a row wait for each other (workerd 1.20261102.1).
 */
const watches = new WeakMap<ReadableStream, Watch>();

export interface WatchOptions {
  /** Called exactly once: at the body's end, when either side breaks off, or when `signal` aborts it. */
  readonly onEnd?: () => void;
  readonly signal?: AbortSignal;
  /** The body breaks off when the endpoint sends nothing for so long. Only where nobody watches yet. */
  readonly idleMs?: number;
}

/**
 * The same response with a body that is watched. It must come from a fetch with `encodeResponseBody: "manual"`, so that a
 * compressed body passes as it is.
 */
export function watchBody(response: Response, lifetime: Lifetime, options: WatchOptions): Response {
  const { body } = response;
  if (body === null) {
    options.onEnd?.();
    return response;
  }
  const known = watches.get(body);
  if (known) {
    join(known, options);
    return response;
  }
  const length = response.headers.get("content-length");
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
  const watch: Watch = { onEnd: [], breakOff: new AbortController(), ended: false };
  join(watch, options);
  watches.set(readable, watch);
  const { signal } = watch.breakOff;
  const { idleMs } = options;
  const copied =
    idleMs === undefined ? body.pipeTo(writable, { signal }) : pump(body, writable, signal, idleMs);
  const end = (): void => {
    watch.ended = true;
    for (const tell of watch.onEnd) tell();
  };
  // After the client has gone nothing runs that the platform was not asked to wait for.
  lifetime.waitUntil(copied.then(end, end));
  const { status, statusText, headers } = response;
  return new Response(readable, { status, statusText, headers, encodeBody: "manual" });
}

/** Only the endpoint is timed: a client that reads slowly is no fault of it. */
async function pump(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  signal: AbortSignal,
  idleMs: number,
): Promise<void> {
  const reader = source.getReader();
  const writer = sink.getWriter();
  signal.addEventListener("abort", () => breakOff(reader, writer, signal.reason));
  try {
    for (;;) {
      const { value, done } = await withTimeLimit(reader.read(), idleMs, () => {
        throw new Error(`no data for ${idleMs} ms`);
      });
      if (done) break;
      await writer.write(value);
    }
    await writer.close();
  } catch (error) {
    breakOff(reader, writer, error);
  }
}

/** Either side may have ended already. */
function breakOff(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  reason: unknown,
): void {
  void Promise.allSettled([writer.abort(reason), reader.cancel(reason)]);
}

function join(watch: Watch, { onEnd, signal }: WatchOptions): void {
  if (watch.ended) return onEnd?.();
  if (onEnd) watch.onEnd.push(onEnd);
  if (!signal) return;
  if (signal.aborted) watch.breakOff.abort(signal.reason);
  else signal.addEventListener("abort", () => watch.breakOff.abort(signal.reason));
}

/** A body that is on its way in one piece is not worth watching: that would cost more than it tells. */
const shortBodyBytes = 64 * 1024;

export function isLong({ body, headers }: Response): boolean {
  if (body === null) return false;
  const length = headers.get("content-length");
  return length === null || !(Number(length) <= shortBodyBytes);
}
