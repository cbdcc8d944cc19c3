// Joins a stream of one connection to a stream of another: bytes, ends and resets pass in both directions, and each
// reader's pace reaches the other side's writer. What is held is bounded by the windows of both.
import type { ResetCode } from "#contract/tunnel/code.ts";
import { BytePassage } from "./byte-passage.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "./stream.ts";

export interface JointEnd {
  /** Absent: both directions ended in good order. */
  readonly reset?: StreamReset;
  /** Whose the reset is. */
  readonly by?: "opener" | "answerer";
}

export class StreamJoint {
  /** For the stream that somebody opened. */
  readonly openerHandlers: StreamHandlers;
  /** For the stream that was opened on its behalf, from the moment it was answered. */
  readonly answererHandlers: StreamHandlers;
  readonly #opener: TunnelStream;
  readonly #onEnd: (end: JointEnd) => void;
  readonly #up: BytePassage;
  readonly #down: BytePassage;
  #answerer: TunnelStream | undefined;
  #openDirections = 2;
  #over = false;

  /** `onEnd` is called once; streams are over by then. */
  constructor(opener: TunnelStream, onEnd: (end: JointEnd) => void) {
    this.#opener = opener;
    this.#onEnd = onEnd;
    const ended = (): void => this.#directionEnded();
    this.#up = new BytePassage((bytes) => opener.consumed(bytes), ended);
    this.#down = new BytePassage((bytes) => this.#answerer?.consumed(bytes), ended);
    this.openerHandlers = {
      onData: (chunk) => this.#up.add(chunk),
      onEnd: () => this.#up.end(),
      onReset: (reset) => {
        this.#answerer?.reset("cancelled", "the client left");
        this.#finish({ reset, by: "opener" });
      },
      onWritable: () => this.#down.pass(),
    };
    this.answererHandlers = {
      onData: (chunk) => this.#down.add(chunk),
      onEnd: () => this.#down.end(),
      onReset: (reset) => {
        opener.reset(sendable(reset.code), reset.detail);
        this.#finish({ reset, by: "answerer" });
      },
      onWritable: () => this.#up.pass(),
    };
  }

  get over(): boolean {
    return this.#over;
  }

  get bytes(): { readonly up: number; readonly down: number } {
    return { up: this.#up.bytes, down: this.#down.bytes };
  }

  /** This stream was opened on the opener's behalf. Until it is answered another one may take its place. */
  attempt(answerer: TunnelStream): void {
    this.#answerer = answerer;
  }

  /** It is answered: so is the opener, and what has come by then is passed on. */
  connect(): void {
    this.#opener.respond({ status: 200, fields: [] });
    this.#down.connect(this.#opener);
    this.#up.connect(this.#answerer!);
  }

  /** There is nobody to connect to. */
  refuse(code: ResetCode, detail: string): void {
    if (this.#over) return;
    this.#opener.reset(sendable(code), detail);
    this.#finish({ reset: { code, detail, safe: true }, by: "answerer" });
  }

  #directionEnded(): void {
    this.#openDirections -= 1;
    if (this.#openDirections === 0) this.#finish({});
  }

  #finish(end: JointEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#onEnd(end);
  }
}

/** What the other side may be told: that a connection was lost is each end's own news. */
function sendable(code: ResetCode): ResetCode {
  return code === "connection_lost" ? "endpoint_reset" : code;
}
