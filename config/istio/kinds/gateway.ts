// Gateway: https://istio.io/latest/docs/reference/config/networking/gateway/
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { labels, networkingVersions, port, texts } from "./values.ts";

const tlsVersion = z.enum(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);
const file = z.string().max(4_096);

const tls = z.strictObject({
  httpsRedirect: z.boolean().optional(),
  mode: z
    .enum(["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"])
    .optional(),
  serverCertificate: file.optional(),
  privateKey: file.optional(),
  caCertificates: file.optional(),
  caCrl: file.optional(),
  credentialName: z.string().max(253).optional(),
  credentialNames: z.array(z.string().max(253)).max(8).optional(),
  caCertCredentialName: z.string().max(253).optional(),
  tlsCertificates: z
    .array(
      z.strictObject({
        serverCertificate: file.optional(),
        privateKey: file.optional(),
        caCertificates: file.optional(),
      }),
    )
    .max(8)
    .optional(),
  subjectAltNames: texts.optional(),
  verifyCertificateSpki: texts.optional(),
  verifyCertificateHash: texts.optional(),
  minProtocolVersion: tlsVersion.optional(),
  maxProtocolVersion: tlsVersion.optional(),
  cipherSuites: texts.optional(),
  ecdhCurves: texts.optional(),
  insecureSkipVerify: z.boolean().optional(),
});

const server = z.strictObject({
  name: z.string().max(253).optional(),
  port: z.strictObject({
    number: port,
    protocol: z.string().min(1).max(16),
    name: z.string().max(253).optional(),
    targetPort: port.optional(),
  }),
  bind: z.string().max(253).optional(),
  hosts: z.array(z.string().min(1).max(320)).min(1).max(1_024),
  tls: tls.optional(),
  defaultEndpoint: z.string().optional(),
});

export const gatewayKind = defineKind({
  group: "networking.istio.io",
  versions: networkingVersions,
  kind: "Gateway",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({ servers: z.array(server).max(256).default([]), selector: labels.default({}) }),
  }),
});

export type Gateway = Resource<BodyOf<typeof gatewayKind>>;
export type Server = z.output<typeof server>;
export type ServerTls = z.output<typeof tls>;
