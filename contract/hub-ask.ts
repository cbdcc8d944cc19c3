// How a gateway asks a hub for a connection to an endpoint, on a raw connection between our own processes: one message
// each way (its length in 16 bits, then JSON), then the bytes of the connection.
import { z } from "zod";
import type { ErrorCode } from "./error.ts";

export const hubAskSchema = z.strictObject({
  /** Name of the hub, `<tunnel>:<shard>`. */
  hub: z.string(),
  /** `endpointKey` of whom to reach. */
  endpoint: z.string(),
});
export type HubAsk = z.infer<typeof hubAskSchema>;

export const hubAskAnswerSchema = z.strictObject({
  /** Absent: connected. */
  error: z.string().optional(),
});
export interface HubAskAnswer {
  readonly error?: ErrorCode;
}

/** Of the message's length. */
export const askLengthBytes = 2;

/** Names have 253 characters at most, so that this is plenty. */
export const maxAskBytes = 4 * 1024;

export function encodeAsk(message: HubAsk | HubAskAnswer): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  return Uint8Array.of(text.length >> 8, text.length & 0xff, ...text);
}
