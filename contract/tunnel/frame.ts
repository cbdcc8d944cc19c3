// Frames of the tunnel protocol (docs/protocol.md): a WebSocket message is one or more of them, whole.
// This is the fast codec; testing/naive-codec.ts is the same written plainly, and the tests hold them together.
import { limits } from "../limits.ts";
import { TunnelProtocolError } from "./code.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { decodeFields, decodeOpenHead, encodeFields, encodeOpenHead } from "./head.ts";
import type { Fields, OpenHead } from "./head.ts";

/** Type numbers. Those from 0x80 up may be skipped by who does not know them; all others may not. */
export const frameType = {
  challenge: 0x01,
  proof: 0x02,
  ready: 0x03,
  refused: 0x04,
  ping: 0x10,
  goAway: 0x11,
  control: 0x12,
  credit: 0x13,
  open: 0x20,
  head: 0x21,
  data: 0x22,
  trailers: 0x23,
  reset: 0x24,
  message: 0x25,
  signal: 0x26,
  close: 0x27,
} as const;

/** First type number that a receiver skips when it does not know it. */
export const firstIgnorableType = 0x80;

/** type u8, flags u8, stream u32, length u24; big endian. */
export const frameHeaderBytes = 9;

export const maxStreamId = 0x7fff_ffff;

/** Longest reason or detail text, in bytes of UTF-8. */
export const reasonBytes = 256;

/** Longest reason of a WebSocket close, in bytes of UTF-8 (RFC 6455 §5.5). */
const closeReasonBytes = 123;

const empty = new Uint8Array(0);

export type HandshakeFrameType = "challenge" | "proof" | "ready" | "refused";

export type Frame =
  | { readonly type: HandshakeFrameType; readonly json: string }
  | { readonly type: "ping"; readonly ack: boolean; readonly token: number }
  | {
      readonly type: "goAway";
      readonly ack: boolean;
      readonly lastStream: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly type: "control"; readonly last: boolean; readonly bytes: Uint8Array }
  | { readonly type: "credit"; readonly stream: number; readonly bytes: number }
  | { readonly type: "open"; readonly stream: number; readonly end: boolean; readonly head: OpenHead }
  | {
      readonly type: "head";
      readonly stream: number;
      readonly end: boolean;
      readonly status: number;
      readonly fields: Fields;
    }
  | { readonly type: "data"; readonly stream: number; readonly end: boolean; readonly bytes: Uint8Array }
  | { readonly type: "trailers"; readonly stream: number; readonly fields: Fields }
  | { readonly type: "reset"; readonly stream: number; readonly code: number; readonly detail: string }
  | {
      readonly type: "message";
      readonly stream: number;
      readonly text: boolean;
      readonly last: boolean;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: "signal";
      readonly stream: number;
      readonly kind: "ping" | "pong";
      readonly bytes: Uint8Array;
    }
  | { readonly type: "close"; readonly stream: number; readonly code: number; readonly reason: string }
  /** Of a type this version does not know and may skip. */
  | { readonly type: "ignored"; readonly number: number };

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const flagA = 0x01; // end (OPEN, HEAD, DATA), last (CONTROL, MESSAGE), ack (PING, GO_AWAY)
const flagText = 0x02;

/** Payload bytes that a frame costs of the connection's window; 0 for frames outside flow control. */
export function chargedBytes(type: Frame["type"], payloadBytes: number): number {
  switch (type) {
    case "open":
    case "head":
    case "data":
    case "trailers":
    case "message":
      return payloadBytes;
    default:
      return 0;
  }
}

/** Appends a frame. Throws `RangeError` for one that the protocol does not allow. Returns its payload's length. */
export function encodeFrame(writer: FrameWriter, frame: Frame): number {
  const start = writer.begin();
  const payloadStart = writer.length;
  let flags: number;
  try {
    flags = encodePayload(writer, frame);
  } catch (error) {
    writer.abandon(start);
    throw error;
  }
  const payloadBytes = writer.length - payloadStart;
  if (payloadBytes > limits.framePayloadBytes) {
    writer.abandon(start);
    throw new RangeError(`a ${frame.type} frame of ${payloadBytes} bytes is longer than the protocol allows`);
  }
  const stream = "stream" in frame ? frame.stream : 0;
  writer.finish(start, frame.type === "ignored" ? frame.number : frameType[frame.type], flags, stream);
  return payloadBytes;
}

function encodePayload(writer: FrameWriter, frame: Frame): number {
  switch (frame.type) {
    case "challenge":
    case "proof":
    case "ready":
    case "refused":
      writer.bytes(textEncoder.encode(frame.json));
      return 0;
    case "ping":
      writer.u32(frame.token);
      return frame.ack ? flagA : 0;
    case "goAway":
      writer.u32(frame.lastStream);
      writer.u16(frame.code);
      writer.bytes(reason(frame.reason));
      return frame.ack ? flagA : 0;
    case "control":
      writer.bytes(frame.bytes);
      return frame.last ? flagA : 0;
    case "credit":
      writer.u32(frame.bytes);
      return 0;
    case "open":
      encodeOpenHead(writer, frame.head);
      return frame.end ? flagA : 0;
    case "head":
      writer.u16(frame.status);
      encodeFields(writer, frame.fields);
      return frame.end ? flagA : 0;
    case "data":
      writer.bytes(frame.bytes);
      return frame.end ? flagA : 0;
    case "trailers":
      encodeFields(writer, frame.fields);
      return 0;
    case "reset":
      writer.u16(frame.code);
      writer.bytes(reason(frame.detail));
      return 0;
    case "message":
      writer.bytes(frame.bytes);
      return (frame.last ? flagA : 0) | (frame.text ? flagText : 0);
    case "signal":
      writer.u8(frame.kind === "ping" ? 1 : 2);
      writer.bytes(frame.bytes);
      return 0;
    case "close":
      writer.u16(frame.code);
      writer.bytes(reason(frame.reason, closeReasonBytes));
      return 0;
    case "ignored":
      return 0;
  }
}

/** UTF-8 of a reason, cut at a character so that it fits. */
function reason(text: string, maxBytes: number = reasonBytes): Uint8Array {
  if (text === "") return empty;
  const bytes = new Uint8Array(maxBytes);
  return bytes.subarray(0, textEncoder.encodeInto(text, bytes).written);
}

/**
 * Hands each frame of a message to `onFrame`, in order; byte arrays in frames are views of `message`.
 * Throws {@link TunnelProtocolError} at the first violation; frames before it have been handed over.
 */
export function decodeMessage(
  message: Uint8Array,
  onFrame: (frame: Frame, payloadBytes: number) => void,
): void {
  if (message.length > limits.tunnelMessageBytes) {
    throw new TunnelProtocolError("too_large", `a message of ${message.length} bytes`);
  }
  let at = 0;
  while (at < message.length) {
    if (message.length - at < frameHeaderBytes) throw malformed("the message ends within a frame header");
    const payloadBytes = (message[at + 6]! << 16) | (message[at + 7]! << 8) | message[at + 8]!;
    if (payloadBytes > limits.framePayloadBytes) {
      throw new TunnelProtocolError("too_large", `a frame declares ${payloadBytes} bytes`);
    }
    const payloadStart = at + frameHeaderBytes;
    const payloadEnd = payloadStart + payloadBytes;
    if (payloadEnd > message.length) throw malformed("the message ends within a frame");
    const stream = readU32(message, at + 2);
    const payload = message.subarray(payloadStart, payloadEnd);
    onFrame(decodeFrame(message[at]!, message[at + 1]!, stream, payload), payloadBytes);
    at = payloadEnd;
  }
}

function decodeFrame(type: number, flags: number, stream: number, payload: Uint8Array): Frame {
  if (type >= firstIgnorableType) return { type: "ignored", number: type };
  if (stream > maxStreamId) throw malformed(`stream id ${stream} is out of range`);
  if (type >= frameType.open) {
    if (stream === 0) throw malformed(`a stream frame (type ${type}) names no stream`);
    return decodeStreamFrame(type, flags, stream, payload);
  }
  if (type === frameType.credit) {
    if (payload.length !== 4) throw malformed("a CREDIT frame is not 4 bytes long");
    const bytes = readU32(payload, 0);
    if (bytes === 0 || bytes > 0x7fff_ffff) throw malformed(`a CREDIT frame of ${bytes} bytes`);
    return { type: "credit", stream, bytes };
  }
  if (stream !== 0) throw malformed(`a connection frame (type ${type}) names stream ${stream}`);
  return decodeConnectionFrame(type, flags, payload);
}

function decodeConnectionFrame(type: number, flags: number, payload: Uint8Array): Frame {
  switch (type) {
    case frameType.challenge:
      return { type: "challenge", json: utf8(payload) };
    case frameType.proof:
      return { type: "proof", json: utf8(payload) };
    case frameType.ready:
      return { type: "ready", json: utf8(payload) };
    case frameType.refused:
      return { type: "refused", json: utf8(payload) };
    case frameType.ping:
      if (payload.length !== 4) throw malformed("a PING frame is not 4 bytes long");
      return { type: "ping", ack: (flags & flagA) !== 0, token: readU32(payload, 0) };
    case frameType.goAway: {
      if (payload.length < 6 || payload.length > 6 + reasonBytes) {
        throw malformed("a GO_AWAY frame has the wrong length");
      }
      const lastStream = readU32(payload, 0);
      if (lastStream > maxStreamId) throw malformed(`stream id ${lastStream} is out of range`);
      const code = readU16(payload, 4);
      return {
        type: "goAway",
        ack: (flags & flagA) !== 0,
        lastStream,
        code,
        reason: utf8(payload.subarray(6)),
      };
    }
    case frameType.control:
      if (payload.length === 0 && (flags & flagA) === 0) {
        throw malformed("an empty CONTROL frame that ends nothing");
      }
      return { type: "control", last: (flags & flagA) !== 0, bytes: payload };
    default:
      throw malformed(`frame type ${type} is unknown and may not be skipped`);
  }
}

function decodeStreamFrame(type: number, flags: number, stream: number, payload: Uint8Array): Frame {
  const end = (flags & flagA) !== 0;
  switch (type) {
    case frameType.open:
      return { type: "open", stream, end, head: decodeOpenHead(payload) };
    case frameType.head: {
      if (payload.length < 2) throw malformed("a HEAD frame has no status");
      const status = readU16(payload, 0);
      if (status < 100 || status > 599) throw malformed(`status ${status} is not an HTTP status`);
      return { type: "head", stream, end, status, fields: decodeFields(payload, 2) };
    }
    case frameType.data:
      if (payload.length === 0 && !end) throw malformed("an empty DATA frame that ends nothing");
      return { type: "data", stream, end, bytes: payload };
    case frameType.trailers:
      return { type: "trailers", stream, fields: decodeFields(payload, 0) };
    case frameType.reset:
      if (payload.length < 2 || payload.length > 2 + reasonBytes) {
        throw malformed("a RESET frame has the wrong length");
      }
      return { type: "reset", stream, code: readU16(payload, 0), detail: utf8(payload.subarray(2)) };
    case frameType.message:
      if (payload.length === 0 && !end) throw malformed("an empty MESSAGE frame that ends nothing");
      return { type: "message", stream, last: end, text: (flags & flagText) !== 0, bytes: payload };
    case frameType.signal: {
      const kind = payload[0];
      if (payload.length > 126 || (kind !== 1 && kind !== 2)) throw malformed("a SIGNAL frame is not valid");
      return { type: "signal", stream, kind: kind === 1 ? "ping" : "pong", bytes: payload.subarray(1) };
    }
    case frameType.close: {
      if (payload.length < 2 || payload.length > 2 + closeReasonBytes)
        throw malformed("a CLOSE frame has the wrong length");
      const code = readU16(payload, 0);
      if (code < 1000 || code > 4999) throw malformed(`${code} is not a WebSocket close code`);
      return { type: "close", stream, code, reason: utf8(payload.subarray(2)) };
    }
    default:
      throw malformed(`frame type ${type} is unknown and may not be skipped`);
  }
}

function malformed(message: string): TunnelProtocolError {
  return new TunnelProtocolError("protocol_error", message);
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function readU32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x100_0000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

function utf8(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  try {
    return textDecoder.decode(bytes);
  } catch {
    throw malformed("a text is not valid UTF-8");
  }
}
