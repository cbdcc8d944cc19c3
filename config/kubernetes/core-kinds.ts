// Kinds of the core API that every importer needs: services, where they run, and secrets.
// Fields: https://kubernetes.io/docs/reference/kubernetes-api/. Those without a meaning here are not named.
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "./kind.ts";

const port = z.int().min(1).max(65_535);

export const serviceKind = defineKind({
  group: "",
  versions: ["v1"],
  kind: "Service",
  namespaced: true,
  body: z.looseObject({
    spec: z.looseObject({
      type: z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).default("ClusterIP"),
      externalName: z.string().max(253).optional(),
      clusterIP: z.string().optional(),
      selector: z.record(z.string(), z.string()).nullish(),
      ports: z
        .array(
          z.looseObject({
            name: z.string().max(63).optional(),
            port,
            protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
            targetPort: z.union([port, z.string().max(63)]).optional(),
            appProtocol: z.string().max(253).optional(),
          }),
        )
        .max(256)
        .default([]),
    }),
  }),
});

export const endpointSliceKind = defineKind({
  group: "discovery.k8s.io",
  versions: ["v1"],
  kind: "EndpointSlice",
  namespaced: true,
  body: z.looseObject({
    addressType: z.enum(["IPv4", "IPv6", "FQDN"]),
    endpoints: z
      .array(
        z.looseObject({
          addresses: z.array(z.string().max(253)).min(1).max(100),
          conditions: z
            .looseObject({
              ready: z.boolean().nullish(),
              serving: z.boolean().nullish(),
              terminating: z.boolean().nullish(),
            })
            .nullish(),
          zone: z.string().max(253).nullish(),
          targetRef: z
            .looseObject({
              kind: z.string().optional(),
              name: z.string().optional(),
              namespace: z.string().optional(),
            })
            .nullish(),
        }),
      )
      .max(1_000)
      .nullish(),
    ports: z
      .array(
        z.looseObject({
          name: z.string().max(63).nullish(),
          port: port.nullish(),
          protocol: z.string().nullish(),
          appProtocol: z.string().max(253).nullish(),
        }),
      )
      .max(100)
      .nullish(),
  }),
});

export const secretKind = defineKind({
  group: "",
  versions: ["v1"],
  kind: "Secret",
  namespaced: true,
  body: z.looseObject({
    type: z.string().default("Opaque"),
    /** Base64. */
    data: z.record(z.string(), z.string()).nullish(),
    stringData: z.record(z.string(), z.string()).nullish(),
  }),
});

export const configMapKind = defineKind({
  group: "",
  versions: ["v1"],
  kind: "ConfigMap",
  namespaced: true,
  body: z.looseObject({
    data: z.record(z.string(), z.string()).nullish(),
    binaryData: z.record(z.string(), z.string()).nullish(),
  }),
});

export const namespaceKind = defineKind({
  group: "",
  versions: ["v1"],
  kind: "Namespace",
  namespaced: false,
  body: z.looseObject({}),
});

export const podKind = defineKind({
  group: "",
  versions: ["v1"],
  kind: "Pod",
  namespaced: true,
  body: z.looseObject({ status: z.looseObject({ podIP: z.string().max(64).optional() }).nullish() }),
});

export const coreKinds = [serviceKind, endpointSliceKind, secretKind, configMapKind, namespaceKind, podKind];

export type Service = Resource<BodyOf<typeof serviceKind>>;
export type EndpointSlice = Resource<BodyOf<typeof endpointSliceKind>>;
export type ConfigMap = Resource<BodyOf<typeof configMapKind>>;
export type Secret = Resource<BodyOf<typeof secretKind>>;
