// Takes control messages apart into frames and puts them together again, bounded before anything is kept.
import { TunnelProtocolError } from "#contract/tunnel/code.ts";
import type { Frame } from "#contract/tunnel/frame.ts";

const pieceBytes = 32 * 1024;
const encoder = new TextEncoder();

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws `RangeError` beyond `maxBytes`. */
export function controlFrames(text: string, maxBytes: number): Frame[] {
  const bytes = encoder.encode(text);
  if (bytes.length > maxBytes) {
    throw new RangeError(`a control message of ${bytes.length} bytes is longer than the other side takes`);
  }
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const last = at + pieceBytes >= bytes.length;
    frames.push({ type: "control", last, bytes: bytes.subarray(at, at + pieceBytes) });
  }
  return frames;
}

export class ControlAssembler {
  readonly #maxBytes: number;
  // Copied, not collected: a one-byte view would keep its whole message alive.
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The whole text once its last piece is there. Throws {@link TunnelProtocolError}. */
  add(bytes: Uint8Array, last: boolean): string | undefined {
    const totalBytes = this.#length + bytes.length;
    if (totalBytes > this.#maxBytes) {
      throw new TunnelProtocolError("too_large", `a control message of more than ${this.#maxBytes} bytes`);
    }
    if (last && this.#length === 0) return text(bytes);
    this.#append(bytes, totalBytes);
    if (!last) return undefined;
    const whole = text(this.#buffer.subarray(0, this.#length));
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    return whole;
  }

  #append(bytes: Uint8Array, totalBytes: number): void {
    if (totalBytes > this.#buffer.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(totalBytes, 2 * this.#buffer.length)));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = totalBytes;
  }
}

function text(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new TunnelProtocolError("protocol_error", "a control message is not valid UTF-8");
  }
}
