// A small view must not keep a large message alive while a reader is slow: windows count bytes, not messages.
import type { StreamFrame } from "./stream-machine.ts";

/** The frame with bytes of its own where they are less than half of the message that they came in. */
export function compactFrame(frame: StreamFrame, message: Uint8Array): StreamFrame {
  if (frame.type !== "data" && frame.type !== "message") return frame;
  if (frame.bytes.length === 0 || 2 * frame.bytes.length >= message.length) return frame;
  return { ...frame, bytes: frame.bytes.slice() };
}
