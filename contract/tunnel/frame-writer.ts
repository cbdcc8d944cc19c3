// Collects the frames of one WebSocket message in a buffer that grows. Long messages are handed over with their buffer, and
// buffers that come back are used again: at a high rate the garbage of them costs more than all else that a sender does.
import { limits } from "../limits.ts";
import { frameHeaderBytes } from "./frame.ts";
import { webSocketHeadBytes } from "./web-socket-frame.ts";

const textEncoder = new TextEncoder();

/** Buffers kept for the next long messages: together no more than a connection has on the way anyway. */
const maxSpares = 8;
/** Of a long message, which is sent before it has more than two frames of the longest kind. */
const longBytes = 2 * limits.framePayloadBytes + 1_024;
/** Beyond this a message is likely to become a long one. */
const shortBytes = 16 * 1024;

export class FrameWriter {
  readonly #initial: Uint8Array;
  #buffer: Uint8Array;
  #end = webSocketHeadBytes;
  readonly #spares: Uint8Array[] = [];

  constructor(initialBytes = 4_096) {
    this.#initial = new Uint8Array(webSocketHeadBytes + initialBytes);
    this.#buffer = this.#initial;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#end - webSocketHeadBytes;
  }

  /** Leaves room for a frame header; returns where it starts. */
  begin(): number {
    const start = this.#end;
    this.#room(frameHeaderBytes);
    this.#end += frameHeaderBytes;
    return start;
  }

  /** Fills in the header of the frame that began at `start` and whose payload has been written. */
  finish(start: number, type: number, flags: number, stream: number): void {
    const buffer = this.#buffer;
    const payloadBytes = this.#end - start - frameHeaderBytes;
    buffer[start] = type;
    buffer[start + 1] = flags;
    buffer[start + 2] = stream >>> 24;
    buffer[start + 3] = stream >>> 16;
    buffer[start + 4] = stream >>> 8;
    buffer[start + 5] = stream;
    buffer[start + 6] = payloadBytes >>> 16;
    buffer[start + 7] = payloadBytes >>> 8;
    buffer[start + 8] = payloadBytes;
  }

  /** Forgets the frame that began at `start`. */
  abandon(start: number): void {
    this.#end = start;
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#end++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#buffer[this.#end++] = value >>> 8;
    this.#buffer[this.#end++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#buffer[this.#end++] = value >>> 24;
    this.#buffer[this.#end++] = value >>> 16;
    this.#buffer[this.#end++] = value >>> 8;
    this.#buffer[this.#end++] = value;
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** One byte for each UTF-16 unit. Throws `RangeError` for a unit above 0xff; then nothing is written. */
  latin1(text: string): void {
    this.#room(text.length);
    const target = this.#buffer.subarray(this.#end, this.#end + text.length);
    const { read, written } = textEncoder.encodeInto(text, target);
    // Text that is not ASCII needs more bytes in UTF-8 than it has units, so it cannot have fitted.
    if (read !== text.length || written !== text.length) writeUnits(text, target);
    this.#end += text.length;
  }

  /**
   * Everything written so far, for the caller to keep, or to give back; the writer is empty afterwards. Before a long message
   * its buffer has room for the head of a WebSocket frame (`frameInPlace`).
   */
  take(): Uint8Array {
    const [buffer, length] = [this.#buffer, this.length];
    const end = this.#end;
    this.#end = webSocketHeadBytes;
    // A short message must not keep a long buffer alive.
    if (4 * length < buffer.length || buffer === this.#initial) return buffer.slice(webSocketHeadBytes, end);
    this.#buffer = this.#initial;
    return buffer.subarray(webSocketHeadBytes, end);
  }

  /** The message that `take` returned is used no more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === longBytes && this.#spares.length < maxSpares) {
      this.#spares.push(new Uint8Array(buffer));
    }
  }

  #room(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = this.#larger(needed);
    grown.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = grown;
  }

  #larger(needed: number): Uint8Array {
    if (needed > shortBytes && needed <= longBytes) return this.#spares.pop() ?? new Uint8Array(longBytes);
    return new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
  }
}

function writeUnits(text: string, target: Uint8Array): void {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff) throw new RangeError(`character ${unit.toString(16)} does not fit into one octet`);
    target[at] = unit;
  }
}
