// Policies of a backend in the native configuration: names of Envoy Gateway's BackendTrafficPolicy. The defaults are
// those of contract/backend-policy.ts, which every block compiles to (`config/compile-policy.ts`).
import { z } from "zod";
import {
  endpointConnectionsSchema,
  endpointCookieValueSchema,
  hashIdSchema,
  prioritySchema,
} from "#contract/backend-policy.ts";
import { headerNameSchema } from "#contract/http-route.ts";
import { durationSchema } from "#contract/duration.ts";
import { durationField, lifetimeField } from "./duration-field.ts";

const percent = z.int().min(0).max(100);
const bound = z.int().min(0).max(4_294_967_295);

const keySourceFields = {
  type: z
    .enum(["SourceIP", "Header", "Cookie", "QueryParam", "URI"])
    .describe("What a client is known by: its address, a header, a cookie, a query parameter, or the path."),
  header: z
    .strictObject({ name: headerNameSchema.describe("Name, without case.") })
    .optional()
    .describe("For type Header."),
  cookie: z
    .strictObject({
      name: headerNameSchema.describe("Name of the cookie."),
      ttl: lifetimeField
        .optional()
        .describe("The gateway gives the cookie to clients without it, for so long. Default: it gives none."),
    })
    .optional()
    .describe("For type Cookie."),
  queryParam: z
    .strictObject({ name: z.string().min(1).max(256).describe("Name, with case.") })
    .optional()
    .describe("For type QueryParam."),
};

interface KeySourceFields {
  readonly type: string;
  readonly header?: unknown;
  readonly cookie?: unknown;
  readonly queryParam?: unknown;
}

/** The field that goes with the type is there, and no other. */
function fieldOfType(source: KeySourceFields): boolean {
  const fields = { Header: "header", Cookie: "cookie", QueryParam: "queryParam" } as const;
  return Object.entries(fields).every(
    ([type, field]) => (source.type === type) === (source[field] !== undefined),
  );
}
const fieldOfTypeError = "expected header, cookie or queryParam where the type is that, and no other of them";

export const keySourceSchema = z
  .strictObject(keySourceFields)
  .refine(fieldOfType, { message: fieldOfTypeError });

const hashTypeSchema = z
  .strictObject({
    method: z
      .enum(["MapBased", "Consistent"])
      .describe("A map of slots, or a ring of points, of which few change hands when servers do."),
    function: z
      .enum(["SDBM", "DJB2", "WT6", "CRC32", "None"])
      .optional()
      .describe("What makes a number of the client's text; not for SourceIP. Default: SDBM."),
    avalanche: z.boolean().optional().describe("Mix the bits of that number. Default: false."),
  })
  .describe("HAProxy's hash-type: clients go to the servers that HAProxy would send them to.");

const hashedUriSchema = z
  .strictObject({
    length: z.int().min(1).max(16_384).optional().describe("Longest text. Default: no bound."),
    depth: z.int().min(1).max(256).optional().describe("Elements of the path that count. Default: all."),
    whole: z.boolean().optional().describe("The query counts, too. Default: false."),
  })
  .describe("For type URI: how much of it counts. Default: the whole path.");

const consistentHashSchema = z
  .strictObject({
    ...keySourceFields,
    hashType: hashTypeSchema.optional(),
    uri: hashedUriSchema.optional(),
    hashBalanceFactor: z
      .int()
      .min(100)
      .max(10_000)
      .optional()
      .describe("No endpoint has more than this percentage of its fair load. Default: no bound."),
    subsetSize: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        "A client is bound to so many endpoints, any of which gets each request (ingress-nginx, upstream-hash-by-subset). Default: 1.",
      ),
  })
  .refine(fieldOfType, { message: fieldOfTypeError })
  .refine(({ type, uri }) => uri === undefined || type === "URI", {
    message: "expected type URI where uri is given",
    path: ["uri"],
  })
  .refine(({ hashType, subsetSize }) => hashType === undefined || subsetSize === undefined, {
    message: "expected no subsetSize beside hashType, which is HAProxy's and has none",
    path: ["subsetSize"],
  });

export const loadBalancerSchema = z
  .strictObject({
    type: z
      .enum(["RoundRobin", "LeastRequest", "Random", "ConsistentHash", "PeakEWMA"])
      .describe("How an endpoint is picked; see docs/balancing.md."),
    consistentHash: consistentHashSchema
      .optional()
      .describe("For type ConsistentHash: what binds a client to an endpoint. Default: its address."),
    leastRequest: z
      .strictObject({
        exact: z.boolean().optional().describe("Compare every endpoint of a large pool. Default: false."),
      })
      .optional()
      .describe("For type LeastRequest."),
    slowStart: z
      .strictObject({
        window: durationField.describe("Time in which an endpoint's share grows to the whole."),
        minWeightPercent: percent.optional().describe("Share at the start. Default: 10."),
        aggression: z
          .number()
          .min(0.01)
          .max(10)
          .optional()
          .describe("Above 1, the share grows fast at first. Default: 1."),
      })
      .optional()
      .describe("Endpoints that are new or healthy again start small. Not for ConsistentHash."),
    zoneAware: z
      .strictObject({
        preferLocal: z
          .strictObject({
            minEndpointsThreshold: z
              .int()
              .min(0)
              .max(65_535)
              .optional()
              .describe("With fewer endpoints there is no preference. Default: 0."),
          })
          .describe("Endpoints of the gateway's zone first, others as far as those are not enough."),
      })
      .optional()
      .describe("Preference among zones; the gateway's own is `--zone` or the variable ZONE."),
    overprovisioningFactor: z
      .int()
      .min(100)
      .max(1_000_000)
      .optional()
      .describe("In percent; how much of a priority level may be down before the next helps. Default: 140."),
  })
  .refine(({ type, consistentHash }) => consistentHash === undefined || type === "ConsistentHash", {
    message: "expected type ConsistentHash where consistentHash is given",
    path: ["consistentHash"],
  });

const volume = z.int().min(1).max(1_000_000);
const consecutive = z.int().min(0).max(1_000_000);

export const passiveHealthCheckSchema = z
  .strictObject({
    consecutive5xxErrors: consecutive.optional().describe("5xx in a row. Default: 5. 0: off."),
    consecutiveGatewayErrors: consecutive
      .optional()
      .describe("502, 503, 504 or no answer in a row. Default: 0, off."),
    consecutiveLocalOriginFailures: consecutive
      .optional()
      .describe("Failures without an answer in a row, where they are split from 5xx. Default: 5. 0: off."),
    splitExternalLocalOriginErrors: z
      .boolean()
      .optional()
      .describe("Failures without an answer do not count as 5xx. Default: false."),
    interval: durationField.optional().describe("How often endpoints are compared. Default: 3s."),
    baseEjectionTime: durationField
      .optional()
      .describe("How long the first ejection lasts; each further one that much longer. Default: 30s."),
    maxEjectionTime: durationField.optional().describe("Longest ejection. Default: 300s."),
    maxEjectionPercent: percent
      .optional()
      .describe("Endpoints that may be out together; one of two or more always. Default: 10."),
    successRate: z
      .strictObject({
        minimumHosts: z.int().min(2).max(65_535).optional().describe("Endpoints to judge by. Default: 5."),
        requestVolume: volume.optional().describe("Requests per interval to be judged. Default: 100."),
        stdevFactor: z
          .int()
          .min(1)
          .max(1_000_000)
          .optional()
          .describe("Thousandths of a standard deviation below the mean. Default: 1900."),
      })
      .optional()
      .describe("Ejects endpoints that succeed less often than the others. Default: off."),
    failurePercentage: z
      .strictObject({
        threshold: z.int().min(1).max(100).optional().describe("Percentage of failures. Default: 85."),
        minimumHosts: z.int().min(1).max(65_535).optional().describe("Endpoints to judge by. Default: 5."),
        requestVolume: volume.optional().describe("Requests per interval to be judged. Default: 50."),
      })
      .optional()
      .describe("Ejects endpoints with many failures. Default: off."),
    latency: z
      .strictObject({
        percentile: z
          .int()
          .min(1)
          .max(99)
          .optional()
          .describe("Quantile of an endpoint's latency that is compared. Default: 50."),
        factor: z
          .number()
          .min(1.1)
          .max(1_000)
          .optional()
          .describe("Ejected beyond this multiple of the others' median. Default: 3."),
        minimumExcess: durationField.optional().describe("… and this much above it. Default: 50ms."),
        requestVolume: volume.optional().describe("Answers per interval to be judged. Default: 20."),
      })
      .optional()
      .describe("Ejects endpoints that are slow against the others. Default: off."),
  })
  .describe("Ejects endpoints because of how requests on them end.");

export const panicThresholdSchema = percent
  .optional()
  .describe("Percentage of healthy endpoints below which health is ignored. Default: 0, never.");

export const protectionFields = {
  circuitBreaker: z
    .strictObject({
      maxConnections: bound.optional().describe("Upgraded connections (WebSocket) at the same time."),
      maxPendingRequests: bound.optional().describe("Requests that wait for a response's head."),
      maxParallelRequests: bound.optional().describe("Requests under way, to the end of the response."),
      maxParallelRetries: bound.optional().describe("Retries under way."),
    })
    .optional()
    .describe("Bounds per gateway isolate, beyond which the answer is 503. Default: none."),
  queue: z
    .strictObject({
      timeout: durationField
        .optional()
        .describe("Longest wait, beyond which the answer is 503. Default: as long as it takes."),
      fullConnections: endpointConnectionsSchema
        .optional()
        .describe(
          "Requests of the backend, waiting ones included, at which endpoints with minConnections take maxConnections. Default: those take them always.",
        ),
    })
    .optional()
    .describe("How requests wait for endpoints with maxConnections."),
  loadShedding: z
    .strictObject({
      capacity: z
        .int()
        .min(1)
        .max(1_000_000)
        .describe("Requests under way that the backend bears, per gateway isolate."),
      startPercent: percent
        .optional()
        .describe("Load, in percent of the capacity, from which the lowest priority is shed. Default: 70."),
      header: headerNameSchema
        .optional()
        .describe("Request header with the priority; believed from trusted proxies only."),
      default: prioritySchema.optional().describe("Priority of all other requests. Default: critical."),
    })
    .optional()
    .describe("As the backend fills up, requests are refused by priority. Default: off."),
  retryConstraint: z
    .strictObject({
      budget: z
        .strictObject({
          percent: percent.optional().describe("Retries per 100 requests. Default: 20."),
          interval: durationField.optional().describe("Over so long. Default: 10s."),
        })
        .optional()
        .describe("What retries may be in proportion to requests."),
      minRetryRate: z
        .strictObject({
          count: z.int().min(0).max(1_000_000).optional().describe("Retries. Default: 10."),
          interval: durationField.optional().describe("Per so long. Default: 1s."),
        })
        .optional()
        .describe("Always allowed."),
    })
    .optional()
    .describe(
      "Budget of the retries to this backend, of all routes together. Default: as below; then a first attempt elsewhere, after a connection failed, is free.",
    ),
  hedging: z
    .strictObject({
      delay: durationField.describe("Time without an answer after which another copy is sent."),
      maxAttempts: z.int().min(2).max(5).optional().describe("Copies in all. Default: 2."),
      budgetPercent: percent.optional().describe("Further copies per 100 requests. Default: 5."),
    })
    .optional()
    .describe("A second copy of a slow idempotent request, to another endpoint. Default: off."),
};

export const endpointPlaceFields = {
  priority: z
    .int()
    .min(0)
    .max(127)
    .optional()
    .describe("0 is preferred; higher levels help as far as lower ones are not enough. Default: 0."),
  zone: z.string().min(1).max(253).optional().describe("Where the endpoint runs."),
  name: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe("What texts of responses call it (EndpointName). Default: its address and port."),
  cookie: endpointCookieValueSchema
    .optional()
    .describe(
      "What session cookies call it (sessionPersistence.cookieConfig.endpointCookie). Default: nothing.",
    ),
  maxConnections: endpointConnectionsSchema
    .optional()
    .describe(
      "Requests, or connections of layer 4, that it has at the same time; those beyond wait for a place. Of several gateway processes each keeps its share, and at least one. Default: no bound.",
    ),
  minConnections: endpointConnectionsSchema
    .optional()
    .describe(
      "The bound while the backend has few requests; it grows to maxConnections at queue.fullConnections. Default: maxConnections.",
    ),
  maxQueue: endpointConnectionsSchema
    .optional()
    .describe(
      "Requests that wait for this endpoint because they are bound to it; beyond, sessions move and hashed ones are refused. Default: no bound of its own.",
    ),
  hashId: hashIdSchema
    .optional()
    .describe("HAProxy's number of the server, for hashType. Default: its position, from 1."),
};

interface EndpointBounds {
  readonly maxConnections?: number | undefined;
  readonly minConnections?: number | undefined;
  readonly maxQueue?: number | undefined;
}

export function hasBoundForItsParts({ maxConnections, minConnections, maxQueue }: EndpointBounds): boolean {
  return maxConnections !== undefined || (minConnections ?? maxQueue) === undefined;
}

export const backendHeadField = durationSchema
  .optional()
  .describe("Until the head of an endpoint's response to a request without body. Default and 0s: unlimited.");

export const streamIdleField = durationSchema
  .optional()
  .describe("Between two pieces of a response's body. Default and 0s: unlimited.");
