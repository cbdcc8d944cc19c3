// Gateways and what belongs to them: GatewayClass, Gateway, ListenerSet.
import { z } from "zod";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import {
  gatewayGroup,
  hostname,
  localRef,
  namespaceName,
  namespacesFrom,
  objectRef,
  portNumber,
  routeGroupKind,
  secretRef,
  sectionName,
} from "./reference.ts";

export const gatewayClassKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1beta1"],
  kind: "GatewayClass",
  namespaced: false,
  body: z.strictObject({
    spec: z.strictObject({
      controllerName: z
        .string()
        .max(253)
        .regex(/^[a-z0-9.-]+\/.+$/, "expected a domain and a path, such as isthmus.dev/gateway-controller"),
      parametersRef: objectRef.optional(),
      description: z.string().max(64).optional(),
    }),
  }),
});

const texts = z.record(z.string(), z.string());

const listener = z
  .strictObject({
    name: sectionName,
    hostname: hostname.or(z.literal("")).optional(),
    port: portNumber,
    /** HTTP, HTTPS, TLS, TCP, UDP, or one of somebody's own with a domain. */
    protocol: z.string().min(1).max(255),
    tls: z
      .strictObject({
        mode: z.enum(["Terminate", "Passthrough"]).default("Terminate"),
        certificateRefs: z.array(secretRef).max(64).default([]),
        options: texts.default({}),
      })
      .optional(),
    allowedRoutes: z
      .strictObject({
        namespaces: namespacesFrom.optional(),
        kinds: z.array(routeGroupKind).max(8).default([]),
      })
      .optional(),
  })
  // Rules of the CRD, which no object in a cluster breaks.
  .superRefine(({ protocol, hostname: name, tls }, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message });
    if (name && (protocol === "TCP" || protocol === "UDP")) {
      refuse("hostname", `expected no hostname with protocol ${protocol}`);
    }
    if (tls && ["HTTP", "TCP", "UDP"].includes(protocol)) {
      refuse("tls", `expected no tls with protocol ${protocol}`);
    }
    if (tls?.mode === "Passthrough" && protocol === "HTTPS") {
      refuse("tls", "expected mode Terminate with protocol HTTPS");
    }
    if (!tls && protocol === "TLS") refuse("tls", "expected tls.mode with protocol TLS");
  });

const listeners = z.array(listener).min(1).max(64);

function uniqueNames(list: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  const names = list.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    const message = `expected a name that no other listener here has`;
    context.addIssue({ code: "custom", path: [index, "name"], message, input: name });
  }
}

const validation = z.strictObject({
  caCertificateRefs: z.array(objectRef).min(1).max(8),
  mode: z.enum(["AllowValidOnly", "AllowInsecureFallback"]).optional(),
});
const tlsConfig = z.strictObject({ validation: validation.optional() });

export const gatewayKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1beta1"],
  kind: "Gateway",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      gatewayClassName: z.string().min(1).max(253),
      listeners: listeners.superRefine(uniqueNames),
      addresses: z
        .array(
          z.strictObject({
            type: z.string().max(253).default("IPAddress"),
            value: z.string().max(253).default(""),
          }),
        )
        .max(16)
        .default([]),
      infrastructure: z
        .strictObject({
          labels: texts.optional(),
          annotations: texts.optional(),
          parametersRef: localRef.optional(),
        })
        .optional(),
      allowedListeners: z.strictObject({ namespaces: namespacesFrom.optional() }).optional(),
      tls: z
        .strictObject({
          backend: z.strictObject({ clientCertificateRef: secretRef.optional() }).optional(),
          frontend: z
            .strictObject({
              default: tlsConfig,
              perPort: z
                .array(z.strictObject({ port: portNumber, tls: tlsConfig }))
                .max(64)
                .default([]),
            })
            .optional(),
        })
        .optional(),
      defaultScope: z.enum(["All", "None"]).default("None"),
    }),
  }),
});

const listenerSetBody = z.strictObject({
  spec: z.strictObject({
    parentRef: z.strictObject({
      group: z.literal(gatewayGroup).default(gatewayGroup),
      kind: z.literal("Gateway").default("Gateway"),
      namespace: namespaceName.optional(),
      name: z.string().min(1).max(253),
    }),
    listeners: listeners.superRefine(uniqueNames),
  }),
});

export const listenerSetKind = defineKind({
  group: gatewayGroup,
  versions: ["v1"],
  kind: "ListenerSet",
  namespaced: true,
  body: listenerSetBody,
});

/** What it was called while it was an experiment. */
export const xListenerSetKind = defineKind({
  group: "gateway.networking.x-k8s.io",
  versions: ["v1alpha1"],
  kind: "XListenerSet",
  namespaced: true,
  body: listenerSetBody,
});

export type GatewayClass = Resource<BodyOf<typeof gatewayClassKind>>;
export type Gateway = Resource<BodyOf<typeof gatewayKind>>;
export type ListenerSet = Resource<BodyOf<typeof listenerSetKind>>;
export type ListenerSpec = Gateway["body"]["spec"]["listeners"][number];
