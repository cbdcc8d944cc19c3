// Outgoing frames, collected into messages: what is written in one turn of the event loop leaves as one message.
import { encodeFrame } from "#contract/tunnel/frame.ts";
import type { Frame } from "#contract/tunnel/frame.ts";
import { FrameWriter } from "#contract/tunnel/frame-writer.ts";

/** A message this long leaves at once. With one more frame it stays far below `limits.tunnelMessageBytes`. */
const flushAtBytes = 64 * 1024;

/** Sends one WebSocket message. Its bytes are the callee's to keep, or to give back once they have left. */
export type SendMessage = (message: Uint8Array, giveBack: () => void) => void;

export class Outbox {
  readonly #writer = new FrameWriter();
  readonly #send: SendMessage;
  readonly #schedule: (flush: () => void) => void;
  readonly #flush = (): void => this.flush();
  #scheduled = false;

  constructor(send: SendMessage, schedule: (flush: () => void) => void) {
    this.#send = send;
    this.#schedule = schedule;
  }

  /** Returns the payload's length. Throws `RangeError` for a frame that the protocol does not allow. */
  write(frame: Frame): number {
    const payloadBytes = encodeFrame(this.#writer, frame);
    if (this.#writer.length >= flushAtBytes) {
      this.#sendAll();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(this.#flush);
    }
    return payloadBytes;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#writer.length > 0) this.#sendAll();
  }

  #sendAll(): void {
    const message = this.#writer.take();
    this.#send(message, () => this.#writer.giveBack(message));
  }
}
