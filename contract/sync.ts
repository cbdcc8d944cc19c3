// The heartbeat: what gateway isolates, the region's state object, tunnel hubs and the control say to each other.
// All of it is JSON over fetch, so a Durable Object in another process is reached the same way as one in this one.
import { z } from "zod";
import { administrationSchema, administrativeStateSchema } from "./administration.ts";
import { backendTlsSchema } from "./backend-tls.ts";
import { histogramValues } from "./latency-buckets.ts";
import { limits } from "./limits.ts";
import { activeHealthCheckSchema } from "./active-health-check.ts";
import { proxyProtocolVersionSchema } from "./proxy-protocol-version.ts";
import { endpointConnectionsSchema } from "./backend-policy.ts";
import { backendProtocolSchema, endpointSchema, nameSchema, versionedSnapshotSchema } from "./snapshot.ts";

/** Who may join and speak on a tunnel. Changes apart from the configuration, so it has a version of its own. */
export const trustSchema = z.strictObject({
  /** Counts up with every change; a holder ignores any version at or below its own. */
  version: z.int().positive(),
  /** SPIFFE trust domain, e.g. `isthmus.local`. */
  trustDomain: z.string().min(1).max(255),
  /** Root certificates, PEM. More than one while a root is rotated. */
  rootsPem: z.array(z.string()).min(1).max(8),
  /** The newest authority. Certificates of any other are to be renewed once it signs. Absent: nothing is said. */
  signer: z
    .strictObject({
      /** Its subjectKeyIdentifier, which is the authorityKeyIdentifier of what it signs; hex. */
      keyIdentifier: z.string().max(128),
      fromMs: z.number(),
    })
    .optional(),
  /** Serial numbers of revoked, not yet expired certificates, lower-case hex without leading zeros. */
  revokedSerials: z.array(z.string()).max(100_000),
});
export type Trust = z.infer<typeof trustSchema>;

/** The answer may wait so long for something to tell, where there is nothing newer yet. Absent: not at all. */
const holdMsSchema = z.int().min(0).max(limits.longestHoldMs).optional();
/** Of a snapshot that the asker holds: it takes a change of that in place of the whole. Absent: none. */
const snapshotHashSchema = versionedSnapshotSchema.shape.hash.optional();
const histogramSchema = z.array(z.number()).length(histogramValues);

/** By its check or by an agent beside it an endpoint says how much it bears. */
export const selfReportSchema = z.strictObject({
  state: administrativeStateSchema.exclude(["ready"]).optional(),
  /** Of the configured weight. */
  weightPercent: z.number().min(0).max(25_600).optional(),
  maxConnections: endpointConnectionsSchema.optional(),
});
export type SelfReport = z.infer<typeof selfReportSchema>;

// --- isolate -> RegionState ----------------------------------------------------------------------------------------

export const syncRequestSchema = z.strictObject({
  /** Random id of the isolate, new at each start. */
  gateway: z.string().max(64),
  /** Version of the snapshot the isolate serves; 0 for none. */
  snapshotVersion: z.int().min(0),
  snapshotHash: snapshotHashSchema,
  holdMs: holdMsSchema,
  /** Version of the health table it holds; 0 for none. */
  healthVersion: z.int().min(0),
  /** Version of the operators' word on endpoints that it holds; absent or 0 for none. */
  administrationVersion: z.int().min(0).optional(),
  /** Ejections in force in the isolate, by endpoint key. */
  ejections: z
    .record(z.string().max(1024), z.strictObject({ untilMs: z.number(), reason: z.string().max(256) }))
    .optional(),
  /** How often requests have met as many errors in a row as the endpoint's checks are to know of, by endpoint key. */
  observed: z.record(z.string().max(1024), z.int().min(1).max(100)).optional(),
  /** Increments since the last acknowledged sync, by counter name (`requests_total{route="a",code="2xx"}` style). */
  counters: z.record(z.string().max(1024), z.number()),
  /** Increments of latency histograms, by name (`contract/latency-buckets.ts`). */
  histograms: z.record(z.string().max(1024), histogramSchema).optional(),
  /** What is so at present in this isolate, by name (`requests_in_flight{backend="a",endpoint="…"}` style). */
  gauges: z.record(z.string().max(1024), z.number()).optional(),
});
export type SyncRequest = z.infer<typeof syncRequestSchema>;

export const syncResponseSchema = z.strictObject({
  /** Present only when newer than what the isolate serves. */
  snapshot: versionedSnapshotSchema.optional(),
  /** Present only when the table changed. Endpoints not named are healthy. */
  health: z
    .strictObject({
      version: z.int().positive(),
      unhealthy: z.array(z.string()),
      /** By outlier detection, in the region as a whole. Absent: none. */
      ejected: z.array(z.string()).optional(),
      /** What endpoints say of themselves, by their keys. Absent: nothing. */
      reports: z.record(z.string(), selfReportSchema).optional(),
    })
    .optional(),
  /** The health of an endpoint may have changed by then. Absent: not before the next heartbeat. */
  nextSyncMs: z.int().min(limits.syncSoonestMs).max(limits.syncIntervalMs).optional(),
  /** Present only when newer than what the isolate holds. */
  administration: administrationSchema.optional(),
  /** For each tunnel, the hub shards that hold at least one authenticated agent. */
  tunnels: z.record(
    nameSchema,
    z.array(
      z
        .int()
        .min(0)
        .max(limits.hubsPerTunnel - 1),
    ),
  ),
});
export type SyncResponse = z.infer<typeof syncResponseSchema>;

// --- RegionState <-> TunnelHub -------------------------------------------------------------------------------------

/** The slice of a snapshot that the agents of one tunnel run. The agent dials nothing that is not in here. */
export const tunnelConfigSchema = z.strictObject({
  tunnel: nameSchema,
  /** Version of the snapshot it was cut from; agents and hubs ignore any version at or below their own. */
  version: z.int().positive(),
  hash: z.string(),
  backends: z.array(
    z.strictObject({
      name: nameSchema,
      protocol: backendProtocolSchema,
      tls: backendTlsSchema.optional(),
      connectTimeoutMs: z.int().positive().optional(),
      /** What connections begin with that carry requests. Absent: nothing. */
      proxyProtocol: proxyProtocolVersionSchema.optional(),
      endpoints: z.array(endpointSchema),
      activeHealthCheck: activeHealthCheckSchema.optional(),
    }),
  ),
});
export type TunnelConfig = z.infer<typeof tunnelConfigSchema>;

export const agentStatusSchema = z.strictObject({
  tunnel: nameSchema,
  shard: z.int().min(0),
  /** Random id of the connection, shown in the logs of both ends. */
  connection: z.string(),
  /** Name the agent gives itself (host name by default); for people, never for decisions. */
  instance: z.string().max(253),
  /** As the agent declared it. */
  zone: z.string().max(253).optional(),
  /** Of the agent's program. */
  agentVersion: z.string().max(64).optional(),
  /** SPIFFE id proved by the agent. */
  spiffeId: z.string(),
  certificateSerial: z.string(),
  certificateNotAfterMs: z.number(),
  connectedAtMs: z.number(),
  configVersion: z.int().min(0),
  streams: z.int().min(0),
  draining: z.boolean(),
  /** False: it answers neither pings nor requests at present. Absent: as far as is known it does. */
  responsive: z.boolean().optional(),
  /** Of its connection, smoothed. Absent: not measured yet. */
  roundTripMs: z.number().min(0).optional(),
  /** Since it connected: streams, bytes of bodies and messages from and to the agent, streams that were broken off. */
  streamsOpened: z.int().min(0).optional(),
  bytesIn: z.number().min(0).optional(),
  bytesOut: z.number().min(0).optional(),
  resets: z.int().min(0).optional(),
});
export type AgentStatus = z.infer<typeof agentStatusSchema>;

/** RegionState -> TunnelHub, once per heartbeat and when either part changed. */
export const hubPushSchema = z.strictObject({
  trust: trustSchema.optional(),
  config: tunnelConfigSchema.optional(),
  /** The batch of counters that was taken last. */
  countersTaken: z.string().max(64).optional(),
});
export type HubPush = z.infer<typeof hubPushSchema>;

/** What a check has found. */
export const endpointVerdictFields = {
  healthy: z.boolean(),
  /** Healthy, but it wants no new clients. */
  draining: z.literal(true).optional(),
  reason: z.string().max(256),
};

/** The hub's answer to a push. */
export const hubReportSchema = z.strictObject({
  trustVersion: z.int().min(0),
  configVersion: z.int().min(0),
  agents: z.array(agentStatusSchema),
  /** Increments by counter name: a batch, the same in each report until a push says that it was taken. */
  counters: z.record(z.string().max(1024), z.number()).optional(),
  /** Id of that batch. */
  countersBatch: z.string().max(64).optional(),
  /** Endpoint keys (see `endpointKey`) that agents check, each with the verdict of the agents that see it. */
  endpoints: z.record(z.string(), z.strictObject(endpointVerdictFields)),
});
export type HubReport = z.infer<typeof hubReportSchema>;

// --- RegionState -> control ----------------------------------------------------------------------------------------

/** A gateway of the region, as it last spoke. */
export const gatewayStatusSchema = z.strictObject({
  gateway: z.string(),
  snapshotVersion: z.int().min(0),
  lastSyncMs: z.number(),
});

export const endpointStatusSchema = z.strictObject({
  key: z.string(),
  healthy: z.boolean(),
  reason: z.string(),
  sinceMs: z.number(),
  source: z.enum(["gateway", "agent"]),
});

export const controlSyncRequestSchema = z.strictObject({
  region: z.string().max(64),
  holdMs: holdMsSchema,
  snapshotVersion: z.int().min(0),
  snapshotHash: snapshotHashSchema,
  trustVersion: z.int().min(0),
  administrationVersion: z.int().min(0).optional(),
  gateways: z.array(gatewayStatusSchema),
  agents: z.array(agentStatusSchema),
  endpoints: z.array(endpointStatusSchema),
  /** Totals since the state object first started. `sync_calls_total` and `requests_total` are always among them. */
  counters: z.record(z.string(), z.number()),
  /** Totals likewise, every few seconds; absent: as before. */
  histograms: z.record(z.string(), histogramSchema).optional(),
  /** Sums over the isolates that spoke lately. */
  gauges: z.record(z.string(), z.number()).optional(),
});
export type ControlSyncRequest = z.infer<typeof controlSyncRequestSchema>;

/** What a region does not know yet. The snapshot, if one is newer, follows as lines (`sync-text.ts`). */
export const controlSyncAnswerSchema = z.strictObject({
  trust: trustSchema.optional(),
  administration: administrationSchema.optional(),
});
export type ControlSyncAnswer = z.infer<typeof controlSyncAnswerSchema>;

// --- gateway -> control, on behalf of an agent ---------------------------------------------------------------------

/** `POST /join`: a one-time token and a certificate signing request (PKCS #10, PEM) for a new identity. */
export const joinRequestSchema = z.strictObject({
  token: z.string().max(256),
  tunnel: nameSchema,
  csrPem: z.string().max(8192),
});
export type JoinRequest = z.infer<typeof joinRequestSchema>;

/** `POST /renew`: only the hub calls it, with the identity that the agent has proved on its connection. */
export const renewRequestSchema = z.strictObject({
  spiffeId: z.string().max(2048),
  certificateSerial: z.string().max(64),
  csrPem: z.string().max(8192),
});
export type RenewRequest = z.infer<typeof renewRequestSchema>;

export const issuedCertificateSchema = z.strictObject({
  /** Leaf first, then intermediates if any; PEM. */
  certificateChainPem: z.string(),
  /** Roots to trust; PEM, concatenated. */
  trustBundlePem: z.string(),
  spiffeId: z.string(),
  notAfterMs: z.number(),
});
export type IssuedCertificate = z.infer<typeof issuedCertificateSchema>;

/** Refusal of any internal or admin call. */
export const apiErrorSchema = z.strictObject({
  /** Closed, snake_case, stable. */
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
});
export type ApiError = z.infer<typeof apiErrorSchema>;
