// ClientTrafficPolicy: how clients meet the listeners of a Gateway.
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import {
  count,
  duration,
  envoyGroup,
  flag,
  hasTargets,
  headers,
  objectRef,
  quantity,
  targetFields,
  texts,
  unread,
  unreadFields,
} from "./common.ts";

const headerChanges = z.strictObject({
  set: headers,
  add: headers,
  remove: texts,
  ...unreadFields(["addIfAbsent", "removeOnMatch"]),
});

const tlsVersion = z.enum(["Auto", "1.0", "1.1", "1.2", "1.3"]).optional();

const clientValidation = z.strictObject({
  optional: flag,
  mode: z.enum(["Request", "RequireAny", "VerifyIfGiven", "RequireAndVerify"]).optional(),
  caCertificateRefs: z.array(objectRef).max(8).optional(),
  crl: z
    .strictObject({ refs: z.array(objectRef).min(1).max(8), onlyVerifyLeafCertificate: unread.optional() })
    .optional(),
  ...unreadFields(["allowExpiredCertificate", "certificateHashes", "spkiHashes", "subjectAltNames"]),
});

export const clientTrafficPolicyKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "ClientTrafficPolicy",
  namespaced: true,
  body: z.strictObject({
    spec: z
      .strictObject({
        ...targetFields,
        enableProxyProtocol: flag,
        proxyProtocol: z.strictObject({ optional: flag }).optional(),
        clientIPDetection: z
          .strictObject({
            xForwardedFor: z
              .strictObject({
                numTrustedHops: count,
                trustedCIDRs: texts,
                disableXForwardedForAppend: unread.optional(),
              })
              .optional(),
            customHeader: unread.optional(),
            directSourceIP: z.strictObject({}).optional(),
          })
          .optional(),
        timeout: z
          .strictObject({
            tcp: unread.optional(),
            http: z
              .strictObject({
                requestReceivedTimeout: duration,
                streamIdleTimeout: duration,
                ...unreadFields(["idleTimeout", "requestHeadersReceivedTimeout"]),
              })
              .optional(),
          })
          .optional(),
        headers: z
          .strictObject({
            disableRateLimitHeaders: flag,
            preserveXRequestID: flag,
            requestID: z.enum(["PreserveOrGenerate", "Preserve", "Generate", "Disable"]).optional(),
            earlyRequestHeaders: headerChanges.optional(),
            lateResponseHeaders: headerChanges.optional(),
            maxRequestHeaderLimit: quantity.optional(),
            ...unreadFields(["enableEnvoyHeaders", "host", "withUnderscoresAction", "xForwardedClientCert"]),
          })
          .optional(),
        tls: z
          .strictObject({
            minVersion: tlsVersion,
            maxVersion: tlsVersion,
            clientValidation: clientValidation.optional(),
            ...unreadFields([
              "alpnProtocols",
              "ciphers",
              "ecdhCurves",
              "fingerprints",
              "session",
              "signatureAlgorithms",
            ]),
          })
          .optional(),
        path: z
          .strictObject({
            escapedSlashesAction: z
              .enum(["KeepUnchanged", "RejectRequest", "UnescapeAndForward", "UnescapeAndRedirect"])
              .optional(),
            disableMergeSlashes: unread.optional(),
          })
          .optional(),
        healthCheck: z.strictObject({ path: z.string().min(1).max(1024) }).optional(),
        connection: z
          .strictObject({
            connectionLimit: z
              .strictObject({
                value: z.int().min(1).optional(),
                ...unreadFields([
                  "closeDelay",
                  "maxConnectionDuration",
                  "maxRequestsPerConnection",
                  "maxStreamDuration",
                ]),
              })
              .optional(),
            ...unreadFields(["bufferLimit", "maxAcceptPerSocketEvent", "socketBufferLimit"]),
          })
          .optional(),
        ...unreadFields(["grpc", "http1", "http2", "http3", "scheme", "tcpKeepalive"]),
      })
      .refine(...hasTargets),
  }),
});

export type ClientTrafficPolicy = Resource<BodyOf<typeof clientTrafficPolicyKind>>;
export type ClientSpec = ClientTrafficPolicy["body"]["spec"];
