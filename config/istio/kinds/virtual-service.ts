// VirtualService: https://istio.io/latest/docs/reference/config/networking/virtual-service/
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import {
  count,
  goDuration,
  labels,
  networkingVersions,
  percent,
  port,
  portSelector,
  stringMatch,
  texts,
} from "./values.ts";

const destination = z.strictObject({
  host: z.string().min(1).max(253),
  subset: z.string().max(253).optional(),
  port: portSelector.optional(),
});

const headerOperations = z.strictObject({
  set: labels.optional(),
  add: labels.optional(),
  remove: texts.optional(),
});
const headers = z.strictObject({
  request: headerOperations.optional(),
  response: headerOperations.optional(),
});
const stringMatches = z.record(z.string(), stringMatch.nullable());

const httpMatch = z.strictObject({
  name: z.string().optional(),
  uri: stringMatch.optional(),
  scheme: stringMatch.optional(),
  method: stringMatch.optional(),
  authority: stringMatch.optional(),
  headers: stringMatches.optional(),
  withoutHeaders: stringMatches.optional(),
  queryParams: stringMatches.optional(),
  port: port.optional(),
  sourceLabels: labels.optional(),
  sourceNamespace: z.string().optional(),
  gateways: texts.optional(),
  ignoreUriCase: z.boolean().optional(),
  statPrefix: z.string().optional(),
});

const weighted = { destination, weight: z.int().min(0).max(1_000_000).optional() };

const redirect = z.strictObject({
  uri: z.string().max(4_096).optional(),
  authority: z.string().max(253).optional(),
  port: port.optional(),
  derivePort: z.enum(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"]).optional(),
  scheme: z.string().max(16).optional(),
  redirectCode: z.int().optional(),
  prefixRewrite: z.string().max(4_096).optional(),
});

const rewrite = z.strictObject({
  uri: z.string().max(4_096).optional(),
  authority: z.string().max(253).optional(),
  uriRegexRewrite: z
    .strictObject({ match: z.string().max(4_096), rewrite: z.string().max(4_096) })
    .optional(),
});

const fault = z.strictObject({
  delay: z
    .strictObject({
      percent: z.int().min(0).max(100).optional(),
      percentage: percent.optional(),
      fixedDelay: goDuration.optional(),
      exponentialDelay: goDuration.optional(),
    })
    .optional(),
  abort: z
    .strictObject({
      percentage: percent.optional(),
      httpStatus: z.int().min(200).max(599).optional(),
      grpcStatus: z.string().max(64).optional(),
      http2Error: z.string().optional(),
    })
    .optional(),
});

const corsPolicy = z.strictObject({
  allowOrigin: texts.optional(),
  allowOrigins: z.array(stringMatch).max(64).optional(),
  allowMethods: texts.optional(),
  allowHeaders: texts.optional(),
  exposeHeaders: texts.optional(),
  maxAge: goDuration.optional(),
  allowCredentials: z.boolean().optional(),
  unmatchedPreflights: z.enum(["UNSPECIFIED", "FORWARD", "IGNORE"]).optional(),
});

export const retries = z.strictObject({
  attempts: z.int().min(0).max(1_000).optional(),
  perTryTimeout: goDuration.optional(),
  retryOn: z.string().max(1_024).optional(),
  retryRemoteLocalities: z.boolean().optional(),
  retryIgnorePreviousHosts: z.boolean().optional(),
  backoff: goDuration.optional(),
});

const httpRoute = z.strictObject({
  name: z.string().max(253).optional(),
  match: z.array(httpMatch).max(1_024).optional(),
  route: z
    .array(z.strictObject({ ...weighted, headers: headers.optional() }))
    .max(1_024)
    .optional(),
  redirect: redirect.optional(),
  directResponse: z
    .strictObject({
      status: z.int().min(100).max(599),
      body: z.strictObject({ string: z.string().optional(), bytes: z.string().optional() }).optional(),
    })
    .optional(),
  delegate: z.strictObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  rewrite: rewrite.optional(),
  timeout: goDuration.optional(),
  retries: retries.optional(),
  fault: fault.optional(),
  mirror: destination.optional(),
  mirrors: z
    .array(z.strictObject({ destination, percentage: percent.optional() }))
    .max(16)
    .optional(),
  mirrorPercent: count.max(100).optional(),
  // The name of the field before it was corrected; the API still takes it.
  mirror_percent: count.max(100).optional(),
  mirrorPercentage: percent.optional(),
  corsPolicy: corsPolicy.optional(),
  headers: headers.optional(),
});

const sourceFields = {
  port: port.optional(),
  destinationSubnets: texts.optional(),
  sourceLabels: labels.optional(),
  gateways: texts.optional(),
  sourceNamespace: z.string().optional(),
};

const tlsRoute = z.strictObject({
  match: z.array(z.strictObject({ sniHosts: texts.min(1), ...sourceFields })).max(1_024),
  route: z.array(z.strictObject(weighted)).max(1_024).optional(),
});

const tcpRoute = z.strictObject({
  match: z
    .array(z.strictObject({ ...sourceFields, sourceSubnet: z.string().optional() }))
    .max(1_024)
    .optional(),
  route: z.array(z.strictObject(weighted)).max(1_024).optional(),
});

export const virtualServiceKind = defineKind({
  group: "networking.istio.io",
  versions: networkingVersions,
  kind: "VirtualService",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      hosts: z.array(z.string().min(1).max(253)).max(1_024).optional(),
      gateways: texts.optional(),
      http: z.array(httpRoute).max(4_096).optional(),
      tls: z.array(tlsRoute).max(4_096).optional(),
      tcp: z.array(tcpRoute).max(4_096).optional(),
      exportTo: texts.optional(),
    }),
  }),
});

export type VirtualService = Resource<BodyOf<typeof virtualServiceKind>>;
export type HttpRoute = z.output<typeof httpRoute>;
export type HttpMatch = z.output<typeof httpMatch>;
export type Destination = z.output<typeof destination>;
export type HeaderOperations = z.output<typeof headerOperations>;
export type HttpRedirect = z.output<typeof redirect>;
export type HttpRetry = z.output<typeof retries>;
export type CorsPolicy = z.output<typeof corsPolicy>;
export type TlsRoute = z.output<typeof tlsRoute>;
export type TcpRoute = z.output<typeof tcpRoute>;
export type ConnectionMatch = NonNullable<TcpRoute["match"]>[number] & { readonly sniHosts?: string[] };
