// Messages of the handshake: one frame each, alone in its message.
import type { z } from "zod";
import { TunnelProtocolError } from "#contract/tunnel/code.ts";
import { decodeMessage, encodeFrame } from "#contract/tunnel/frame.ts";
import type { HandshakeFrameType } from "#contract/tunnel/frame.ts";
import { FrameWriter } from "#contract/tunnel/frame-writer.ts";
import type { Challenge, Proof, Ready, Refused } from "#contract/tunnel/handshake.ts";

interface HandshakeFrame {
  readonly type: HandshakeFrameType;
  readonly json: string;
}

export function handshakeMessage(
  type: HandshakeFrameType,
  content: Challenge | Proof | Ready | Refused,
): Uint8Array {
  const writer = new FrameWriter(256);
  encodeFrame(writer, { type, json: JSON.stringify(content) });
  return writer.take();
}

/** Throws {@link TunnelProtocolError} for a message that is not one handshake frame. */
export function parseHandshakeMessage(message: Uint8Array): HandshakeFrame {
  let found: HandshakeFrame | undefined;
  decodeMessage(message, (frame) => {
    if (found) throw new TunnelProtocolError("protocol_error", "a handshake message has one frame");
    if (!("json" in frame)) {
      throw new TunnelProtocolError("protocol_error", `a ${frame.type} frame before the handshake is done`);
    }
    found = frame;
  });
  if (!found) throw new TunnelProtocolError("protocol_error", "an empty message in the handshake");
  return found;
}

/** Throws {@link TunnelProtocolError} for JSON that does not fit. */
export function parseHandshake<T>(schema: z.ZodType<T>, frame: HandshakeFrame): T {
  let content: unknown;
  try {
    content = JSON.parse(frame.json);
  } catch {
    throw new TunnelProtocolError("protocol_error", `a ${frame.type} frame is not JSON`);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new TunnelProtocolError("protocol_error", `a ${frame.type} frame: ${path.join(".")}: ${message}`);
}
