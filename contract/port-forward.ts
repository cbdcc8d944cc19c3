// Port forwarding (decision 0015): where a client opens its WebSocket, and what the door and the hub ask the control.
import { z } from "zod";
import { nameSchema } from "./snapshot.ts";

/** `GET /.well-known/isthmus/forward?version=1&name=BACKEND&shard=K`, upgraded, with a bearer token. */
export const forwardPath = "/.well-known/isthmus/forward";

/** Of frames and of the settings that both sides take for granted. */
export const forwardVersion = "1";

/** `POST /forward`: may the holder of this token reach this backend? `tokenId`: the same, of a token that was shown before. */
export const forwardRequestSchema = z.union([
  z.strictObject({ name: nameSchema, token: z.string().max(512) }),
  z.strictObject({ name: nameSchema, tokenId: z.string().max(64) }),
]);
export type ForwardRequest = z.infer<typeof forwardRequestSchema>;

export const forwardGrantSchema = z.strictObject({
  /** Name of the token, for logs. */
  principal: z.string(),
  tokenId: z.string(),
  /** Whose agents reach the backend. */
  tunnel: nameSchema,
});
export type ForwardGrant = z.infer<typeof forwardGrantSchema>;
