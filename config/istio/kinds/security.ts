// Who may do what: https://istio.io/latest/docs/reference/config/security/
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { goDuration, labels, securityVersions, texts } from "./values.ts";

const targetRef = z.strictObject({
  group: z.string().optional(),
  kind: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
});

const scopeFields = {
  selector: z.strictObject({ matchLabels: labels.optional() }).optional(),
  targetRef: targetRef.optional(),
  targetRefs: z.array(targetRef).max(16).optional(),
};

const source = z.strictObject({
  principals: texts.optional(),
  notPrincipals: texts.optional(),
  requestPrincipals: texts.optional(),
  notRequestPrincipals: texts.optional(),
  namespaces: texts.optional(),
  notNamespaces: texts.optional(),
  serviceAccounts: texts.optional(),
  notServiceAccounts: texts.optional(),
  ipBlocks: texts.optional(),
  notIpBlocks: texts.optional(),
  remoteIpBlocks: texts.optional(),
  notRemoteIpBlocks: texts.optional(),
  trustDomains: texts.optional(),
  notTrustDomains: texts.optional(),
});

const operation = z.strictObject({
  hosts: texts.optional(),
  notHosts: texts.optional(),
  ports: texts.optional(),
  notPorts: texts.optional(),
  methods: texts.optional(),
  notMethods: texts.optional(),
  paths: texts.optional(),
  notPaths: texts.optional(),
});

const condition = z.strictObject({
  key: z.string().min(1).max(1_024),
  values: texts.optional(),
  notValues: texts.optional(),
});

const rule = z.strictObject({
  from: z
    .array(z.strictObject({ source: source.default({}) }))
    .max(256)
    .nullish(),
  to: z
    .array(z.strictObject({ operation: operation.default({}) }))
    .max(256)
    .nullish(),
  when: z.array(condition).max(64).nullish(),
});

export const authorizationPolicyKind = defineKind({
  group: "security.istio.io",
  versions: securityVersions,
  kind: "AuthorizationPolicy",
  namespaced: true,
  body: z.strictObject({
    spec: z
      .strictObject({
        ...scopeFields,
        rules: z.array(rule).max(1_024).nullish(),
        action: z.enum(["ALLOW", "DENY", "AUDIT", "CUSTOM"]).default("ALLOW"),
        provider: z.strictObject({ name: z.string().optional() }).optional(),
      })
      .nullish(),
  }),
});

const jwtRule = z.strictObject({
  issuer: z.string().max(1_024).optional(),
  audiences: texts.optional(),
  jwksUri: z.string().max(2_048).optional(),
  jwks_uri: z.string().max(2_048).optional(),
  jwks: z.string().max(65_536).optional(),
  fromHeaders: z
    .array(z.strictObject({ name: z.string().min(1).max(256), prefix: z.string().max(64).optional() }))
    .max(8)
    .optional(),
  fromParams: texts.optional(),
  fromCookies: texts.optional(),
  outputPayloadToHeader: z.string().optional(),
  outputClaimToHeaders: z
    .array(z.strictObject({ header: z.string(), claim: z.string() }))
    .max(16)
    .optional(),
  forwardOriginalToken: z.boolean().optional(),
  timeout: goDuration.optional(),
  spaceDelimitedClaims: texts.optional(),
  presence: z.enum(["OPTIONAL", "REQUIRED"]).optional(),
});

export const requestAuthenticationKind = defineKind({
  group: "security.istio.io",
  versions: securityVersions,
  kind: "RequestAuthentication",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({ ...scopeFields, jwtRules: z.array(jwtRule).max(4_096).optional() }).nullish(),
  }),
});

const mutualTls = z.strictObject({
  mode: z.enum(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]).optional(),
});

export const peerAuthenticationKind = defineKind({
  group: "security.istio.io",
  versions: securityVersions,
  kind: "PeerAuthentication",
  namespaced: true,
  body: z.strictObject({
    spec: z
      .strictObject({
        selector: scopeFields.selector,
        mtls: mutualTls.nullish(),
        portLevelMtls: z.record(z.string(), mutualTls).optional(),
      })
      .nullish(),
  }),
});

export type AuthorizationPolicy = Resource<BodyOf<typeof authorizationPolicyKind>>;
export type RequestAuthentication = Resource<BodyOf<typeof requestAuthenticationKind>>;
export type PeerAuthentication = Resource<BodyOf<typeof peerAuthenticationKind>>;
export type AuthorizationRuleBody = z.output<typeof rule>;
export type Source = z.output<typeof source>;
export type Operation = z.output<typeof operation>;
export type When = z.output<typeof condition>;
export type JwtRule = z.output<typeof jwtRule>;
