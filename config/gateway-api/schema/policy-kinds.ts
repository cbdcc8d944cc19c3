// ReferenceGrant and BackendTLSPolicy.
import { z } from "zod";
import { hostnameSchema, preciseHostnameSchema } from "#contract/http-route.ts";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { gatewayGroup, grantFrom, grantTo, localRef, sectionName } from "./reference.ts";

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

export type ReferenceGrant = Resource<BodyOf<typeof referenceGrantKind>>;
export type BackendTlsPolicy = Resource<BodyOf<typeof backendTlsPolicyKind>>;
