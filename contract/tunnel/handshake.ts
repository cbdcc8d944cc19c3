// The handshake's frames: JSON, because they are few and must stay readable to every later version.
// Members that a side does not know are ignored.
import { z } from "zod";
import { nameSchema } from "../snapshot.ts";
import { tunnelSettingsSchema } from "./settings.ts";

/** Versions of the protocol that this code speaks. The frame header and the handshake are the same in all. */
export const protocolVersions = { min: 1, max: 1 } as const;

/** Largest difference between the `createdS` of a proof and the hub's clock. The nonce is what prevents replay. */
export const proofSkewS = 120;

const base64Schema = z.base64().max(16_384);

/** Hub -> agent, first frame of a connection. */
export const challengeSchema = z.object({
  minVersion: z.int().min(1).max(255),
  maxVersion: z.int().min(1).max(255),
  /** 32 random bytes, good for this connection and one proof. */
  nonce: base64Schema,
  /** Random id of the connection, for the logs of both ends. */
  connection: z.string().max(64),
  tunnel: nameSchema,
  shard: z.int().min(0),
});
export type Challenge = z.infer<typeof challengeSchema>;

/** Agent -> hub, the one answer. */
export const proofSchema = z.object({
  version: z.int().min(1).max(255),
  /** The nonce that it answers. */
  nonce: base64Schema,
  /** Leaf first; DER. The leaf is the certificate of the TLS connection. */
  certificateChain: z.array(base64Schema).min(1).max(4),
  createdS: z.int().min(0),
  /** Over `proofSignatureBase` with the authority and path that the agent dialled. */
  signature: base64Schema,
  /** Name the agent gives itself; for people. */
  instance: z.string().max(253),
  /** Where it runs, in the words that endpoints and gateways name zones in. */
  zone: z.string().max(253).optional(),
  /** Of its program, for people. */
  agentVersion: z.string().max(64).optional(),
  settings: tunnelSettingsSchema,
});
export type Proof = z.infer<typeof proofSchema>;

/** Hub -> agent: streams may follow. */
export const readySchema = z.object({ version: z.int(), settings: tunnelSettingsSchema });
export type Ready = z.infer<typeof readySchema>;

/** Either side: no; the connection closes. */
export const refusedSchema = z.object({
  /** An identity error code (`contract/identity`), or a close code. */
  code: z.string().max(64),
  /** One sentence for a person. */
  message: z.string().max(1024),
});
export type Refused = z.infer<typeof refusedSchema>;
