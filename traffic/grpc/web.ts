// gRPC-Web for a server of gRPC (grpc/grpc-web, PROTOCOL-WEB): messages are framed alike, so bodies differ in two things
// only: trailers are a last frame of the answer's body, and "text" puts all of a body into base64.
import type { Fields } from "#contract/tunnel/head.ts";
import { type GrpcProtocol, grpcProtocolOf } from "./content-type.ts";

/** Most significant bit of a frame's flags: trailers instead of a message. */
const trailersFlag = 0x80;
const frameHeaderBytes = 5;

export class GrpcWebCodec {
  readonly #text: boolean;
  /** Fewer than four characters of base64 that wait for the rest. */
  #rest = "";

  constructor(protocol: Exclude<GrpcProtocol, "grpc">) {
    this.#text = protocol === "grpc-web-text";
  }

  /** Bytes for the server. Throws for text that is not base64. */
  decode(chunk: Uint8Array): Uint8Array {
    if (!this.#text) return chunk;
    const text = this.#rest + latin1(chunk);
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    // Each message may be padded on its own, so padding may come in the middle.
    const parts = text.slice(0, whole).match(/[^=]+=*/g) ?? [];
    return octets(parts.map((part) => atob(part)).join(""));
  }

  /** Part of an answer's body for the client. Padded, so that whatever has arrived can be read at once. */
  encode(chunk: Uint8Array): Uint8Array {
    return this.#text ? octets(btoa(latin1(chunk))) : chunk;
  }

  /** The end of an answer's body. */
  encodeTrailers(trailers: Fields): Uint8Array {
    const block = octets(trailers.map(([name, value]) => `${name}: ${value}\r\n`).join(""));
    const frame = new Uint8Array(frameHeaderBytes + block.length);
    frame[0] = trailersFlag;
    new DataView(frame.buffer).setUint32(1, block.length);
    frame.set(block, frameHeaderBytes);
    return this.encode(frame);
  }
}

/** The codec for a request with these fields; undefined where it is no gRPC-Web. */
export function grpcWebCodecOf(fields: Fields): GrpcWebCodec | undefined {
  const protocol = grpcProtocolOf(fields.find(([name]) => name === "content-type")?.[1]);
  return protocol === undefined || protocol === "grpc" ? undefined : new GrpcWebCodec(protocol);
}

/** A request's fields as a server of gRPC takes them: its body has another length. */
export function grpcRequestFields(fields: Fields): Fields {
  return renamed(fields, (type) => type.replace(/^application\/grpc-web(?:-text)?/i, "application/grpc"));
}

/** An answer's fields for a client that sent `requestFields`. */
export function grpcWebResponseFields(fields: Fields, requestFields: Fields): Fields {
  const protocol = grpcProtocolOf(requestFields.find(([name]) => name === "content-type")?.[1]);
  return renamed(fields, (type) => type.replace(/^application\/grpc(?![\w-])/i, `application/${protocol}`));
}

function renamed(fields: Fields, rename: (contentType: string) => string): Fields {
  return fields
    .filter(([name]) => name !== "content-length")
    .map(([name, value]) => (name === "content-type" ? [name, rename(value)] : [name, value]));
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4_096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
  }
  return text;
}

function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
