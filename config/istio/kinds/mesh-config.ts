// What of the mesh's configuration is read: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/
import { z } from "zod";
import { defineKind } from "../../kubernetes/kind.ts";
import { count, goDuration, labels, port, texts } from "./values.ts";
import { retries } from "./virtual-service.ts";

const httpProvider = z.strictObject({
  service: z.string().min(1).max(320),
  // Istio's own examples write the number as text, as protocol buffers allow it.
  port: z.union([port, z.string().regex(/^[1-9][0-9]{0,4}$/, "expected the number of a port")]),
  timeout: goDuration.optional(),
  failOpen: z.boolean().optional(),
  clearRouteCache: z.boolean().optional(),
  statusOnError: z.string().max(3).optional(),
  pathPrefix: z.string().max(1_024).regex(/^\//, "expected a path: '/' first").optional(),
  includeHeadersInCheck: texts.optional(),
  includeRequestHeadersInCheck: texts.optional(),
  includeAdditionalHeadersInCheck: labels.optional(),
  includeRequestBodyInCheck: z.looseObject({}).optional(),
  headersToUpstreamOnAllow: texts.optional(),
  headersToDownstreamOnDeny: texts.optional(),
  headersToDownstreamOnAllow: texts.optional(),
});

const provider = z.looseObject({
  name: z.string().min(1).max(253),
  envoyExtAuthzHttp: httpProvider.optional(),
  envoyExtAuthzGrpc: z.looseObject({}).optional(),
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
