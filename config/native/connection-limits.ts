// Limits of a listener's connections, under the names of Envoy Gateway's ClientTrafficPolicy where it has them.
import { z } from "zod";
import { connectionCountSchema, overflowSchema } from "#contract/connection-limits.ts";
import { isCidr } from "./address.ts";
import { durationField } from "./duration-field.ts";

const overflowField = overflowSchema
  .default("Close")
  .describe(
    "What becomes of a connection for which there is no room: Close, or Queue, where it waits until there is. Default: Close.",
  );

const rateFields = {
  connections: connectionCountSchema.describe("New connections in any span of the window, by estimate."),
  window: durationField.describe("Length of the span."),
};

const networksSchema = z
  .array(z.string().max(49).refine(isCidr, "expected a network such as 10.0.0.0/8 or 2001:db8::/32"))
  .min(1)
  .max(256);

const clientLimitSchema = z
  .strictObject({
    clientCIDRs: networksSchema.optional().describe("Networks that it is for. Default: every client."),
    exceptCIDRs: networksSchema.optional().describe("Networks of these that it is not for."),
    maxConnections: connectionCountSchema.optional().describe("Connections that a client may have open."),
    rateLimit: z
      .strictObject(rateFields)
      .optional()
      .describe("Connections that a client may try to open; those that are refused count, too."),
  })
  .refine((limit) => limit.maxConnections !== undefined || limit.rateLimit !== undefined, {
    message: "expected maxConnections or rateLimit",
  })
  .describe(
    "What each client may have, by its address (of IPv6 the first 64 bits); what is beyond it is closed.",
  );

export const connectionSchema = z
  .strictObject({
    connectionLimit: z
      .strictObject({
        value: connectionCountSchema.describe("Connections that are open at once."),
        overflow: overflowField,
      })
      .optional()
      .describe("Of all clients together. Default: unlimited."),
    rateLimit: z
      .strictObject({ ...rateFields, overflow: overflowField })
      .optional()
      .describe("New connections of all clients together. Default: unlimited."),
    clientLimits: z.array(clientLimitSchema).min(1).max(16).optional().describe("All of them hold."),
  })
  .describe(
    "How many connections the listener takes, under `isthmus serve`; each of several processes keeps its share, and counts each client for itself.",
  );
