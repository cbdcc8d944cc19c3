// BackendTrafficPolicy: how requests of a Gateway or a route reach their backends.
import { z } from "zod";
import { retryTriggerSchema } from "#contract/backend-policy.ts";
import { methodSchema } from "#contract/http-route.ts";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import {
  count,
  customResponse,
  duration,
  envoyGroup,
  flag,
  hasTargets,
  mergeType,
  quantity,
  targetFields,
  unread,
  unreadFields,
} from "./common.ts";

const named = z.strictObject({ name: z.string().min(1).max(256) });

const loadBalancer = z.strictObject({
  type: z.enum([
    "ConsistentHash",
    "LeastRequest",
    "Random",
    "RoundRobin",
    "BackendUtilization",
    "DynamicModule",
  ]),
  consistentHash: z
    .strictObject({
      type: z.enum(["SourceIP", "Header", "Headers", "Cookie", "QueryParams"]),
      header: named.optional(),
      headers: z.array(named).min(1).max(16).optional(),
      queryParams: z.array(named).min(1).max(16).optional(),
      cookie: z
        .strictObject({ name: z.string().min(1).max(256), ttl: duration, attributes: unread.optional() })
        .optional(),
      tableSize: unread.optional(),
    })
    .optional(),
  slowStart: z.strictObject({ window: duration }).optional(),
  zoneAware: z
    .strictObject({
      preferLocal: z
        .strictObject({ minEndpointsThreshold: count, ...unreadFields(["force", "percentageEnabled"]) })
        .optional(),
      weightedZones: unread.optional(),
    })
    .optional(),
  ...unreadFields(["backendUtilization", "dynamicModule", "endpointOverride"]),
});

const payloadFields = { type: z.enum(["Text", "Binary"]), text: z.string().max(1024).optional() };
const textPayload = z.strictObject({ ...payloadFields, binary: unread.optional() });
/** `binary` is base64, as all octets in Kubernetes objects. */
const payload = z.strictObject({ ...payloadFields, binary: z.base64().max(1024).optional() });

const activeHealthCheck = z.strictObject({
  type: z.enum(["HTTP", "TCP", "GRPC"]),
  timeout: duration,
  interval: duration,
  unhealthyThreshold: count,
  healthyThreshold: count,
  http: z
    .strictObject({
      path: z.string().max(1024),
      hostname: z.string().max(253).optional(),
      method: z.string().max(16).optional(),
      expectedStatuses: z.array(z.int().min(100).max(599)).min(1).max(64).optional(),
      expectedResponse: textPayload.optional(),
      ...unreadFields(["requestBody", "retriableStatuses"]),
    })
    .optional(),
  tcp: z.strictObject({ send: payload.optional(), receive: payload.optional() }).optional(),
  grpc: z.strictObject({ service: z.string().max(253).optional() }).optional(),
  overrides: z.strictObject({ port: z.int().min(1).max(65_535).optional() }).optional(),
  ...unreadFields(["initialJitter", "healthCheckLog"]),
});

const passiveHealthCheck = z.strictObject({
  splitExternalLocalOriginErrors: flag,
  interval: duration,
  consecutiveLocalOriginFailures: count,
  consecutiveGatewayErrors: count,
  consecutive5XxErrors: count,
  baseEjectionTime: duration,
  maxEjectionPercent: count,
  failurePercentageThreshold: count,
  alwaysEjectOneEndpoint: unread.optional(),
});

const fraction = z.strictObject({ numerator: z.int().min(0), denominator: z.int().min(1).optional() });

const circuitBreaker = z.strictObject({
  maxConnections: count,
  maxPendingRequests: count,
  maxParallelRequests: count,
  maxParallelRetries: count,
  retryBudget: z.strictObject({ percent: fraction, minRetryConcurrency: unread.optional() }).optional(),
  ...unreadFields(["maxRequestsPerConnection", "perEndpoint"]),
});

const retry = z.strictObject({
  numRetries: count,
  retryOn: z
    .strictObject({
      triggers: z
        .array(z.enum([...retryTriggerSchema.options, "reset-before-request"]))
        .max(16)
        .optional(),
      httpStatusCodes: z.array(z.int().min(100).max(600)).max(64).optional(),
    })
    .optional(),
  perRetry: z
    .strictObject({
      timeout: duration,
      backOff: z.strictObject({ baseInterval: duration, maxInterval: duration }).optional(),
    })
    .optional(),
  numAttemptsPerPriority: unread.optional(),
});

const valueSelector = z.strictObject({
  type: z.enum(["Exact", "RegularExpression", "Distinct"]).optional(),
  name: z.string().min(1).max(256),
  value: z.string().max(1024).optional(),
  invert: flag,
});

const rateLimitRule = z.strictObject({
  clientSelectors: z
    .array(
      z.strictObject({
        headers: z.array(valueSelector).max(128).optional(),
        sourceCIDR: z
          .strictObject({
            type: z.enum(["Exact", "Distinct"]).optional(),
            value: z.string().min(1).max(256),
            invert: flag,
          })
          .optional(),
        methods: z
          .array(z.strictObject({ value: methodSchema, invert: flag }))
          .max(16)
          .optional(),
        path: z
          .strictObject({
            type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).optional(),
            value: z.string().max(1024).optional(),
            invert: flag,
          })
          .optional(),
        queryParams: z.array(valueSelector).max(16).optional(),
      }),
    )
    .max(8)
    .optional(),
  limit: z.strictObject({
    requests: z.int().min(0).max(4_294_967_295),
    unit: z.enum(["Second", "Minute", "Hour", "Day", "Week", "Month", "Year"]),
    fromMetadata: unread.optional(),
  }),
  cost: z
    .strictObject({
      request: z
        .strictObject({
          from: z.enum(["Number", "Metadata"]),
          number: z.int().min(0).max(1_000_000).optional(),
          metadata: unread.optional(),
        })
        .optional(),
      response: unread.optional(),
    })
    .optional(),
  shared: flag,
  shadowMode: flag,
  xRateLimitHeaders: unread.optional(),
});

const rateLimit = z.strictObject({
  type: z.enum(["Global", "Local"]).optional(),
  global: z.strictObject({ rules: z.array(rateLimitRule).max(256) }).optional(),
  local: z.strictObject({ rules: z.array(rateLimitRule).max(16).optional() }).optional(),
});

const responseOverride = z.strictObject({
  source: z.enum(["All", "Local", "Backend"]).optional(),
  match: z.strictObject({
    statusCodes: z
      .array(
        z.strictObject({
          type: z.enum(["Value", "Range"]).optional(),
          value: z.int().optional(),
          range: z.strictObject({ start: z.int(), end: z.int() }).optional(),
        }),
      )
      .max(50)
      .optional(),
    responseHeaders: unread.optional(),
  }),
  response: z.strictObject(customResponse).optional(),
  redirect: z
    .strictObject({
      scheme: z.enum(["http", "https"]).optional(),
      hostname: z.string().min(1).max(253).optional(),
      path: z
        .strictObject({
          type: z.enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
          replaceFullPath: z.string().max(1024).optional(),
          replacePrefixMatch: unread.optional(),
        })
        .optional(),
      port: z.int().min(1).max(65_535).optional(),
      statusCode: z.literal([301, 302]).optional(),
    })
    .optional(),
});

const compressors = z
  .array(
    z.strictObject({
      type: z.enum(["Gzip", "Brotli", "Zstd"]),
      gzip: z
        .strictObject({
          compressionLevel: count,
          ...unreadFields(["chunkSize", "compressionStrategy", "memoryLevel", "windowBits"]),
        })
        .optional(),
      brotli: z
        .strictObject({
          quality: count,
          ...unreadFields([
            "chunkSize",
            "disableLiteralContextModeling",
            "encoderMode",
            "inputBlockBits",
            "windowBits",
          ]),
        })
        .optional(),
      zstd: z
        .strictObject({
          compressionLevel: count,
          ...unreadFields(["chunkSize", "enableChecksum", "strategy"]),
        })
        .optional(),
      minContentLength: quantity.optional(),
    }),
  )
  .max(8)
  .optional();

const percentage = z.number().min(0).max(100).optional();

export const backendTrafficPolicyKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "BackendTrafficPolicy",
  namespaced: true,
  body: z.strictObject({
    spec: z
      .strictObject({
        ...targetFields,
        mergeType,
        loadBalancer: loadBalancer.optional(),
        healthCheck: z
          .strictObject({
            active: activeHealthCheck.optional(),
            passive: passiveHealthCheck.optional(),
            panicThreshold: count,
          })
          .optional(),
        circuitBreaker: circuitBreaker.optional(),
        retry: retry.optional(),
        timeout: z
          .strictObject({
            tcp: z.strictObject({ connectTimeout: duration }).optional(),
            http: z
              .strictObject({
                requestTimeout: duration,
                streamIdleTimeout: duration,
                maxStreamDuration: duration,
                ...unreadFields(["connectionIdleTimeout", "maxConnectionDuration"]),
              })
              .optional(),
          })
          .optional(),
        rateLimit: rateLimit.optional(),
        faultInjection: z
          .strictObject({
            delay: z.strictObject({ fixedDelay: duration, percentage }).optional(),
            abort: z
              .strictObject({
                httpStatus: z.int().min(200).max(600).optional(),
                grpcStatus: z.int().min(0).max(16).optional(),
                percentage,
              })
              .optional(),
          })
          .optional(),
        proxyProtocol: z.strictObject({ version: z.enum(["V1", "V2"]) }).optional(),
        responseOverride: z.array(responseOverride).max(32).optional(),
        requestBuffer: z.strictObject({ limit: quantity.optional() }).optional(),
        compression: compressors,
        compressor: compressors,
        ...unreadFields([
          "admissionControl",
          "bandwidthLimit",
          "connection",
          "dns",
          "http2",
          "httpUpgrade",
          "routingType",
          "tcpKeepalive",
          "telemetry",
          "useClientProtocol",
        ]),
      })
      .refine(...hasTargets),
  }),
});

export type BackendTrafficPolicy = Resource<BodyOf<typeof backendTrafficPolicyKind>>;
export type TrafficSpec = BackendTrafficPolicy["body"]["spec"];
