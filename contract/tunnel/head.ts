// Heads of streams: what is asked (OPEN), what is answered (HEAD) and what comes after the body (TRAILERS).
// On the wire a head is a table of lengths followed by all of its text, so both ends convert the text in one go.
import { limits } from "../limits.ts";
import { TunnelProtocolError } from "./code.ts";
import type { FrameWriter } from "./frame-writer.ts";

/** Header fields in order; names lower case; a name may occur several times (`set-cookie`). One UTF-16 unit = one octet (latin-1). */
export type Fields = readonly (readonly [name: string, value: string])[];

export type StreamKind = "http" | "websocket" | "tcp";

/** Asks the other side to reach an endpoint. */
export interface OpenHead {
  readonly kind: StreamKind;
  /** Key of the endpoint to dial (`endpointKey`: `<backend>|<endpoint id>`). */
  readonly endpoint: string;
  /** Empty for `tcp`. */
  readonly method: string;
  /** `http` or `https`: what the client used; the endpoint's own protocol is in the tunnel's configuration. */
  readonly scheme: string;
  /** The client's Host, kept as it was. */
  readonly authority: string;
  /** Origin form: path and query. */
  readonly target: string;
  readonly fields: Fields;
}

/** Answers a stream of kind `http` or `websocket`; for `tcp` status 200 and no fields says that the endpoint is connected. */
export interface ResponseHead {
  /** 100–199 (but 101): an informational head, another head follows. 101: the WebSocket is open. */
  readonly status: number;
  readonly fields: Fields;
}

const kindNumber: Record<StreamKind, number> = { http: 0, websocket: 1, tcp: 2 };
const kinds: readonly StreamKind[] = ["http", "websocket", "tcp"];

/** kind u8, lengths of method u8, scheme u8, authority u16, target u16, endpoint u16, then the fields' table. */
const openFixedBytes = 9;

/** Appends the payload of an OPEN frame. Throws `RangeError` for a head that the protocol does not allow. */
export function encodeOpenHead(writer: FrameWriter, head: OpenHead): void {
  const { method, scheme, authority, target, endpoint } = head;
  checkLength("method", method, 0xff);
  checkLength("scheme", scheme, 0xff);
  checkLength("authority", authority, 0xffff);
  checkLength("target", target, 0xffff);
  checkLength("endpoint", endpoint, 0xffff);
  writer.u8(kindNumber[head.kind]);
  writer.u8(method.length);
  writer.u8(scheme.length);
  writer.u16(authority.length);
  writer.u16(target.length);
  writer.u16(endpoint.length);
  writeFields(writer, head.fields, method + scheme + authority + target + endpoint, openFixedBytes);
}

/** Appends a table of fields. Throws `RangeError` for one that the protocol does not allow. */
export function encodeFields(writer: FrameWriter, fields: Fields): void {
  writeFields(writer, fields, "", 0);
}

/** count u16, then for each field name length u8 and value length u16, then all text in the order of the lengths. */
function writeFields(writer: FrameWriter, fields: Fields, leadingText: string, leadingBytes: number): void {
  if (fields.length > limits.fieldsPerHead) throw new RangeError(`a head of ${fields.length} fields`);
  let text = leadingText;
  writer.u16(fields.length);
  for (const [name, value] of fields) {
    checkLength("field name", name, 0xff);
    checkLength("field value", value, 0xffff);
    writer.u8(name.length);
    writer.u16(value.length);
    text += name + value;
  }
  if (leadingBytes + 2 + 3 * fields.length + text.length > limits.headBytes) {
    throw new RangeError(`a head of more than ${limits.headBytes} bytes`);
  }
  writer.latin1(text);
}

function checkLength(what: string, text: string, maxChars: number): void {
  if (text.length > maxChars) throw new RangeError(`a ${what} of ${text.length} characters`);
}

/** Reads the payload of an OPEN frame. Throws {@link TunnelProtocolError}. */
export function decodeOpenHead(payload: Uint8Array): OpenHead {
  if (payload.length < openFixedBytes) throw malformed("an OPEN frame ends within its table");
  const kind = kinds[payload[0]!];
  if (kind === undefined) throw malformed(`stream kind ${payload[0]} is unknown`);
  const methodEnd = payload[1]!;
  const schemeEnd = methodEnd + payload[2]!;
  const authorityEnd = schemeEnd + readU16(payload, 3);
  const targetEnd = authorityEnd + readU16(payload, 5);
  const endpointEnd = targetEnd + readU16(payload, 7);
  const table = readTable(payload, openFixedBytes, endpointEnd);
  return {
    kind,
    method: table.text.slice(0, methodEnd),
    scheme: table.text.slice(methodEnd, schemeEnd),
    authority: table.text.slice(schemeEnd, authorityEnd),
    target: table.text.slice(authorityEnd, targetEnd),
    endpoint: table.text.slice(targetEnd, endpointEnd),
    fields: table.fields,
  };
}

/** Reads a table of fields that starts at `at` and fills the rest of the payload. Throws {@link TunnelProtocolError}. */
export function decodeFields(payload: Uint8Array, at: number): Fields {
  return readTable(payload, at, 0).fields;
}

const namePattern = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;

function readTable(payload: Uint8Array, at: number, leadingChars: number): { text: string; fields: Fields } {
  if (payload.length > limits.headBytes)
    throw new TunnelProtocolError("too_large", `a head of ${payload.length} bytes`);
  if (payload.length < at + 2) throw malformed("a head ends within its table");
  const count = readU16(payload, at);
  if (count > limits.fieldsPerHead) throw new TunnelProtocolError("too_large", `a head of ${count} fields`);
  const table = at + 2;
  const textStart = table + 3 * count;
  if (payload.length < textStart + leadingChars) throw malformed("a head ends within its table");
  const text = latin1(payload, textStart);
  const fields: [string, string][] = [];
  let from = leadingChars;
  for (let entry = table; entry < textStart; entry += 3) {
    const nameEnd = from + payload[entry]!;
    const valueEnd = nameEnd + readU16(payload, entry + 1);
    if (valueEnd > text.length) throw malformed("a head declares more text than it has");
    const name = text.slice(from, nameEnd);
    if (!namePattern.test(name)) throw malformed("a field name is not a lower-case token");
    fields.push([name, text.slice(nameEnd, valueEnd)]);
    from = valueEnd;
  }
  if (from !== text.length) throw malformed("a head has more text than it declares");
  return { text, fields };
}

const asciiDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of a head: no control character but HTAB, so no value can end a header line (RFC 9110 §5.5). */
function latin1(payload: Uint8Array, start: number): string {
  let seen = 0;
  for (let at = start; at < payload.length; at++) {
    const byte = payload[at]!;
    if (byte < 0x20 ? byte !== 0x09 : byte === 0x7f) throw malformed("a head contains a control character");
    seen |= byte;
  }
  const bytes = payload.subarray(start);
  if (seen < 0x80) return asciiDecoder.decode(bytes);
  // TextDecoder's "latin1" is windows-1252, which maps 0x80–0x9f elsewhere.
  let text = "";
  for (let at = 0; at < bytes.length; at += 4_096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
  }
  return text;
}

function malformed(message: string): TunnelProtocolError {
  return new TunnelProtocolError("protocol_error", message);
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
