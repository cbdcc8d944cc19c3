// Control messages of an authenticated connection: JSON in CONTROL frames, apart from the streams.
import { z } from "zod";
import {
  apiErrorSchema,
  endpointVerdictFields,
  issuedCertificateSchema,
  tunnelConfigSchema,
} from "../sync.ts";

/** Hub -> agent. */
export const hubMessageSchema = z.discriminatedUnion("type", [
  /** What the agent serves from now on; it ignores any version at or below its own. */
  z.object({ type: z.literal("config"), config: tunnelConfigSchema }),
  /** Roots to verify the edge with, while they rotate; versions as in `Trust`. */
  z.object({
    type: z.literal("trust"),
    version: z.int().positive(),
    trustDomain: z.string().max(255),
    rootsPem: z.array(z.string()).min(1).max(8),
    /** As in `Trust`: an agent whose certificate is of another authority renews then. */
    signer: z.object({ keyIdentifier: z.string().max(128), fromMs: z.number() }).optional(),
  }),
  /** Answers to `renew`, by its id. */
  z.object({ type: z.literal("renewed"), id: z.int(), certificate: issuedCertificateSchema }),
  z.object({ type: z.literal("renew-refused"), id: z.int(), error: apiErrorSchema }),
]);
export type HubMessage = z.infer<typeof hubMessageSchema>;

/** Agent -> hub. */
export const agentMessageSchema = z.discriminatedUnion("type", [
  /** Which configuration the agent serves, and what it found about endpoints. */
  z.object({
    type: z.literal("report"),
    configVersion: z.int().min(0),
    /** True: `endpoints` is everything the agent checks. False: what changed since the last report. */
    full: z.boolean(),
    /** By endpoint key; long reports are split into several. */
    endpoints: z.record(z.string().max(600), z.object(endpointVerdictFields)),
  }),
  /** Asks for a new certificate for the identity of this connection. One at a time. */
  z.object({ type: z.literal("renew"), id: z.int().min(0), csrPem: z.string().max(8_192) }),
]);
export type AgentMessage = z.infer<typeof agentMessageSchema>;
