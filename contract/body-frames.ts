// A body with trailers after it, as it travels through workerd, which knows no trailers: an answer's from a hub to the front
// door, a request's from there to a hub (decisions 0012 and 0020). Each frame is a kind (u8: 0 data, 1 trailers), a length
// (u32, big endian) and as many bytes. Trailers end the body, also where there are none; they are a table of fields as in the
// tunnel's TRAILERS frame.
import { limits } from "./limits.ts";
import { decodeFields, encodeFields, type Fields } from "./tunnel/head.ts";
import { FrameWriter } from "./tunnel/frame-writer.ts";

/** On a request to a hub: whoever asked takes trailers. On the answer, with the same value: the body is in frames. */
export const trailersHeader = "isthmus-trailers";

/** On a request to a hub: its body is in frames. The names of the fields that may stand behind it, as in `Trailer`. */
export const requestTrailersHeader = "isthmus-request-trailers";

export const bodyFrameHeaderBytes = 5;

const dataKind = 0;
const trailersKind = 1;

export function dataFrame(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bodyFrameHeaderBytes + bytes.length);
  writeHeader(frame, dataKind, bytes.length);
  frame.set(bytes, bodyFrameHeaderBytes);
  return frame;
}

/** The last frame. Throws `RangeError` for fields beyond the tunnel's bounds. */
export function trailersFrame(fields: Fields): Uint8Array {
  const writer = new FrameWriter(256);
  writer.bytes(new Uint8Array(bodyFrameHeaderBytes));
  encodeFields(writer, fields);
  const frame = writer.take();
  writeHeader(frame, trailersKind, frame.length - bodyFrameHeaderBytes);
  return frame;
}

function writeHeader(frame: Uint8Array, kind: number, length: number): void {
  frame[0] = kind;
  frame[1] = length >>> 24;
  frame[2] = length >>> 16;
  frame[3] = length >>> 8;
  frame[4] = length;
}

/** Takes frames apart as they arrive, in whatever pieces; data is passed on uncopied and at once. */
export class BodyFrameReader {
  /** Set by the last frame. */
  trailers: Fields | undefined;
  readonly #header = new Uint8Array(bodyFrameHeaderBytes);
  #headerBytes = 0;
  #restBytes = 0;
  #table: Uint8Array | undefined;

  /** The data in a piece of the body. Throws `TunnelProtocolError` or `RangeError` for what is no such body. */
  read(chunk: Uint8Array): Uint8Array[] {
    const data: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.trailers) throw new RangeError("bytes after the trailers");
      if (this.#headerBytes < bodyFrameHeaderBytes) {
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes === bodyFrameHeaderBytes) this.#begin();
        continue;
      }
      const part = chunk.subarray(at, at + this.#restBytes);
      at += part.length;
      if (this.#table) this.#table.set(part, this.#table.length - this.#restBytes);
      else data.push(part);
      this.#restBytes -= part.length;
      if (this.#restBytes === 0) this.#finish();
    }
    return data;
  }

  #begin(): void {
    const kind = this.#header[0];
    this.#restBytes = new DataView(this.#header.buffer).getUint32(1);
    if (kind === trailersKind) {
      if (this.#restBytes > limits.headBytes) throw new RangeError(`trailers of ${this.#restBytes} bytes`);
      this.#table = new Uint8Array(this.#restBytes);
    } else if (kind !== dataKind) throw new RangeError(`frame kind ${kind}`);
    if (this.#restBytes === 0) this.#finish();
  }

  #finish(): void {
    this.#headerBytes = 0;
    if (this.#table) this.trailers = decodeFields(this.#table, 0);
  }
}
