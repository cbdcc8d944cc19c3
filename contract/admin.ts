// The admin API of the control worker, as its routes and the CLI's client both see it.
import { z } from "zod";
import { diagnosticSchema } from "./diagnostic.ts";
import { hostnameSchema } from "./http-route.ts";
import {
  agentStatusSchema,
  apiErrorSchema,
  endpointStatusSchema,
  gatewayStatusSchema,
  trustSchema,
} from "./sync.ts";
import { nameSchema, snapshotBackendSchema, snapshotListenerSchema, snapshotSchema } from "./snapshot.ts";

/** Each may do what the ones before it may, but that only a `forwarder` forwards ports, and nothing else. */
export const roleSchema = z.enum(["forwarder", "reader", "publisher", "admin"]);
export type Role = z.infer<typeof roleSchema>;

/** One source document of a configuration, or what has to come with it. */
export const sourceFileSchema = z.strictObject({
  /** As the user named it; diagnostics repeat it. */
  name: z.string().max(1024),
  content: z.string(),
  /**
   * `named`: no configuration itself, but what another of the files names, such as the map of a haproxy.cfg. Its name is
   * the one that it has there. `environment`: an environment variable that one of the files names, and its value. Default:
   * a configuration.
   */
  role: z.enum(["named", "environment"]).optional(),
});
export type SourceFile = z.infer<typeof sourceFileSchema>;

export const publishRequestSchema = z.strictObject({
  files: z.array(sourceFileSchema).min(1).max(1024),
  reason: z.string().max(1024).default(""),
  /** Version the author started from; refused with 409 when it is no longer current. Absent: no check. */
  baseVersion: z.int().min(0).optional(),
  /** Warnings refuse the publish, too. */
  strict: z.boolean().default(false),
  /** Validate and diff only. */
  dryRun: z.boolean().default(false),
  /** Kubernetes objects with errors are left out instead of refusing everything. */
  isolate: z.boolean().default(false),
  /** False: the answer leaves `changes` empty, for who does not look at them. */
  withChanges: z.boolean().default(true),
});
export type PublishRequest = z.input<typeof publishRequestSchema>;

export const versionSummarySchema = z.strictObject({
  version: z.int().positive(),
  hash: z.string(),
  author: z.string(),
  reason: z.string(),
  createdAtMs: z.number(),
  /** Version this one restores, for a rollback. */
  rollbackOf: z.int().positive().optional(),
  current: z.boolean(),
});
export type VersionSummary = z.infer<typeof versionSummarySchema>;

export const changeSchema = z.strictObject({
  kind: z.enum(["added", "removed", "changed"]),
  /** `listener`, `route`, `backend` or `settings`. */
  what: z.enum([
    "listener",
    "route",
    "tcpRoute",
    "tlsRoute",
    "backend",
    "errorPages",
    "counterTable",
    "settings",
  ]),
  name: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
export type Change = z.infer<typeof changeSchema>;

export const publishResponseSchema = z.strictObject({
  /** Absent for a dry run and where nothing changed against the current version. */
  version: versionSummarySchema.optional(),
  unchanged: z.boolean(),
  changes: z.array(changeSchema),
  diagnostics: z.array(diagnosticSchema),
});
export type PublishResponse = z.infer<typeof publishResponseSchema>;

/** A version with its sources and what they compiled to. */
export const versionDetailSchema = versionSummarySchema.extend({
  files: z.array(sourceFileSchema),
  snapshot: snapshotSchema,
});
export type VersionDetail = z.infer<typeof versionDetailSchema>;

/** The current version without its sources and routes, which are most of it: ports, and who is dialled. */
export const versionOutlineSchema = versionSummarySchema.extend({
  listeners: z.array(snapshotListenerSchema),
  backends: z.array(snapshotBackendSchema),
});
export type VersionOutline = z.infer<typeof versionOutlineSchema>;

export const diffResponseSchema = z.strictObject({
  from: z.int().positive(),
  to: z.int().positive(),
  changes: z.array(changeSchema),
});
export type DiffResponse = z.infer<typeof diffResponseSchema>;

export const rollbackRequestSchema = z.strictObject({
  /** Version to restore. */
  version: z.int().positive(),
  reason: z.string().max(1024).default(""),
  baseVersion: z.int().min(0).optional(),
});
export type RollbackRequest = z.input<typeof rollbackRequestSchema>;

export const tokenRequestSchema = z.strictObject({
  name: nameSchema,
  role: roleSchema,
  /** Absent: it does not expire. */
  expiresInSeconds: z.int().positive().optional(),
});
/** A bearer token without its secret, which exists in clear only in the answer that created it. */
export const tokenSummarySchema = z.strictObject({
  id: z.string(),
  name: nameSchema,
  role: roleSchema,
  createdAtMs: z.number(),
  expiresAtMs: z.number().optional(),
});
export const tokenCreatedSchema = tokenSummarySchema.extend({ token: z.string() });

export const joinTokenRequestSchema = z.strictObject({
  tunnel: nameSchema,
  expiresInSeconds: z
    .int()
    .positive()
    .max(7 * 86_400)
    .default(3600),
});
export const joinTokenSchema = z.strictObject({
  token: z.string(),
  tunnel: nameSchema,
  expiresAtMs: z.number(),
});

/** A server certificate for the front door that agents and clients dial. */
export const serverCertificateRequestSchema = z.strictObject({
  /** Its key is certified; names in the request do not count, `names` does. */
  csrPem: z.string().max(8192),
  /** DNS names and IP addresses. */
  names: z
    .array(z.union([hostnameSchema, z.ipv4(), z.ipv6()]))
    .min(1)
    .max(64),
});
export const serverCertificateSchema = z.strictObject({
  /** Leaf first; PEM. */
  certificateChainPem: z.string(),
  notAfterMs: z.number(),
});

/** Whom the agents trust, and who trusts the agents. */
export const trustResponseSchema = z.strictObject({
  version: z.int().positive(),
  trustDomain: z.string(),
  rootsPem: z.array(z.string()),
  signer: trustSchema.shape.signer,
  /** The same roots in one string: what `--ca-file` takes. */
  trustBundlePem: z.string(),
});

/** The authorities, oldest first, each without its key. */
export const authoritySchema = z.strictObject({
  trustDomain: z.string(),
  trustVersion: z.int().min(0),
  roots: z.array(
    z.strictObject({
      id: z.string(),
      /** The operator's own; else the control made it. */
      imported: z.boolean(),
      notAfterMs: z.number(),
      signsFromMs: z.number(),
      /** New certificates come from this one. */
      signing: z.boolean(),
      /** Certificates of it that have not expired: it goes when there are none, and a newer one signs. */
      certificates: z.int().min(0),
      /** Connections of agents that serve with one of them, and the tunnel port's certificate if it is one. */
      inUse: z.int().min(0),
    }),
  ),
});

export const certificateSummarySchema = z.strictObject({
  serial: z.string(),
  /** Empty for a server certificate. */
  spiffeId: z.string(),
  /** DNS names and IP addresses of a server certificate. */
  names: z.array(z.string()).optional(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  revokedAtMs: z.number().optional(),
});
/** Adds a root; it signs after `leadSeconds`, by default the lifetime of an agent's certificate. */
export const rotateRequestSchema = z.strictObject({
  leadSeconds: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .optional(),
});
/** Brings an authority of the operator's own; it signs after `leadSeconds`, at once where there was none before. */
export const importAuthorityRequestSchema = z.strictObject({
  /** The issuing certificate first, then each one's issuer, up to the root. */
  certificatesPem: z.string().max(64 * 1024),
  /** PKCS #8, P-256, of the issuing certificate. */
  privateKeyPem: z.string().max(8192),
  leadSeconds: rotateRequestSchema.shape.leadSeconds,
});
export const retireRequestSchema = z.strictObject({
  /** Also while somebody uses its certificates. */
  force: z.boolean().default(false),
});
export const revokeRequestSchema = z.strictObject({ reason: z.string().max(1024).default("") });

export const auditEntrySchema = z.strictObject({
  /** Which log it is of; ids count up within each. */
  log: z.enum(["config", "identity"]),
  id: z.int(),
  atMs: z.number(),
  actor: z.string(),
  /** `config.publish`, `config.rollback`, `token.create`, `token.delete`, `endpoint.administer`, `join-token.create`, `certificate.issue`, `certificate.revoke`, … */
  action: z.string(),
  detail: z.string(),
});

/** Query of every list: newest first, `next` of one page is `before` of the following one. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: z.string().max(64).optional(),
});
const nextPage = { next: z.string().optional() };
export const versionPageSchema = z.strictObject({ versions: z.array(versionSummarySchema), ...nextPage });
export const tokenListSchema = z.strictObject({ tokens: z.array(tokenSummarySchema) });
export const certificatePageSchema = z.strictObject({
  certificates: z.array(certificateSummarySchema),
  ...nextPage,
});
export const auditPageSchema = z.strictObject({ entries: z.array(auditEntrySchema), ...nextPage });

/**
 * Refusal of an admin call. A configuration with errors carries `diagnostics`; a publish or rollback on a stale base
 * carries the version that is current now and what changed since the base.
 */
export const adminErrorSchema = apiErrorSchema.extend({
  diagnostics: z.array(diagnosticSchema).optional(),
  current: versionSummarySchema.optional(),
  changes: z.array(changeSchema).optional(),
});
export type AdminError = z.infer<typeof adminErrorSchema>;

export const statusSchema = z.strictObject({
  current: versionSummarySchema.optional(),
  regions: z.array(
    z.strictObject({
      region: z.string(),
      lastSyncMs: z.number(),
      snapshotVersion: z.int(),
      gateways: z.array(gatewayStatusSchema),
      agents: z.array(agentStatusSchema),
      endpoints: z.array(endpointStatusSchema),
      counters: z.record(z.string(), z.number()),
    }),
  ),
});
export type Status = z.infer<typeof statusSchema>;
