// Collects the frames of one WebSocket message in a buffer that grows.
import { frameHeaderBytes } from "./frame.ts";

const textEncoder = new TextEncoder();

export class FrameWriter {
  #buffer: Uint8Array;
  #length = 0;
  readonly #initialBytes: number;

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

  /** Everything written so far, for the caller to keep; the writer is empty afterwards. */
  take(): Uint8Array {
    const bytes = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    if (this.#buffer.length > 64 * this.#initialBytes) this.#buffer = new Uint8Array(this.#initialBytes);
    return bytes;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function writeUnits(text: string, target: Uint8Array): void {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff) throw new RangeError(`character ${unit.toString(16)} does not fit into one octet`);
    target[at] = unit;
  }
}
