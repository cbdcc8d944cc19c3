// Policies of a backend as the snapshot carries them: field names of Envoy Gateway's BackendTrafficPolicy and of Envoy's
// and Istio's outlier detection, with durations in milliseconds (`interval: 3s` becomes `intervalMs: 3000`).
import { z } from "zod";
import { headerNameSchema, hostnameSchema } from "./http-route.ts";

const positiveMs = z.int().positive();
const percent = z.int().min(0).max(100);

// --- load balancing ------------------------------------------------------------------------------------------------

const keySourceFields = {
  header: z.strictObject({ name: headerNameSchema }).optional(),
  /** With a ttl the gateway gives the cookie to clients that come without it. */
  cookie: z.strictObject({ name: headerNameSchema, ttlMs: positiveMs.optional() }).optional(),
  queryParam: z.strictObject({ name: z.string().min(1).max(256) }).optional(),
};

/** What a client is known by. */
export const keySourceSchema = z.strictObject({
  type: z.enum(["SourceIP", "Header", "Cookie", "QueryParam", "URI"]),
  ...keySourceFields,
});
export type KeySource = z.infer<typeof keySourceSchema>;

/** HAProxy `hash-type`: clients are bound to the servers that HAProxy would bind them to. */
export const hashTypeSchema = z.strictObject({
  method: z.enum(["MapBased", "Consistent"]),
  function: z.enum(["SDBM", "DJB2", "WT6", "CRC32", "None"]).default("SDBM"),
  avalanche: z.boolean().default(false),
});
export type HashType = z.infer<typeof hashTypeSchema>;

/** HAProxy `id` of a server. */
export const hashIdSchema = z.int().min(1).max(2_147_483_647);

/** HAProxy `balance uri`: how much of the target counts. Absent: the whole path. */
export const hashedUriSchema = z.strictObject({
  /** Longest text. */
  length: z.int().min(1).max(16_384).optional(),
  /** Elements of the path. */
  depth: z.int().min(1).max(256).optional(),
  /** With the query. */
  whole: z.boolean().optional(),
});

/** What a client is bound to. A request without it is sent to a random endpoint, as in Envoy. */
export const consistentHashSchema = z.strictObject({
  ...keySourceSchema.shape,
  /** Envoy `hash_balance_factor`: no endpoint has more than this percentage of its fair load. Absent: no bound. */
  hashBalanceFactor: z.int().min(100).max(10_000).optional(),
  /** Endpoints that share a client, one of which gets each request. Absent: one. */
  subsetSize: z.int().min(1).max(1_000).optional(),
  /** Absent: decision 0007. */
  hashType: hashTypeSchema.optional(),
  uri: hashedUriSchema.optional(),
});
export type ConsistentHashPolicy = z.infer<typeof consistentHashSchema>;

/** An endpoint that comes (back) starts small: weight × max(minWeightPercent, (elapsed / window)^(1 / aggression)). */
export const slowStartSchema = z.strictObject({
  windowMs: positiveMs,
  minWeightPercent: percent.default(10),
  aggression: z.number().positive().max(10).default(1),
});
export type SlowStart = z.infer<typeof slowStartSchema>;

export const leastRequestSchema = z.strictObject({
  /** Compare every endpoint (HAProxy `leastconn`) whatever the size of the pool. */
  exact: z.boolean().default(false),
});

/** Endpoints of the gateway's own zone first, others as far as those are not enough (Istio locality failover). */
export const zoneAwareSchema = z.strictObject({
  preferLocal: z.strictObject({
    /** Fewer endpoints than this in all zones together: no preference. */
    minEndpointsThreshold: z.int().min(0).default(0),
  }),
});

// --- passive health (outlier detection) ----------------------------------------------------------------------------

/** An endpoint is ejected when its latency stands out against the others'. */
export const latencyOutlierSchema = z.strictObject({
  /** Which quantile of the endpoint's latency is compared with the median of the others' quantiles. */
  percentile: z.int().min(1).max(99).default(50),
  /** Ejected beyond this multiple of that median … */
  factor: z.number().min(1.1).max(1_000).default(3),
  /** … and at least this much above it. */
  minimumExcessMs: z.int().min(0).default(50),
  /** Answers in one interval below which an endpoint is not judged. */
  requestVolume: z.int().positive().default(20),
});

/** Envoy Gateway `healthCheck.passive` and, where that has no field, Envoy's `outlier_detection`. 0 or absent switches a rule off. */
export const passiveHealthCheckSchema = z.strictObject({
  consecutive5xxErrors: z.int().min(0).default(5),
  consecutiveGatewayErrors: z.int().min(0).default(0),
  consecutiveLocalOriginFailures: z.int().min(0).default(5),
  /** True: connect failures, resets and timeouts count for their own rule only, not as 5xx. */
  splitExternalLocalOriginErrors: z.boolean().default(false),
  intervalMs: positiveMs.default(3_000),
  baseEjectionTimeMs: positiveMs.default(30_000),
  maxEjectionTimeMs: positiveMs.default(300_000),
  /** At least one endpoint of two or more may be ejected, whatever this says. */
  maxEjectionPercent: percent.default(10),
  successRate: z
    .strictObject({
      minimumHosts: z.int().min(2).default(5),
      requestVolume: z.int().positive().default(100),
      /** Thousandths of a standard deviation below the mean. */
      stdevFactor: z.int().positive().default(1_900),
    })
    .optional(),
  failurePercentage: z
    .strictObject({
      threshold: z.int().min(1).max(100).default(85),
      minimumHosts: z.int().positive().default(5),
      requestVolume: z.int().positive().default(50),
    })
    .optional(),
  latency: latencyOutlierSchema.optional(),
});
export type PassiveHealthCheck = z.infer<typeof passiveHealthCheckSchema>;

/** HAProxy `observe`: errors of requests that count for the active checks. */
export const observeSchema = z.strictObject({
  layer: z.enum(["Layer4", "Layer7"]),
  /** In a row. */
  errorLimit: z.int().min(1).max(1_000_000),
  /**
   * What then follows: the next check sooner; one that has failed; so that one more takes the endpoint out; or it is out.
   * The check is always sooner.
   */
  onError: z.enum(["FastInterval", "FailCheck", "SuddenDeath", "MarkDown"]),
});
export type ObservePolicy = z.infer<typeof observeSchema>;

// --- retries and hedging -------------------------------------------------------------------------------------------

/** Envoy's `retry_on` conditions that make sense for HTTP and gRPC requests. */
export const retryTriggerSchema = z.enum([
  "5xx",
  "gateway-error",
  "reset",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);
export type RetryTrigger = z.infer<typeof retryTriggerSchema>;

/** Envoy Gateway `retry`; the Gateway API's `retry.codes/attempts/backoff` compile to it. */
export const retrySchema = z.strictObject({
  numRetries: z.int().min(0).max(10).default(2),
  retryOn: z
    .strictObject({
      triggers: z.array(retryTriggerSchema).max(12).default([]),
      httpStatusCodes: z.array(z.int().min(400).max(599)).max(64).default([]),
    })
    .default({
      triggers: ["connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes"],
      httpStatusCodes: [503],
    }),
  perRetry: z
    .strictObject({
      timeoutMs: positiveMs.optional(),
      backOff: z
        .strictObject({ baseIntervalMs: positiveMs, maxIntervalMs: positiveMs.optional() })
        .default({ baseIntervalMs: 25 }),
    })
    .default({ backOff: { baseIntervalMs: 25 } }),
});
export type RetryPolicy = z.infer<typeof retrySchema>;

/** Gateway API XBackendTrafficPolicy `retryConstraint` (GEP-3388). */
export const retryConstraintSchema = z.strictObject({
  budget: z
    .strictObject({
      /** Retries may be this share of the requests of the last interval. */
      percent: percent.default(20),
      intervalMs: positiveMs.max(3_600_000).default(10_000),
    })
    .default({ percent: 20, intervalMs: 10_000 }),
  /** Always allowed, so that a backend with little traffic can be retried, too. */
  minRetryRate: z
    .strictObject({
      count: z.int().min(0).max(1_000_000).default(10),
      intervalMs: positiveMs.max(3_600_000).default(1_000),
    })
    .default({ count: 10, intervalMs: 1_000 }),
});
export type RetryConstraint = z.infer<typeof retryConstraintSchema>;

/** A second copy of a slow idempotent request. No foreign name exists; Envoy's closest is `hedge_policy`. */
export const hedgingSchema = z.strictObject({
  /** Time without a response head after which another copy is sent. */
  delayMs: positiveMs,
  /** Copies in all, the first included. */
  maxAttempts: z.int().min(2).max(5).default(2),
  /** Extra copies may be this share of the requests. */
  budgetPercent: percent.default(5),
});
export type HedgingPolicy = z.infer<typeof hedgingSchema>;

// --- protection ----------------------------------------------------------------------------------------------------

const bound = z.int().min(0).max(4_294_967_295);

/** Envoy Gateway `circuitBreaker`; counted per isolate, as Envoy counts per process. Absent: no bound. */
export const circuitBreakerSchema = z.strictObject({
  maxConnections: bound.optional(),
  maxPendingRequests: bound.optional(),
  maxParallelRequests: bound.optional(),
  maxParallelRetries: bound.optional(),
});
export type CircuitBreakerPolicy = z.infer<typeof circuitBreakerSchema>;

export const endpointConnectionsSchema = z.int().min(1).max(1_000_000);

/** HAProxy `timeout queue`, `fullconn`. */
export const endpointQueueSchema = z.strictObject({
  /** Absent: as long as it takes. */
  timeoutMs: positiveMs.optional(),
  /** Requests of the backend from which `maxConnections` of endpoints hold, rather than less. Absent: always. */
  fullConnections: endpointConnectionsSchema.optional(),
});
export type EndpointQueuePolicy = z.infer<typeof endpointQueueSchema>;

/** Criticality as in Google's SRE book, chapter 21; the highest is shed last. */
export const prioritySchema = z.enum(["critical-plus", "critical", "sheddable-plus", "sheddable"]);
export type Priority = z.infer<typeof prioritySchema>;

export const loadSheddingSchema = z.strictObject({
  /** Requests under way that the backend can bear, per isolate. */
  capacity: z.int().positive(),
  /** Load, as a percentage of the capacity, from which the lowest priority begins to be shed. */
  startPercent: percent.default(70),
  /** Request header that names the priority; believed only from trusted clients. */
  header: headerNameSchema.optional(),
  default: prioritySchema.default("critical"),
});
export type LoadSheddingPolicy = z.infer<typeof loadSheddingSchema>;

// --- session persistence (Gateway API GEP-1619) --------------------------------------------------------------------

/** RFC 6265 §4.1.1: anything but controls and what ends an attribute. */
export const cookiePathSchema = z
  .string()
  .max(1024)
  .regex(/^\/[\x21-\x3a\x3c-\x7e]*$/, "expected a path of a cookie: '/' first, no spaces or ';'");

/** What session cookies may call an endpoint (RFC 6265 §4.1.1, without what separates its parts). */
export const endpointCookieValueSchema = z
  .string()
  .min(1)
  .max(256)
  .regex(
    /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7b\x7d]+$/,
    "expected a value of a cookie without '|' and '~'",
  );

/** HAProxy `cookie`: the value is the endpoint's `cookie`, not a token. */
export const endpointCookieSchema = z.strictObject({
  /**
   * A cookie of the gateway's own; the application's with another value, or with the endpoint's in front of its own, or as the
   * application sets it.
   */
  mode: z.enum(["Insert", "Rewrite", "Prefix", "Passive"]),
  /** Only responses to POST set it. */
  postOnly: z.boolean().optional(),
  /** Where the application sets the cookie, it is the one that counts. */
  preserve: z.boolean().optional(),
  httpOnly: z.boolean().optional(),
  /** Further attributes of the cookie, as they are. */
  attributes: z
    .array(
      z
        .string()
        .min(1)
        .max(256)
        .regex(/^[\x20-\x3a\x3c-\x7e]+$/, "expected an attribute of a cookie, without ';'"),
    )
    .max(16)
    .optional(),
});
export type EndpointCookie = z.infer<typeof endpointCookieSchema>;

export const sessionPersistenceSchema = z.strictObject({
  sessionName: headerNameSchema.default("isthmus-session"),
  type: z.enum(["Cookie", "Header"]).default("Cookie"),
  absoluteTimeoutMs: positiveMs.optional(),
  idleTimeoutMs: positiveMs.optional(),
  /** A client that had to be served elsewhere stays there. */
  moveOnFailure: z.boolean().optional(),
  cookieConfig: z
    .strictObject({
      lifetimeType: z.enum(["Session", "Permanent"]).default("Session"),
      /** Absent: the path of the rule. */
      path: cookiePathSchema.optional(),
      /** Absent: the host alone. */
      domain: hostnameSchema.optional(),
      sameSite: z.enum(["None", "Lax", "Strict"]).optional(),
      /** Absent: as the request came. */
      secure: z.boolean().optional(),
      /** True: endpoints do not see the cookie. */
      indirect: z.boolean().optional(),
      /** True: responses that set the cookie are for no shared cache. */
      noCache: z.boolean().optional(),
      endpointCookie: endpointCookieSchema.optional(),
    })
    .default({ lifetimeType: "Session" }),
});
export type SessionPersistence = z.infer<typeof sessionPersistenceSchema>;
