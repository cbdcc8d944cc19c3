// A slice of the bytes that a connection begins with (HAProxy `req.payload`, `req.payload_lv`).
import type { PayloadSlice } from "#contract/connection-inspection.ts";
import { limits } from "#contract/limits.ts";
import { known, latin1, nothing, unfinished, type Reading } from "./start-reading.ts";

const everything: PayloadSlice = { encoding: "Text" };

export function readPayload(
  bytes: Uint8Array,
  { offset, length = 0, lengthOffset, lengthBytes = 0, encoding }: PayloadSlice = everything,
): Reading {
  let start = offset ?? 0;
  let wanted = length;
  if (lengthOffset !== undefined) {
    const behind = lengthOffset + lengthBytes;
    if (behind > bytes.length) return unfinished;
    wanted = bytes.subarray(lengthOffset, behind).reduce((sum, byte) => sum * 256 + byte, 0);
    start = offset ?? behind;
    if (wanted === 0) return nothing;
  }
  if (start + wanted > limits.inspectedBytes) return nothing;
  if (start + wanted > bytes.length) return unfinished;
  if (wanted > 0) return known(encode(bytes.subarray(start, start + wanted), encoding));
  return { values: [encode(bytes.subarray(start), encoding)], isOpen: true };
}

function encode(bytes: Uint8Array, encoding: PayloadSlice["encoding"]): string {
  if (encoding === "Hex") {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
      .join("")
      .toUpperCase();
  }
  const zero = bytes.indexOf(0);
  return latin1(zero < 0 ? bytes : bytes.subarray(0, zero));
}
