// DestinationRule: https://istio.io/latest/docs/reference/config/networking/destination-rule/
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { count, goDuration, labels, networkingVersions, portSelector, texts } from "./values.ts";

const failover = z.array(z.strictObject({ from: z.string().optional(), to: z.string().optional() })).max(64);

const consistentHash = z.strictObject({
  httpHeaderName: z.string().max(256).optional(),
  httpCookie: z
    .strictObject({
      name: z.string().min(1).max(256),
      path: z.string().optional(),
      ttl: goDuration.optional(),
      attributes: z
        .array(z.strictObject({ name: z.string(), value: z.string().optional() }))
        .max(16)
        .optional(),
    })
    .optional(),
  useSourceIp: z.boolean().optional(),
  httpQueryParameterName: z.string().max(256).optional(),
  ringHash: z.strictObject({ minimumRingSize: z.int().min(0).optional() }).optional(),
  maglev: z.strictObject({ tableSize: z.int().min(0).optional() }).optional(),
  minimumRingSize: z.int().min(0).optional(),
});

const loadBalancer = z.strictObject({
  simple: z
    .enum(["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"])
    .optional(),
  consistentHash: consistentHash.optional(),
  // What endpoints report of themselves is not listened to, whatever is said of how to use it.
  backendUtilization: z.looseObject({}).optional(),
  localityLbSetting: z
    .strictObject({
      enabled: z.boolean().optional(),
      distribute: z
        .array(z.strictObject({ from: z.string().optional(), to: z.record(z.string(), count).optional() }))
        .max(64)
        .optional(),
      failover: failover.optional(),
      failoverPriority: texts.optional(),
    })
    .optional(),
  zoneAwareLbSetting: z
    .strictObject({
      enabled: z.boolean().optional(),
      failover: failover.optional(),
      failoverPriority: texts.optional(),
      minClusterSize: count.optional(),
    })
    .optional(),
  warmupDurationSecs: goDuration.optional(),
  warmup: z
    .strictObject({
      duration: goDuration,
      minimumPercent: z.number().min(0).max(100).optional(),
      aggression: z.number().positive().max(10).optional(),
    })
    .optional(),
});

const connectionPool = z.strictObject({
  tcp: z
    .strictObject({
      maxConnections: count.optional(),
      connectTimeout: goDuration.optional(),
      tcpKeepalive: z
        .strictObject({
          probes: count.optional(),
          time: goDuration.optional(),
          interval: goDuration.optional(),
        })
        .optional(),
      maxConnectionDuration: goDuration.optional(),
      idleTimeout: goDuration.optional(),
    })
    .optional(),
  http: z
    .strictObject({
      http1MaxPendingRequests: count.optional(),
      http2MaxRequests: count.optional(),
      maxRequestsPerConnection: count.optional(),
      maxRetries: count.optional(),
      idleTimeout: goDuration.optional(),
      h2UpgradePolicy: z.enum(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]).optional(),
      useClientProtocol: z.boolean().optional(),
      maxConcurrentStreams: count.optional(),
      http2KeepAlive: z
        .strictObject({ interval: goDuration.optional(), timeout: goDuration.optional() })
        .optional(),
    })
    .optional(),
});

const outlierDetection = z.strictObject({
  consecutiveErrors: count.optional(),
  splitExternalLocalOriginErrors: z.boolean().optional(),
  consecutiveLocalOriginFailures: count.optional(),
  consecutiveGatewayErrors: count.optional(),
  consecutive5xxErrors: count.optional(),
  interval: goDuration.optional(),
  baseEjectionTime: goDuration.optional(),
  maxEjectionPercent: z.int().min(0).max(100).optional(),
  minHealthPercent: z.int().min(0).max(100).optional(),
  outlierDetectionHttpErrorCodes: z.array(z.int().min(100).max(599)).max(64).optional(),
});

const clientTls = z.strictObject({
  mode: z.enum(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]).optional(),
  clientCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  credentialName: z.string().optional(),
  subjectAltNames: texts.optional(),
  sni: z.string().optional(),
  insecureSkipVerify: z.boolean().optional(),
  caCrl: z.string().optional(),
});

const portPolicyFields = {
  loadBalancer: loadBalancer.optional(),
  connectionPool: connectionPool.optional(),
  outlierDetection: outlierDetection.optional(),
  tls: clientTls.optional(),
};

const trafficPolicy = z.strictObject({
  ...portPolicyFields,
  portLevelSettings: z
    .array(z.strictObject({ port: portSelector, ...portPolicyFields }))
    .max(4_096)
    .optional(),
  tunnel: z
    .strictObject({ protocol: z.string().optional(), targetHost: z.string(), targetPort: count })
    .optional(),
  proxyProtocol: z.strictObject({ version: z.enum(["V1", "V2"]).optional() }).optional(),
  retryBudget: z
    .strictObject({
      percent: z.number().min(0).max(100).optional(),
      minRetryConcurrency: count.optional(),
      budgetInterval: goDuration.optional(),
    })
    .optional(),
});

const subset = z.strictObject({
  name: z.string().min(1).max(253),
  labels: labels.optional(),
  trafficPolicy: trafficPolicy.optional(),
});

export const destinationRuleKind = defineKind({
  group: "networking.istio.io",
  versions: networkingVersions,
  kind: "DestinationRule",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      host: z.string().min(1).max(253),
      trafficPolicy: trafficPolicy.optional(),
      subsets: z.array(subset).max(1_024).optional(),
      exportTo: texts.optional(),
      workloadSelector: z.strictObject({ matchLabels: labels.optional() }).optional(),
    }),
  }),
});

export type DestinationRule = Resource<BodyOf<typeof destinationRuleKind>>;
export type TrafficPolicy = z.output<typeof trafficPolicy>;
export type LoadBalancerSettings = z.output<typeof loadBalancer>;
export type ConnectionPool = z.output<typeof connectionPool>;
export type OutlierDetection = z.output<typeof outlierDetection>;
export type ClientTls = z.output<typeof clientTls>;
export type Subset = z.output<typeof subset>;
