// The frame codec written plainly from docs/protocol.md, as the reference that the fast one is held against.
// Arrays of numbers and one rule after the other; shares nothing with the fast codec but numbers and types.
import { TunnelProtocolError } from "../code.ts";
import { frameType } from "../frame.ts";
import type { Frame } from "../frame.ts";
import type { Fields, OpenHead } from "../head.ts";

const kinds = ["http", "websocket", "tcp"] as const;
const latin1 = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const u16 = (value: number): number[] => [Math.floor(value / 256), value % 256];
const u32 = (value: number): number[] => [...u16(Math.floor(value / 65_536)), ...u16(value % 65_536)];

function fieldsTable(fields: Fields): { table: number[]; text: number[] } {
  const table = u16(fields.length);
  const text: number[] = [];
  for (const [name, value] of fields) {
    table.push(name.length, ...u16(value.length));
    text.push(...latin1(name), ...latin1(value));
  }
  return { table, text };
}

function payloadOf(frame: Frame): { flags: number; payload: number[] } {
  switch (frame.type) {
    case "ping":
      return { flags: frame.ack ? 1 : 0, payload: u32(frame.token) };
    case "goAway": {
      const { ack, lastStream, code, reason } = frame;
      return { flags: ack ? 1 : 0, payload: [...u32(lastStream), ...u16(code), ...utf8(reason)] };
    }
    case "control":
      return { flags: frame.last ? 1 : 0, payload: [...frame.bytes] };
    case "credit":
      return { flags: 0, payload: u32(frame.bytes) };
    case "open": {
      const { head } = frame;
      const parts = [head.method, head.scheme, head.authority, head.target, head.endpoint];
      const lengths = [
        parts[0]!.length,
        parts[1]!.length,
        ...parts.slice(2).flatMap((part) => u16(part.length)),
      ];
      const { table, text } = fieldsTable(head.fields);
      const payload = [kinds.indexOf(head.kind), ...lengths, ...table, ...parts.flatMap(latin1), ...text];
      return { flags: frame.end ? 1 : 0, payload };
    }
    case "head": {
      const { table, text } = fieldsTable(frame.fields);
      return { flags: frame.end ? 1 : 0, payload: [...u16(frame.status), ...table, ...text] };
    }
    case "data":
      return { flags: frame.end ? 1 : 0, payload: [...frame.bytes] };
    case "trailers": {
      const { table, text } = fieldsTable(frame.fields);
      return { flags: 0, payload: [...table, ...text] };
    }
    case "reset":
      return { flags: 0, payload: [...u16(frame.code), ...utf8(frame.detail)] };
    case "message":
      return { flags: (frame.last ? 1 : 0) + (frame.text ? 2 : 0), payload: [...frame.bytes] };
    case "signal":
      return { flags: 0, payload: [frame.kind === "ping" ? 1 : 2, ...frame.bytes] };
    case "close":
      return { flags: 0, payload: [...u16(frame.code), ...utf8(frame.reason)] };
    case "ignored":
      return { flags: 0, payload: [] };
    default:
      return { flags: 0, payload: utf8(frame.json) };
  }
}

export function naiveEncode(frame: Frame): Uint8Array {
  const { flags, payload } = payloadOf(frame);
  const type = frame.type === "ignored" ? frame.number : frameType[frame.type];
  const stream = "stream" in frame ? frame.stream : 0;
  const length = u32(payload.length).slice(1);
  return Uint8Array.from([type, flags, ...u32(stream), ...length, ...payload]);
}

/** Reads from the front; fails when there is less than asked for. */
class Reader {
  readonly bytes: readonly number[];
  at = 0;

  constructor(bytes: Iterable<number>) {
    this.bytes = [...bytes];
  }

  number(bytes: number): number {
    return this.take(bytes).reduce((value, byte) => value * 256 + byte, 0);
  }

  take(count: number): number[] {
    if (this.at + count > this.bytes.length) throw violation();
    this.at += count;
    return this.bytes.slice(this.at - count, this.at);
  }

  rest(): number[] {
    return this.take(this.bytes.length - this.at);
  }

  latin1(count: number): string {
    const bytes = this.take(count);
    require(bytes.every((byte) => byte === 9 || (byte >= 32 && byte !== 127)));
    return bytes.map((byte) => String.fromCharCode(byte)).join("");
  }

  utf8(maxBytes = Infinity): string {
    const bytes = this.rest();
    require(bytes.length <= maxBytes);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
    } catch {
      throw violation();
    }
  }
}

function readFields(reader: Reader, lengths: [number, number][]): [string, string][] {
  return lengths.map(([nameChars, valueChars]) => {
    const name = reader.latin1(nameChars);
    require(/^[a-z0-9!#$%&'*+\-.^_`|~]+$/.test(name));
    return [name, reader.latin1(valueChars)];
  });
}

function readLengths(reader: Reader): [number, number][] {
  const count = reader.number(2);
  require(count <= 1_024);
  return Array.from({ length: count }, () => [reader.number(1), reader.number(2)]);
}

function readOpenHead(reader: Reader): OpenHead {
  const kind = kinds[reader.number(1)];
  if (kind === undefined) throw violation();
  const chars = [1, 1, 2, 2, 2].map((bytes) => reader.number(bytes));
  const lengths = readLengths(reader);
  const [method, scheme, authority, target, endpoint] = chars.map((count) => reader.latin1(count));
  const fields = readFields(reader, lengths);
  return {
    kind,
    method: method!,
    scheme: scheme!,
    authority: authority!,
    target: target!,
    endpoint: endpoint!,
    fields,
  };
}

/** Frames of a message. Throws `TunnelProtocolError` for anything that the protocol does not allow. */
export function naiveDecode(message: Uint8Array): Frame[] {
  require(message.length <= 512 * 1024);
  const reader = new Reader(message);
  const frames: Frame[] = [];
  while (reader.at < reader.bytes.length) {
    const [type, flags, stream, length] = [1, 1, 4, 3].map((bytes) => reader.number(bytes));
    require(length! <= 64 * 1024);
    const payload = new Reader(reader.take(length!));
    frames.push(readFrame(type!, flags! % 2 === 1, Math.floor(flags! / 2) % 2 === 1, stream!, payload));
    require(type! >= 0x80 || payload.at === payload.bytes.length);
  }
  return frames;
}

function readFrame(type: number, flag: boolean, text: boolean, stream: number, payload: Reader): Frame {
  if (type >= 0x80) return { type: "ignored", number: type };
  require(stream < 2 ** 31);
  const size = payload.bytes.length;
  require(type < 0x10 || type === frameType.credit || stream > 0 === type >= 0x20);
  require(type >= 0x10 || stream === 0);
  switch (type) {
    case 0x01:
      return { type: "challenge", json: payload.utf8() };
    case 0x02:
      return { type: "proof", json: payload.utf8() };
    case 0x03:
      return { type: "ready", json: payload.utf8() };
    case 0x04:
      return { type: "refused", json: payload.utf8() };
    case 0x10:
      return { type: "ping", ack: flag, token: payload.number(4) };
    case 0x11: {
      const lastStream = payload.number(4);
      require(lastStream < 2 ** 31);
      return { type: "goAway", ack: flag, lastStream, code: payload.number(2), reason: payload.utf8(256) };
    }
    case 0x12:
      require(size > 0 || flag);
      return { type: "control", last: flag, bytes: Uint8Array.from(payload.rest()) };
    case 0x13: {
      const bytes = payload.number(4);
      require(bytes > 0 && bytes < 2 ** 31);
      return { type: "credit", stream, bytes };
    }
    default:
      return readStreamFrame(type, flag, text, stream, payload);
  }
}

function readStreamFrame(type: number, flag: boolean, text: boolean, stream: number, payload: Reader): Frame {
  const size = payload.bytes.length;
  switch (type) {
    case 0x20:
      require(size <= 60 * 1024);
      return { type: "open", stream, end: flag, head: readOpenHead(payload) };
    case 0x21: {
      require(size <= 60 * 1024);
      const status = payload.number(2);
      require(status >= 100 && status <= 599);
      return { type: "head", stream, end: flag, status, fields: readFields(payload, readLengths(payload)) };
    }
    case 0x22:
      require(size > 0 || flag);
      return { type: "data", stream, end: flag, bytes: Uint8Array.from(payload.rest()) };
    case 0x23:
      require(size <= 60 * 1024);
      return { type: "trailers", stream, fields: readFields(payload, readLengths(payload)) };
    case 0x24:
      return { type: "reset", stream, code: payload.number(2), detail: payload.utf8(256) };
    case 0x25:
      require(size > 0 || flag);
      return { type: "message", stream, last: flag, text, bytes: Uint8Array.from(payload.rest()) };
    case 0x26: {
      const kind = payload.number(1);
      require((kind === 1 || kind === 2) && size <= 126);
      return {
        type: "signal",
        stream,
        kind: kind === 1 ? "ping" : "pong",
        bytes: Uint8Array.from(payload.rest()),
      };
    }
    case 0x27: {
      const code = payload.number(2);
      require(code >= 1000 && code <= 4999);
      return { type: "close", stream, code, reason: payload.utf8(123) };
    }
    default:
      throw violation();
  }
}

function require(holds: boolean): void {
  if (!holds) throw violation();
}

function violation(): TunnelProtocolError {
  return new TunnelProtocolError("protocol_error", "naive codec: not allowed");
}
