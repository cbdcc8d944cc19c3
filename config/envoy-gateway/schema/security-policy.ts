// SecurityPolicy: who may pass a Gateway or a route.
import { z } from "zod";
import { methodSchema, pathMatchSchema } from "#contract/http-route.ts";
import { backendObjectRef } from "../../gateway-api/schema/reference.ts";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import {
  backendSettings,
  duration,
  envoyGroup,
  flag,
  hasTargets,
  mergeType,
  objectRef,
  serverRef,
  targetFields,
  texts,
  unread,
  unreadFields,
} from "./common.ts";

const cors = z.strictObject({
  allowOrigins: texts,
  allowMethods: texts,
  allowHeaders: texts,
  exposeHeaders: texts,
  maxAge: duration,
  allowCredentials: flag,
});

const provider = z.strictObject({
  name: z.string().min(1).max(253),
  issuer: z.string().max(253).optional(),
  audiences: texts,
  remoteJWKS: z
    .strictObject({
      uri: z.string().min(1).max(2048),
      cacheDuration: duration,
      backendSettings,
      ...unreadFields(["backendRef", "backendRefs", "failedRefetchDuration"]),
    })
    .optional(),
  localJWKS: z
    .strictObject({
      type: z.enum(["Inline", "ValueRef"]).optional(),
      inline: z.string().max(65_536).optional(),
      valueRef: objectRef.optional(),
    })
    .optional(),
  claimToHeaders: z
    .array(z.strictObject({ header: z.string(), claim: z.string() }))
    .max(16)
    .optional(),
  extractFrom: z
    .strictObject({
      headers: z
        .array(z.strictObject({ name: z.string(), valuePrefix: z.string().optional() }))
        .max(8)
        .optional(),
      cookies: texts,
      params: texts,
    })
    .optional(),
  recomputeRoute: unread.optional(),
});

const asked = {
  backendRef: z.strictObject(backendObjectRef).optional(),
  backendRefs: z.array(serverRef).min(1).max(16).optional(),
  backendSettings,
};

const extAuth = z.strictObject({
  http: z
    .strictObject({
      ...asked,
      path: z.string().max(1024).optional(),
      headersToBackend: texts,
      ...unreadFields(["pathOverride"]),
    })
    .optional(),
  grpc: z.strictObject(asked).optional(),
  contextExtensions: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(256),
        type: z.enum(["Value", "ValueRef"]),
        value: z.string().max(4096).optional(),
        valueRef: z
          .strictObject({
            group: z.enum(["", "v1"]),
            kind: z.enum(["ConfigMap", "Secret"]),
            name: z.string().min(1).max(253),
            key: z.string().min(1).max(253),
          })
          .optional(),
      }),
    )
    .max(64)
    .optional(),
  headersToExtAuth: texts,
  statusOnError: z.int().min(400).max(511).optional(),
  failOpen: flag,
  timeout: duration,
  ...unreadFields(["bodyToExtAuth", "includeRouteMetadata", "recomputeRoute"]),
});

const values = z.array(z.string().max(1024)).min(1).max(256);

const authorizationRule = z.strictObject({
  name: z.string().max(253).optional(),
  action: z.enum(["Allow", "Deny"]),
  operation: z
    .strictObject({
      methods: z.array(methodSchema).max(16).optional(),
      path: z
        .strictObject({
          type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).optional(),
          value: z.string().max(1024).optional(),
          invert: flag,
        })
        .transform(({ type = "PathPrefix", value = "/", invert }) => ({ type, value, invert }))
        .superRefine(({ type, value }, context) => {
          for (const { message } of pathMatchSchema.safeParse({ type, value }).error?.issues ?? []) {
            context.addIssue({ code: "custom", message, path: ["value"], input: value });
          }
        })
        .optional(),
    })
    .optional(),
  principal: z
    .strictObject({
      clientCIDRs: texts,
      jwt: z
        .strictObject({
          provider: z.string().min(1).max(253),
          scopes: texts,
          claims: z
            .array(z.strictObject({ name: z.string().min(1), valueType: unread.optional(), values }))
            .max(16)
            .optional(),
        })
        .optional(),
      headers: z
        .array(z.strictObject({ name: z.string().min(1).max(256), values }))
        .max(256)
        .optional(),
      clientIPGeoLocations: unread.optional(),
    })
    .optional(),
  cel: unread.optional(),
});

export const securityPolicyKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "SecurityPolicy",
  namespaced: true,
  body: z.strictObject({
    spec: z
      .strictObject({
        ...targetFields,
        mergeType,
        cors: cors.optional(),
        basicAuth: z
          .strictObject({ users: objectRef, forwardUsernameHeader: z.string().optional() })
          .optional(),
        apiKeyAuth: z
          .strictObject({
            credentialRefs: z.array(objectRef).min(1).max(64),
            extractFrom: z
              .array(z.strictObject({ headers: texts, params: texts, cookies: texts }))
              .min(1)
              .max(16),
            forwardClientIDHeader: z.string().optional(),
            sanitize: flag,
          })
          .optional(),
        jwt: z
          .strictObject({
            optional: flag,
            failOpen: unread.optional(),
            providers: z.array(provider).min(1).max(16),
          })
          .optional(),
        extAuth: extAuth.optional(),
        authorization: z
          .strictObject({
            defaultAction: z.enum(["Allow", "Deny"]).optional(),
            rules: z.array(authorizationRule).max(256).optional(),
          })
          .optional(),
        ...unreadFields(["csrf", "oidc"]),
      })
      .refine(...hasTargets),
  }),
});

export type SecurityPolicy = Resource<BodyOf<typeof securityPolicyKind>>;
export type SecuritySpec = SecurityPolicy["body"]["spec"];
