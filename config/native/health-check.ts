// Active health checks in the native configuration: names of Envoy Gateway's `healthCheck.active`.
import { z } from "zod";
import { answerExpectationSchema, checkMethodSchema } from "#contract/active-health-check.ts";
import { durationSchema } from "#contract/duration.ts";
import { headerSchema } from "#contract/http-field.ts";
import { hostnameSchema } from "#contract/http-route.ts";
import { proxyProtocolVersionSchema } from "#contract/proxy-protocol-version.ts";
import { tcpExchangesSchema } from "#contract/tcp-exchange.ts";
import { patternSchema } from "#contract/pattern/pattern-schema.ts";
import { durationField } from "./duration-field.ts";

const statusRangeSchema = z
  .string()
  .regex(/^[1-5][0-9]{2}-[1-5][0-9]{2}$/, "expected a range of statuses such as 200-399")
  .refine((range) => range.slice(0, 3) <= range.slice(4), "expected a range that ends behind its start");

const statusesSchema = z
  .array(z.union([z.int().min(100).max(599), statusRangeSchema]))
  .min(1)
  .max(64);

/** RFC 9112 §3.2.4: the asterisk-form is for OPTIONS alone. */
const checkedPathSchema = z
  .string()
  .max(1024)
  .regex(/^(?:\/|\*$)/, 'expected a path that starts with "/", or "*" with the method OPTIONS');

const probeRequestFields = {
  path: checkedPathSchema.describe("Path, with query, of the check; `*` asks OPTIONS of the whole server."),
  method: checkMethodSchema.default("GET").describe("Method of the check. Default: GET."),
  hostname: hostnameSchema.optional().describe("Host header of the check. Default: the endpoint's address."),
  expectedStatuses: statusesSchema
    .default([200])
    .describe("Statuses of a healthy endpoint, or ranges of them such as 200-399. Default: 200."),
  drainStatuses: statusesSchema
    .optional()
    .describe(
      "Statuses by which a healthy endpoint says that it wants no new clients (HAProxy `http-check disable-on-404`): sessions that are bound to it stay. Default: none.",
    ),
  headers: z.array(headerSchema).max(16).optional().describe("Headers of the check."),
  body: z.string().min(1).max(4096).optional().describe("Body of the check. Default: none."),
  expectedBody: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe("Text that the first 16 KiB of the body must contain. Default: any body."),
  expectedBodyPattern: patternSchema
    .optional()
    .describe("Regular expression that a part of them must match. Default: any body."),
  expectations: z
    .array(answerExpectationSchema)
    .min(1)
    .max(32)
    .optional()
    .describe("What else the answer must, or must not have. Default: nothing."),
};

const tcpProbeSchema = z
  .strictObject({
    send: z.string().max(1024).optional().describe("Text to send once connected."),
    receive: z.string().min(1).max(1024).optional().describe("Text that the answer must contain."),
    exchanges: tcpExchangesSchema
      .optional()
      .describe("What is said after that, in turns (HAProxy `tcp-check`). Default: nothing."),
  })
  .optional()
  .describe("What is said on the connection. Default: nothing.");

const grpcProbeSchema = z
  .strictObject({
    service: z.string().min(1).max(253).optional().describe("Service that is asked about. Default: all."),
  })
  .optional()
  .describe("What is asked. Default: the server as a whole.");

const httpProbeSchema = z
  .strictObject(probeRequestFields)
  .refine(({ path, method }) => path !== "*" || method === "OPTIONS", {
    path: ["path"],
    message: 'expected a path that starts with "/", since "*" is for the method OPTIONS',
  })
  .describe("The request of the check.");

const threshold = z.int().min(1).max(1_000);

const interval = durationSchema.describe("Time between two checks of an endpoint. Default: 3s.");
const timeout = durationSchema.describe("Time an endpoint has to answer. Default: 1s.");
const unhealthyThreshold = threshold.describe("Failures in a row that take an endpoint out. Default: 3.");
const healthyThreshold = threshold.describe("Successes in a row that bring it back. Default: 1.");
const changingPaceFields = {
  fastInterval: durationField
    .optional()
    .describe("Interval while the verdict is about to change. Default: interval."),
  downInterval: durationField.optional().describe("Interval while the endpoint is down. Default: interval."),
};

const overridesSchema = z
  .strictObject({
    port: z.int().min(1).max(65_535).optional().describe("Port that is checked. Default: the endpoint's."),
    address: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe("IP address or host name that is checked. Default: the endpoint's."),
    tls: z
      .boolean()
      .optional()
      .describe("Whether it is checked in TLS, with the backend's `tls`. Default: as requests are sent."),
    hostname: hostnameSchema
      .optional()
      .describe(
        "Server name in TLS that is asked for, and that the certificate must be for. Default: the backend's.",
      ),
    proxyProtocol: z
      .union([proxyProtocolVersionSchema, z.literal("None")])
      .optional()
      .describe(
        "What the check begins with; it names no client. Default: the backend's, where neither port nor address differs.",
      ),
  })
  .describe("Where the check differs from what requests meet. Default: nowhere.");

const checkStepSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("HTTP").describe("An HTTP request whose status is judged."),
      overrides: overridesSchema.optional(),
      http: httpProbeSchema,
    }),
    z.strictObject({
      type: z.literal("TCP").describe("A TCP connection that opens."),
      overrides: overridesSchema.optional(),
      tcp: tcpProbeSchema,
    }),
  ])
  .describe("One connection of the check.");

const probeFields = {
  interval: interval.default("3s"),
  timeout: timeout.default("1s"),
  unhealthyThreshold: unhealthyThreshold.default(3),
  healthyThreshold: healthyThreshold.default(1),
  ...changingPaceFields,
  overrides: overridesSchema.optional(),
  next: z
    .array(checkStepSchema)
    .min(1)
    .max(7)
    .optional()
    .describe(
      "Connections that follow, one after the other, all within the timeout; each must pass. Default: none.",
    ),
};

export const activeHealthCheckSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("HTTP").describe("An HTTP request whose status is judged."),
      ...probeFields,
      http: httpProbeSchema,
    }),
    z.strictObject({
      type: z.literal("TCP").describe("A TCP connection that opens."),
      ...probeFields,
      tcp: tcpProbeSchema,
    }),
    z.strictObject({
      type: z.literal("GRPC").describe("A call of the gRPC health checking protocol, by the agent."),
      ...probeFields,
      grpc: grpcProbeSchema,
    }),
  ])
  .describe("Checks that run whether or not there is traffic.");

export const endpointHealthCheckSchema = z
  .strictObject({
    disabled: z
      .literal(true)
      .optional()
      .describe("True: this endpoint is not checked, and taken for healthy. Default: it is."),
    interval: interval.optional(),
    timeout: timeout.optional(),
    unhealthyThreshold: unhealthyThreshold.optional(),
    healthyThreshold: healthyThreshold.optional(),
    ...changingPaceFields,
    overrides: overridesSchema.optional(),
  })
  .describe("How this endpoint's active check differs from that of its backend. Default: not at all.");

/** HAProxy `observe`, `error-limit` and `on-error`, which no other has. */
export const observeSchema = z
  .strictObject({
    layer: z
      .enum(["Layer4", "Layer7"])
      .describe(
        "Layer4: connections that fail. Layer7: also requests without an answer, and answers from 500 on but 501 and 505.",
      ),
    errorLimit: z.int().min(1).max(1_000_000).default(10).describe("Errors in a row. Default: 10."),
    onError: z
      .enum(["FastInterval", "FailCheck", "SuddenDeath", "MarkDown"])
      .default("FailCheck")
      .describe(
        "What they are. FastInterval: a reason to check after `fastInterval`, which the others are, too. FailCheck: a failed check. SuddenDeath: as many as leave one. MarkDown: as many as it takes. Default: FailCheck.",
      ),
  })
  .describe(
    "Errors of requests that count for the active check, of endpoints that the gateway dials itself. Default: none.",
  );
