// Ingress and IngressClass (networking.k8s.io/v1). Every field is named: what the API server would refuse is refused here.
import { z } from "zod";
import { hostnameSchema } from "#contract/http-route.ts";
import { defineKind, type BodyOf, type Resource } from "../kubernetes/kind.ts";

const objectName = z.string().min(1).max(253);

const backendSchema = z
  .strictObject({
    service: z
      .strictObject({
        name: objectName,
        port: z.strictObject({
          name: z.string().min(1).max(63).optional(),
          number: z.int().min(1).max(65_535).optional(),
        }),
      })
      .optional(),
    resource: z
      .strictObject({ apiGroup: z.string().nullish(), kind: z.string().min(1), name: objectName })
      .optional(),
  })
  .refine(({ service, resource }) => (service === undefined) !== (resource === undefined), {
    message: "expected service or resource, one of them",
  });

const pathSchema = z
  .strictObject({
    path: z
      .string()
      .max(1024)
      // oxlint-disable-next-line no-control-regex
      .regex(/^[^\u0000-\u0020\u007F]*$/, "expected a path without spaces")
      .optional(),
    pathType: z.enum(["Exact", "Prefix", "ImplementationSpecific"]).default("ImplementationSpecific"),
    backend: backendSchema,
  })
  .refine(({ path = "", pathType }) => path.startsWith("/") || pathType === "ImplementationSpecific", {
    message: "expected a path that starts with '/'",
    path: ["path"],
  });

export const ingressKind = defineKind({
  group: "networking.k8s.io",
  versions: ["v1"],
  kind: "Ingress",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      ingressClassName: objectName.nullish(),
      defaultBackend: backendSchema.optional(),
      tls: z
        .array(
          z.strictObject({
            hosts: z.array(hostnameSchema).max(1_000).nullish(),
            secretName: objectName.nullish(),
          }),
        )
        .max(1_000)
        .nullish(),
      rules: z
        .array(
          z.strictObject({
            host: z.union([z.literal(""), hostnameSchema]).nullish(),
            http: z.strictObject({ paths: z.array(pathSchema).max(2_000) }).nullish(),
          }),
        )
        .max(2_000)
        .nullish(),
    }),
  }),
});

export const ingressClassKind = defineKind({
  group: "networking.k8s.io",
  versions: ["v1"],
  kind: "IngressClass",
  namespaced: false,
  body: z.looseObject({
    spec: z.looseObject({ controller: z.string().min(1).max(250), parameters: z.unknown().optional() }),
  }),
});

export type Ingress = Resource<BodyOf<typeof ingressKind>>;
export type IngressBackend = z.output<typeof backendSchema>;
export type IngressPath = z.output<typeof pathSchema>;
