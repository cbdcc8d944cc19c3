// Collects the frames of one WebSocket message in a buffer that grows. Long messages are handed over with their buffer, and
// buffers that come back are used again: at a high rate the garbage of them costs more than all else that a sender does.
import { frameHeaderBytes } from "./frame.ts";

const textEncoder = new TextEncoder();

/** Buffers kept for the next long messages: together no more than a connection has on the way anyway. */
const maxSpares = 8;
const maxSpareBytes = 128 * 1024;

export class FrameWriter {
  #buffer: Uint8Array;
  #length = 0;
  readonly #initialBytes: number;
  readonly #spares: Uint8Array[] = [];

  constructor(initialBytes = 4_096) {
    this.#initialBytes = initialBytes;
    this.#buffer = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Leaves room for a frame header; returns where it starts. */
  begin(): number {
    const start = this.#length;
    this.#room(frameHeaderBytes);
    this.#length += frameHeaderBytes;
    return start;
  }

  /** Fills in the header of the frame that began at `start` and whose payload has been written. */
  finish(start: number, type: number, flags: number, stream: number): void {
    const buffer = this.#buffer;
    const payloadBytes = this.#length - start - frameHeaderBytes;
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
    this.#length = start;
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#buffer[this.#length++] = value >>> 8;
    this.#buffer[this.#length++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#buffer[this.#length++] = value >>> 24;
    this.#buffer[this.#length++] = value >>> 16;
    this.#buffer[this.#length++] = value >>> 8;
    this.#buffer[this.#length++] = value;
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** One byte for each UTF-16 unit. Throws `RangeError` for a unit above 0xff; then nothing is written. */
  latin1(text: string): void {
    this.#room(text.length);
    const target = this.#buffer.subarray(this.#length, this.#length + text.length);
    const { read, written } = textEncoder.encodeInto(text, target);
    // Text that is not ASCII needs more bytes in UTF-8 than it has units, so it cannot have fitted.
    if (read !== text.length || written !== text.length) writeUnits(text, target);
    this.#length += text.length;
  }

  /** Everything written so far, for the caller to keep, or to give back; the writer is empty afterwards. */
  take(): Uint8Array {
    const [buffer, length] = [this.#buffer, this.#length];
    this.#length = 0;
    // A short message must not keep a long buffer alive.
    if (2 * length < buffer.length || buffer.length === this.#initialBytes) return buffer.slice(0, length);
    this.#buffer = new Uint8Array(this.#initialBytes);
    return buffer.subarray(0, length);
  }

  /** The message that `take` returned is used no more. */
  giveBack({ buffer }: Uint8Array): void {
    const isWorthIt = buffer.byteLength > this.#initialBytes && buffer.byteLength <= maxSpareBytes;
    if (isWorthIt && this.#spares.length < maxSpares) this.#spares.push(new Uint8Array(buffer));
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = this.#spare(needed) ?? new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  #spare(bytes: number): Uint8Array | undefined {
    const at = this.#spares.findIndex(({ length }) => length >= bytes);
    return at === -1 ? undefined : this.#spares.splice(at, 1)[0];
  }
}

function writeUnits(text: string, target: Uint8Array): void {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff) throw new RangeError(`character ${unit.toString(16)} does not fit into one octet`);
    target[at] = unit;
  }
}
