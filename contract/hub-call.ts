// What the supervisor of `isthmus serve` says to the hubs of one process, all at once: POST with JSON, answered with what
// they carry together.
import { z } from "zod";

export const hubCalls = {
  /** Nothing changes; only the answer counts. */
  load: "/load",
  /** The hubs ask agents to connect to their successors, and serve on. */
  leave: "/leave",
  /** Gateways reach the successors from now on. What is open after `timeoutMs` is closed. */
  end: "/end",
  /** WebSockets of clients of one gateway process are closed. */
  goodbye: "/goodbye",
} as const;

export const hubEndSchema = z.strictObject({ timeoutMs: z.number().min(0) });
export type HubEnd = z.infer<typeof hubEndSchema>;

export const hubGoodbyeSchema = z.strictObject({
  /** As the gateway process was named at its start; absent: of all. */
  gatewayProcess: z.string().max(128).optional(),
  /** 1001 or 1012 (RFC 6455 §7.4.1 and its registry). */
  code: z.int().min(1000).max(4999),
  reason: z.string().max(123),
});
export type HubGoodbye = z.infer<typeof hubGoodbyeSchema>;

export const hubLoadSchema = z.strictObject({
  /** Connections of agents that take new streams. */
  serving: z.int().min(0),
  streams: z.int().min(0),
});
export type HubLoad = z.infer<typeof hubLoadSchema>;
