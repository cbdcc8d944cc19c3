// ServiceEntry and WorkloadEntry: https://istio.io/latest/docs/reference/config/networking/service-entry/
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { count, labels, networkingVersions, port, texts } from "./values.ts";

const workload = z.strictObject({
  address: z.string().max(253).optional(),
  ports: z.record(z.string(), port).optional(),
  labels: labels.optional(),
  network: z.string().optional(),
  locality: z.string().max(253).optional(),
  weight: count.max(65_535).optional(),
  serviceAccount: z.string().optional(),
});

export const serviceEntryKind = defineKind({
  group: "networking.istio.io",
  versions: networkingVersions,
  kind: "ServiceEntry",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      hosts: z.array(z.string().min(1).max(253)).min(1).max(256),
      addresses: texts.optional(),
      ports: z
        .array(
          z.strictObject({
            number: port,
            protocol: z.string().max(16).optional(),
            name: z.string().max(253).optional(),
            targetPort: port.optional(),
          }),
        )
        .max(256)
        .default([]),
      location: z.enum(["MESH_EXTERNAL", "MESH_INTERNAL"]).optional(),
      resolution: z.enum(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]).default("NONE"),
      endpoints: z.array(workload).max(1_024).optional(),
      workloadSelector: z.strictObject({ labels: labels.optional() }).optional(),
      exportTo: texts.optional(),
      subjectAltNames: texts.optional(),
    }),
  }),
});

export const workloadEntryKind = defineKind({
  group: "networking.istio.io",
  versions: networkingVersions,
  kind: "WorkloadEntry",
  namespaced: true,
  body: z.strictObject({ spec: workload }),
});

export type ServiceEntry = Resource<BodyOf<typeof serviceEntryKind>>;
export type WorkloadEntry = Resource<BodyOf<typeof workloadEntryKind>>;
export type Workload = z.output<typeof workload>;
