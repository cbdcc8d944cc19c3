// undici takes 100 (Continue) for a broken answer, but an endpoint may send it to any request (RFC 9110 §15.2.1). So undici does
// not get to see it: of each answer, the heads before the final one are looked at here, and nothing behind them.
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { limits } from "#contract/limits.ts";

const nothing = Buffer.alloc(0);
const headEnd = "\r\n\r\n";

/** Takes heads with status 100 out of what comes before a final head, in whatever pieces. */
export class ContinueFilter {
  /** The next bytes may belong to such a head. */
  isLooking = false;
  /** The beginning of a head. */
  #held: Buffer = nothing;

  /** A request is about to be sent: what comes next is its answer. */
  begin(): void {
    this.isLooking = true;
    this.#held = nothing;
  }

  /** What is left of a chunk that was read, and of those that were held back. */
  take(chunk: Buffer): Buffer {
    let rest: Buffer = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = nothing;
    const passed: Buffer[] = [];
    for (;;) {
      if (rest.length === 0) return Buffer.concat(passed);
      const isInformational = beginsInformational(rest);
      const end = isInformational === true ? rest.indexOf(headEnd) : -1;
      if (isInformational === false || (end < 0 && rest.length > limits.headBytes)) {
        this.isLooking = false;
        return passed.length === 0 ? rest : Buffer.concat([...passed, rest]);
      }
      if (end < 0) {
        this.#held = rest;
        return Buffer.concat(passed);
      }
      const next = end + headEnd.length;
      if (rest.toString("latin1", 9, 12) !== "100") passed.push(rest.subarray(0, next));
      rest = rest.subarray(next);
    }
  }
}

const statusStart = "HTTP/1.1 1";

/** Undefined while too little is there to tell. A switch of protocols is final. */
function beginsInformational(bytes: Buffer): boolean | undefined {
  const start = bytes.toString("latin1", 0, 12);
  if (start.length === 12) return start.startsWith(statusStart) && !start.endsWith("101");
  return statusStart.startsWith(start.slice(0, statusStart.length)) ? undefined : false;
}

const filters = new WeakMap<object, ContinueFilter>();

// Published "right before the first byte of the request is written" to a connection.
subscribe("undici:client:sendHeaders", (message) => {
  filters.get((message as { socket: object }).socket)?.begin();
});

/** The same connection, for undici to read from. */
export function skipContinue(socket: Socket): Socket {
  const filter = new ContinueFilter();
  filters.set(socket, filter);
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  socket.read = (size?: number): Buffer | null => {
    for (;;) {
      const chunk = read(size);
      if (chunk === null || !filter.isLooking) return chunk;
      const left = filter.take(chunk);
      if (left.length > 0) return left;
    }
  };
  return socket;
}
