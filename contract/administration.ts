// What operators say of endpoints at run time, apart from the configuration: HAProxy's `set server … state` and
// `set server … weight`. Kept by the control, carried by the heartbeat, applied by every balancer.
import { z } from "zod";
import { limits } from "./limits.ts";

/** `drain`: no new clients, sessions go on. `maintenance`: nothing at all (HAProxy `maint`). */
export const administrativeStateSchema = z.enum(["ready", "drain", "maintenance"]);
export type AdministrativeState = z.infer<typeof administrativeStateSchema>;

/** Endpoints that operators may have something to say about at the same time. */
export const maxAdministeredEndpoints = 10_000;

const weightSchema = z.int().min(0).max(65_535);

export const administrationSchema = z.strictObject({
  /** Grows with every change; a holder ignores any version at or below its own. */
  version: z.int().positive(),
  /** By endpoint key (`endpointKey`). Endpoints not named are ready and have the configured weight. */
  endpoints: z.record(
    z.string().max(1024),
    z.strictObject({ state: administrativeStateSchema, weight: weightSchema.optional() }),
  ),
});
export type Administration = z.infer<typeof administrationSchema>;

/** `POST /v1/endpoints`. What is left out stays as it is. */
export const administerRequestSchema = z.strictObject({
  backend: z.string().min(1).max(limits.nameChars),
  /** Id of the endpoint, `<address>:<port>`. */
  endpoint: z.string().min(1).max(512),
  state: administrativeStateSchema.optional(),
  /** In place of the configured weight; `null` restores that. */
  weight: weightSchema.nullable().optional(),
  reason: z.string().max(1024).default(""),
});
export type AdministerRequest = z.input<typeof administerRequestSchema>;

/** One endpoint's administration with who asked for it and why. */
export const administeredEndpointSchema = z.strictObject({
  backend: z.string(),
  endpoint: z.string(),
  state: administrativeStateSchema,
  weight: weightSchema.optional(),
  actor: z.string(),
  reason: z.string(),
  atMs: z.number(),
});
export type AdministeredEndpoint = z.infer<typeof administeredEndpointSchema>;

/** An endpoint of the current configuration as it stands: `GET /v1/endpoints`. */
export const endpointStandingSchema = z.strictObject({
  backend: z.string(),
  endpoint: z.string(),
  tunnel: z.string().optional(),
  state: administrativeStateSchema,
  weight: weightSchema,
  configuredWeight: weightSchema,
  /** `unchecked`: no health check says anything about it, so it gets requests. */
  health: z.enum(["healthy", "unhealthy", "unchecked"]),
  /** What the check saw, and in which regions where they do not agree; empty for an unchecked one. */
  healthReason: z.string(),
  /** Since when the check says so. */
  healthSinceMs: z.number().optional(),
  /** Who said so last, and why; absent: nobody has said anything. */
  administered: administeredEndpointSchema.pick({ actor: true, reason: true, atMs: true }).optional(),
});
export type EndpointStanding = z.infer<typeof endpointStandingSchema>;
export const endpointListSchema = z.strictObject({ endpoints: z.array(endpointStandingSchema) });
