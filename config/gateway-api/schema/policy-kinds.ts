// ReferenceGrant, BackendTLSPolicy and XBackendTrafficPolicy.
import { z } from "zod";
import { hostnameSchema, preciseHostnameSchema } from "#contract/http-route.ts";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { duration, gatewayGroup, grantFrom, grantTo, localRef, sectionName } from "./reference.ts";
import { sessionPersistence } from "./route-kinds.ts";

export const referenceGrantKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1beta1", "v1alpha2"],
  kind: "ReferenceGrant",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      from: z.array(grantFrom).min(1).max(16),
      to: z.array(grantTo).min(1).max(16),
    }),
  }),
});

export const backendTlsPolicyKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1alpha3"],
  kind: "BackendTLSPolicy",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      targetRefs: z
        .array(z.strictObject({ ...localRef.shape, sectionName: sectionName.optional() }))
        .min(1)
        .max(16),
      validation: z
        .strictObject({
          caCertificateRefs: z.array(localRef).max(8).default([]),
          wellKnownCACertificates: z.string().max(253).optional(),
          hostname: preciseHostnameSchema,
          subjectAltNames: z
            .array(
              z
                .strictObject({
                  type: z.enum(["Hostname", "URI"]),
                  hostname: hostnameSchema.optional(),
                  uri: z.string().min(1).max(253).optional(),
                })
                .refine(({ type, hostname, uri }) => (type === "URI" ? !hostname && uri : hostname && !uri), {
                  message: "expected hostname with type Hostname, or uri with type URI",
                }),
            )
            .max(5)
            .default([]),
        })
        .refine(
          ({ caCertificateRefs, wellKnownCACertificates }) =>
            wellKnownCACertificates === undefined
              ? caCertificateRefs.length > 0
              : caCertificateRefs.length === 0,
          { message: "expected caCertificateRefs or wellKnownCACertificates, one of them" },
        ),
      options: z.record(z.string(), z.string()).default({}),
    }),
  }),
});

/** Experimental: GEP-3388 and GEP-1619. */
export const xBackendTrafficPolicyKind = defineKind({
  group: "gateway.networking.x-k8s.io",
  versions: ["v1alpha1"],
  kind: "XBackendTrafficPolicy",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      targetRefs: z.array(localRef).min(1).max(16),
      retryConstraint: z
        .strictObject({
          budget: z
            .strictObject({
              percent: z.int().min(0).max(100).optional(),
              interval: duration.optional(),
            })
            .optional(),
          minRetryRate: z
            .strictObject({
              count: z.int().min(1).max(1_000_000).optional(),
              interval: duration.optional(),
            })
            .optional(),
        })
        .optional(),
      sessionPersistence: sessionPersistence.optional(),
    }),
  }),
});

export type XBackendTrafficPolicy = Resource<BodyOf<typeof xBackendTrafficPolicyKind>>;
export type ReferenceGrant = Resource<BodyOf<typeof referenceGrantKind>>;
export type BackendTlsPolicy = Resource<BodyOf<typeof backendTlsPolicyKind>>;
