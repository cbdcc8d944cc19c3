// Statistics of a system as `GET /v1/stats`, the statistics page and its CSV tell them: what HAProxy's `show stat` tells,
// added up over the regions.
import { z } from "zod";
import { endpointStandingSchema } from "./administration.ts";

const count = z.number().min(0);

const trafficSchema = z.strictObject({
  /** Of listeners and backends of connections: connections that are over, without statuses. */
  requests: count,
  /** By class of status, 1xx to 5xx. */
  statuses: z.tuple([count, count, count, count, count]),
  /** Over the last seconds. */
  requestsPerSecond: count,
});
export type Traffic = z.infer<typeof trafficSchema>;

/** To the response head, over all requests; absent: none yet. */
const averageMs = z.number().min(0).optional();

const listenerStatsSchema = trafficSchema.extend({
  name: z.string(),
  protocol: z.string(),
  port: z.int(),
  hostnames: z.array(z.string()),
});
export type ListenerStats = z.infer<typeof listenerStatsSchema>;

export const endpointStatsSchema = endpointStandingSchema.extend({
  ...trafficSchema.shape,
  inFlight: count,
  averageMs,
  /** Times that outlier detection took it out. */
  ejections: count,
});
export type EndpointStats = z.infer<typeof endpointStatsSchema>;

const backendStatsSchema = trafficSchema.extend({
  name: z.string(),
  tunnel: z.string().optional(),
  protocol: z.string(),
  algorithm: z.string(),
  /** False: no endpoint gets requests. */
  up: z.boolean(),
  inFlight: count,
  averageMs,
  retries: count,
  endpoints: z.array(endpointStatsSchema),
});
export type BackendStats = z.infer<typeof backendStatsSchema>;

export const statsSchema = z.strictObject({
  /** Of the current configuration; 0: none was published. */
  version: z.int().min(0),
  atMs: z.number(),
  regions: z.array(
    z.strictObject({
      region: z.string(),
      lastSyncMs: z.number(),
      snapshotVersion: z.int(),
      gateways: z.int(),
      agents: z.int(),
    }),
  ),
  listeners: z.array(listenerStatsSchema),
  backends: z.array(backendStatsSchema),
});
export type Stats = z.infer<typeof statsSchema>;
