// How many connections a listener takes: at once, in a time, and from one client.
import { z } from "zod";
import { clientCidrsSchema } from "./client-cidrs.ts";

/** What becomes of a connection for which there is no room: it is closed, or waits until there is. */
export const overflowSchema = z.enum(["Close", "Queue"]);

export const connectionCountSchema = z.int().min(1).max(1_000_000);

const rateSchema = z.strictObject({
  connections: connectionCountSchema,
  /** In any span of this length, by the estimate that the one before was used evenly. */
  windowMs: z.int().positive(),
});

export const clientLimitSchema = z.strictObject({
  /** Absent: every client. */
  clientCIDRs: clientCidrsSchema.optional(),
  /** Of these, the networks that it is not for. */
  exceptCIDRs: clientCidrsSchema.optional(),
  maxConnections: connectionCountSchema.optional(),
  /** Connections that are refused count, too. */
  rateLimit: rateSchema.optional(),
});

export const connectionLimitsSchema = z.strictObject({
  connectionLimit: z.strictObject({ value: connectionCountSchema, overflow: overflowSchema }).optional(),
  rateLimit: rateSchema.extend({ overflow: overflowSchema }).optional(),
  clientLimits: z.array(clientLimitSchema).max(16).optional(),
});

export type ConnectionLimits = z.infer<typeof connectionLimitsSchema>;
export type ClientLimit = z.infer<typeof clientLimitSchema>;
