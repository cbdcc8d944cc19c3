// Active health checks in the native configuration: names of Envoy Gateway's `healthCheck.active`.
import { z } from "zod";
import { durationSchema } from "#contract/duration.ts";
import { headerSchema } from "#contract/http-field.ts";
import { hostnameSchema } from "#contract/http-route.ts";
import { tcpExchangesSchema } from "#contract/tcp-exchange.ts";
import { patternSchema } from "#contract/pattern/pattern-schema.ts";
import { durationField } from "./duration-field.ts";

const statusRangeSchema = z
  .string()
  .regex(/^[1-5][0-9]{2}-[1-5][0-9]{2}$/, "expected a range of statuses such as 200-399")
  .refine((range) => range.slice(0, 3) <= range.slice(4), "expected a range that ends behind its start");

/** RFC 9112 §3.2.4: the asterisk-form is for OPTIONS alone. */
const checkedPathSchema = z
  .string()
  .max(1024)
  .regex(/^(?:\/|\*$)/, 'expected a path that starts with "/", or "*" with the method OPTIONS');

const probeRequestFields = {
  path: checkedPathSchema.describe("Path, with query, of the check; `*` asks OPTIONS of the whole server."),
  method: z.enum(["GET", "HEAD", "OPTIONS"]).default("GET").describe("Method of the check. Default: GET."),
  hostname: hostnameSchema.optional().describe("Host header of the check. Default: the endpoint's address."),
  expectedStatuses: z
    .array(z.union([z.int().min(100).max(599), statusRangeSchema]))
    .min(1)
    .max(64)
    .default([200])
    .describe("Statuses of a healthy endpoint, or ranges of them such as 200-399. Default: 200."),
  headers: z.array(headerSchema).max(16).optional().describe("Headers of the check."),
  expectedBody: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe("Text that the first 16 KiB of the body must contain. Default: any body."),
  expectedBodyPattern: patternSchema
    .optional()
    .describe("Regular expression that a part of them must match. Default: any body."),
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

const probeFields = {
  interval: durationSchema.default("3s").describe("Time between two checks of an endpoint. Default: 3s."),
  timeout: durationSchema.default("1s").describe("Time an endpoint has to answer. Default: 1s."),
  unhealthyThreshold: z
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe("Failures in a row that take an endpoint out. Default: 3."),
  healthyThreshold: z
    .int()
    .min(1)
    .max(1_000)
    .default(1)
    .describe("Successes in a row that bring it back. Default: 1."),
  fastInterval: durationField
    .optional()
    .describe("Interval while the verdict is about to change. Default: interval."),
  downInterval: durationField.optional().describe("Interval while the endpoint is down. Default: interval."),
  overrides: z
    .strictObject({
      port: z
        .int()
        .min(1)
        .max(65_535)
        .describe("Port of every endpoint that is checked, over TLS where its own is."),
    })
    .optional()
    .describe("Where the check differs from what requests meet. Default: nowhere."),
};

export const activeHealthCheckSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("HTTP").describe("An HTTP request whose status is judged."),
      ...probeFields,
      http: z
        .strictObject(probeRequestFields)
        .refine(({ path, method }) => path !== "*" || method === "OPTIONS", {
          path: ["path"],
          message: 'expected a path that starts with "/", since "*" is for the method OPTIONS',
        })
        .describe("The request of the check."),
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
