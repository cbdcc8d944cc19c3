// Active health checks of a backend's endpoints as the snapshot carries them.
import { z } from "zod";
import { headerNameSchema, headerValueSchema, hostnameSchema } from "./http-route.ts";
import { patternSchema } from "./pattern/pattern-schema.ts";
import { proxyProtocolVersionSchema } from "./proxy-protocol-version.ts";
import { tcpExchangesSchema } from "./tcp-exchange.ts";

/** RFC 9110 §9.3 and RFC 5789; CONNECT and TRACE say nothing of a resource. */
export const checkMethodSchema = z.enum(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]);

/** What must be in an answer besides its status (HAProxy `http-check expect`); all of it. */
export const answerExpectationSchema = z
  .strictObject({
    header: z
      .strictObject({
        namePattern: patternSchema.describe(
          "Expression for the whole name, which is compared in lower case.",
        ),
        valuePattern: patternSchema
          .optional()
          .describe("Expression for the whole value. Default: any value."),
        elements: z
          .literal(true)
          .optional()
          .describe("True: of a list with commas one element must match. Default: the value as it is."),
      })
      .optional()
      .describe("A header of the answer."),
    body: z
      .strictObject({
        text: z.string().min(1).max(1024).optional().describe("Text that the body must contain."),
        pattern: patternSchema.optional().describe("Expression that a part of the body must match."),
      })
      .optional()
      .describe("The first 16 KiB of the body."),
    invert: z.literal(true).optional().describe("True: there must be no such thing. Default: false."),
  })
  .refine(({ header, body }) => (header === undefined) !== (body === undefined), {
    message: "expected either header or body",
  });
export type AnswerExpectation = z.infer<typeof answerExpectationSchema>;

/** Where a check differs from what requests meet. */
const overridesSchema = z.strictObject({
  /** In place of the endpoint's own, as `address`. */
  port: z.int().min(1).max(65_535).optional(),
  address: z.string().optional(),
  /** Whether it speaks TLS, with the settings of the backend. Absent: as requests do. */
  tls: z.boolean().optional(),
  /** Server name that is asked for, and that the certificate must be for. */
  hostname: hostnameSchema.optional(),
  /** What the check begins with; it names no client. */
  proxyProtocol: z.union([proxyProtocolVersionSchema, z.literal("None")]).optional(),
});
export type CheckOverrides = z.infer<typeof overridesSchema>;

/** What is asked on one connection. */
const stepFields = {
  type: z.enum(["HTTP", "TCP", "GRPC"]),
  overrides: overridesSchema.optional(),
  http: z
    .strictObject({
      /** `*`: of the whole server. */
      path: z.string().regex(/^(?:\/|\*$)/),
      method: checkMethodSchema,
      /** Host header of the check; absent: the endpoint's address. */
      hostname: z.string().optional(),
      expectedStatuses: z.array(z.int().min(100).max(599)).min(1),
      /** An endpoint that is healthy gets no new clients while it answers so. Absent: none. */
      drainStatuses: z.array(z.int().min(100).max(599)).min(1).optional(),
      headers: z
        .array(z.strictObject({ name: headerNameSchema, value: headerValueSchema }))
        .max(16)
        .optional(),
      body: z.string().min(1).max(4096).optional(),
      /** Text that the first 16 KiB of the body must contain. */
      expectedBody: z.string().min(1).max(1024).optional(),
      /** Regular expression that a part of it must match. */
      expectedBodyPattern: patternSchema.optional(),
      expectations: z.array(answerExpectationSchema).min(1).max(32).optional(),
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
};

export const checkStepSchema = z.strictObject(stepFields);

const paceFields = {
  intervalMs: z.int().positive(),
  /** While the verdict is about to change, or not known yet (HAProxy `fastinter`). Absent: `intervalMs`. */
  fastIntervalMs: z.int().positive().optional(),
  /** While the endpoint is down (HAProxy `downinter`). Absent: `intervalMs`. */
  downIntervalMs: z.int().positive().optional(),
  timeoutMs: z.int().positive(),
  unhealthyThreshold: z.int().positive(),
  healthyThreshold: z.int().positive(),
};

export const activeHealthCheckSchema = z.strictObject({
  ...paceFields,
  ...stepFields,
  /** Connections that follow, one after the other; each must pass. Absent: none. */
  next: z.array(checkStepSchema).min(1).max(7).optional(),
});

/** How one endpoint's check differs from that of its backend (Envoy `Endpoint.HealthCheckConfig`). */
export const endpointHealthCheckSchema = z.strictObject({
  /** Envoy `disable_active_health_check`. */
  disabled: z.literal(true).optional(),
  ...z.strictObject(paceFields).partial().shape,
  overrides: overridesSchema.optional(),
});
