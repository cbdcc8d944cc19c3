// A message as a frame of a WebSocket (RFC 6455 §5.2) without a copy: its head is written into the room before the message, so
// TLS gets one piece, where it would put a head and a message together in a buffer of its own.

/** The longest head: two bytes, a length of eight, a mask. A `FrameWriter` leaves so much before its long messages. */
export const webSocketHeadBytes = 14;

const finalBinary = 0x82;
const maskedFlag = 0x80;

/**
 * The whole frame. Undefined where there is no such room. `message` must come from a `FrameWriter`, for what is before it in its
 * buffer is overwritten. `masked`: what a client sends has a mask; this one is of zeros, and changes nothing.
 */
export function frameInPlace(message: Uint8Array, masked: boolean): Uint8Array | undefined {
  const { buffer, byteOffset, length } = message;
  if (byteOffset !== webSocketHeadBytes) return undefined;
  const lengthBytes = length > 0xffff ? 8 : length > 125 ? 2 : 0;
  const headBytes = 2 + lengthBytes + (masked ? 4 : 0);
  const start = byteOffset - headBytes;
  const head = new DataView(buffer, start, headBytes);
  head.setUint8(0, finalBinary);
  head.setUint8(1, (masked ? maskedFlag : 0) | (lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : length));
  if (lengthBytes === 8) head.setBigUint64(2, BigInt(length));
  else if (lengthBytes === 2) head.setUint16(2, length);
  if (masked) head.setUint32(headBytes - 4, 0);
  return new Uint8Array(buffer, start, headBytes + length);
}
