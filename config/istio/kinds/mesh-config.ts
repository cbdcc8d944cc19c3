// What of the mesh's configuration is read: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/
import { z } from "zod";
import { defineKind } from "../../kubernetes/kind.ts";
import { count, goDuration, labels, port, texts } from "./values.ts";
import { retries } from "./virtual-service.ts";

const askedFields = {
  service: z.string().min(1).max(320),
  // Istio's own examples write the number as text, as protocol buffers allow it.
  port: z.union([port, z.string().regex(/^[1-9][0-9]{0,4}$/, "expected the number of a port")]),
  timeout: goDuration.optional(),
  failOpen: z.boolean().optional(),
  clearRouteCache: z.boolean().optional(),
  statusOnError: z
    .string()
    .regex(/^[45][0-9]{2}$/, "expected the number of a status of 400 or above")
    .optional(),
  includeRequestBodyInCheck: z.looseObject({}).optional(),
};

const httpProvider = z.strictObject({
  ...askedFields,
  pathPrefix: z.string().max(1_024).regex(/^\//, "expected a path: '/' first").optional(),
  includeHeadersInCheck: texts.optional(),
  includeRequestHeadersInCheck: texts.optional(),
  includeAdditionalHeadersInCheck: labels.optional(),
  headersToUpstreamOnAllow: texts.optional(),
  headersToDownstreamOnDeny: texts.optional(),
  headersToDownstreamOnAllow: texts.optional(),
});

const grpcProvider = z.strictObject(askedFields);

const provider = z.looseObject({
  name: z.string().min(1).max(253),
  envoyExtAuthzHttp: httpProvider.optional(),
  envoyExtAuthzGrpc: grpcProvider.optional(),
});

/** Of Envoy's own settings all else is noted. */
const proxyConfig = z.looseObject({
  gatewayTopology: z.looseObject({ numTrustedProxies: count.max(32).optional() }).optional(),
});

export const meshConfigSchema = z.looseObject({
  defaultServiceExportTo: texts.optional(),
  defaultVirtualServiceExportTo: texts.optional(),
  defaultDestinationRuleExportTo: texts.optional(),
  defaultHttpRetryPolicy: retries.optional(),
  connectTimeout: goDuration.optional(),
  defaultConfig: proxyConfig.optional(),
  rootNamespace: z.string().optional(),
  trustDomain: z.string().optional(),
  trustDomainAliases: texts.optional(),
  extensionProviders: z.array(provider).max(256).optional(),
});

export const istioOperatorKind = defineKind({
  group: "install.istio.io",
  versions: ["v1alpha1"],
  kind: "IstioOperator",
  namespaced: true,
  body: z.looseObject({ spec: z.looseObject({ meshConfig: meshConfigSchema.nullish() }).nullish() }),
});

export type MeshConfigBody = z.output<typeof meshConfigSchema>;
export type ExtensionProvider = z.output<typeof provider>;
export type HttpProvider = z.output<typeof httpProvider>;
export type GrpcProvider = z.output<typeof grpcProvider>;
