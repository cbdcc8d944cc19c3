// Backend and HTTPRouteFilter, to which routes refer; and kinds that configure Envoy itself.
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { localRef } from "../../gateway-api/schema/reference.ts";
import { customResponse, envoyGroup, flag, objectRef, unread, unreadFields } from "./common.ts";

const port = z.int().min(1).max(65_535);

const endpoint = z
  .strictObject({
    fqdn: z.strictObject({ hostname: z.string().min(1).max(253), port }).optional(),
    ip: z.strictObject({ address: z.string().min(1).max(64), port }).optional(),
    zone: z.string().min(1).max(253).optional(),
    ...unreadFields(["hostname", "unix"]),
  })
  .refine(({ fqdn, ip, unix }) => [fqdn, ip, unix].filter((one) => one !== undefined).length === 1, {
    message: "expected fqdn, ip or unix, one of them",
  });

export const backendKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "Backend",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      type: z.enum(["Endpoints", "DynamicResolver"]).optional(),
      endpoints: z.array(endpoint).max(256).optional(),
      appProtocols: z
        .array(z.enum(["gateway.envoyproxy.io/h2c", "gateway.envoyproxy.io/ws", "gateway.envoyproxy.io/wss"]))
        .optional(),
      fallback: flag,
      tls: z
        .strictObject({
          caCertificateRefs: z.array(localRef).min(1).max(8).optional(),
          wellKnownCACertificates: z.literal("System").optional(),
          insecureSkipVerify: flag,
          sni: z.string().min(1).max(253).optional(),
          clientCertificateRef: objectRef.optional(),
          ...unreadFields([
            "alpnProtocols",
            "autoSNIFromEndpointHostname",
            "ciphers",
            "ecdhCurves",
            "fingerprints",
            "maxVersion",
            "minVersion",
            "signatureAlgorithms",
          ]),
        })
        .optional(),
    }),
  }),
});

export const httpRouteFilterKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "HTTPRouteFilter",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      urlRewrite: z
        .strictObject({
          path: z
            .strictObject({
              type: z.literal("ReplaceRegexMatch"),
              replaceRegexMatch: z.strictObject({
                pattern: z.string().min(1).max(1024),
                substitution: z.string().max(1024),
              }),
            })
            .optional(),
          hostname: unread.optional(),
          appendXForwardedHost: unread.optional(),
        })
        .optional(),
      directResponse: z.strictObject(customResponse).optional(),
      credentialInjection: z
        .strictObject({
          header: z.string().min(1).max(256).optional(),
          overwrite: flag,
          credential: z.strictObject({ valueRef: objectRef }),
        })
        .optional(),
      matches: z
        .array(
          z.strictObject({
            cookies: z
              .array(
                z.strictObject({
                  type: z.enum(["Exact", "RegularExpression"]).optional(),
                  name: z.string().min(1).max(256),
                  value: z.string().min(1).max(4096),
                }),
              )
              .min(1)
              .max(16),
          }),
        )
        .max(8)
        .optional(),
    }),
  }),
});

const whole = z.looseObject({ spec: unread.optional() });

/** How Envoy is run: nothing of it is here. */
export const envoyProxyKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "EnvoyProxy",
  namespaced: true,
  body: whole,
});

/** The configuration file of the controller, which its documentation shows beside manifests. */
export const envoyGatewayKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "EnvoyGateway",
  namespaced: true,
  body: whole,
});

/** Envoy's own configuration, or programs that Envoy asks: they may decide about every request. */
export const envoyPatchPolicyKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "EnvoyPatchPolicy",
  namespaced: true,
  body: whole,
});

export const envoyExtensionPolicyKind = defineKind({
  group: envoyGroup,
  versions: ["v1alpha1"],
  kind: "EnvoyExtensionPolicy",
  namespaced: true,
  body: whole,
});

export type EnvoyBackend = Resource<BodyOf<typeof backendKind>>;
export type HttpRouteFilter = Resource<BodyOf<typeof httpRouteFilterKind>>;
