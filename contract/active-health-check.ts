// Active health checks of a backend's endpoints as the snapshot carries them.
import { z } from "zod";
import { headerNameSchema, headerValueSchema } from "./http-route.ts";
import { patternSchema } from "./pattern/pattern-schema.ts";
import { tcpExchangesSchema } from "./tcp-exchange.ts";

export const activeHealthCheckSchema = z.strictObject({
  type: z.enum(["HTTP", "TCP", "GRPC"]),
  intervalMs: z.int().positive(),
  /** While the verdict is about to change, or not known yet (HAProxy `fastinter`). Absent: `intervalMs`. */
  fastIntervalMs: z.int().positive().optional(),
  /** While the endpoint is down (HAProxy `downinter`). Absent: `intervalMs`. */
  downIntervalMs: z.int().positive().optional(),
  timeoutMs: z.int().positive(),
  unhealthyThreshold: z.int().positive(),
  healthyThreshold: z.int().positive(),
  /** Where the check differs from what requests meet. Port: in place of the endpoint's own. */
  overrides: z.strictObject({ port: z.int().min(1).max(65_535) }).optional(),
  http: z
    .strictObject({
      /** `*`: of the whole server. */
      path: z.string().regex(/^(?:\/|\*$)/),
      method: z.enum(["GET", "HEAD", "OPTIONS"]),
      /** Host header of the check; absent: the endpoint's address. */
      hostname: z.string().optional(),
      expectedStatuses: z.array(z.int().min(100).max(599)).min(1),
      headers: z
        .array(z.strictObject({ name: headerNameSchema, value: headerValueSchema }))
        .max(16)
        .optional(),
      /** Text that the first 16 KiB of the body must contain. */
      expectedBody: z.string().min(1).max(1024).optional(),
      /** Regular expression that a part of it must match. */
      expectedBodyPattern: patternSchema.optional(),
    })
    .optional(),
  tcp: z
    .strictObject({
      /** Text to send once connected. */
      send: z.string().max(1024).optional(),
      /** Text that the answer must contain. */
      receive: z.string().min(1).max(1024).optional(),
      /** What is said after that, in turns. */
      exchanges: tcpExchangesSchema.optional(),
    })
    .optional(),
  /** `service` of the request to grpc.health.v1.Health/Check. Absent: the server as a whole. */
  grpc: z.strictObject({ service: z.string().max(253).optional() }).optional(),
});
