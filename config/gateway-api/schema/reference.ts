// Names and references as all kinds of the Gateway API have them (apis/v1 `shared_types.go`, `object_reference_types.go`).
import { z } from "zod";
import { hostnameSchema } from "#contract/http-route.ts";
import { durationSchema } from "#contract/duration.ts";

export const gatewayGroup = "gateway.networking.k8s.io";

const group = z
  .string()
  .max(253)
  .regex(/^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "expected an API group, or nothing for the core group");
const kind = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, "expected a kind such as Service");
const objectName = z.string().min(1).max(253);
export const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "expected the name of a namespace");
export const portNumber = z.int().min(1).max(65_535);

/** Names of listeners and rules (`SectionName`). */
export const sectionName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    "expected lower-case letters, digits, '-' and '.'",
  );

/** An address is no name, although it looks like one. */
export const hostname = hostnameSchema.refine((name) => !/^[0-9.]+$/.test(name), {
  message: "expected a host name, not an IP address",
});

/** GEP-2257 has no zero-length unit but `0s` switches timeouts off. */
export const duration = durationSchema;

export const parentRef = z.strictObject({
  group: group.default(gatewayGroup),
  kind: kind.default("Gateway"),
  namespace: namespaceName.optional(),
  name: objectName,
  sectionName: sectionName.optional(),
  port: portNumber.optional(),
});

export const backendObjectRef = {
  group: group.default(""),
  kind: kind.default("Service"),
  namespace: namespaceName.optional(),
  name: objectName,
  port: portNumber.optional(),
};

export const backendRef = {
  ...backendObjectRef,
  weight: z.int().min(0).max(1_000_000).default(1),
};

export const secretRef = z.strictObject({
  group: group.default(""),
  kind: kind.default("Secret"),
  namespace: namespaceName.optional(),
  name: objectName,
});

/** In the namespace of whoever refers. */
export const localRef = z.strictObject({ group, kind, name: objectName });

export const objectRef = z.strictObject({
  group,
  kind,
  name: objectName,
  namespace: namespaceName.optional(),
});

export const grantFrom = z.strictObject({ group, kind, namespace: namespaceName });
export const grantTo = z.strictObject({ group, kind, name: objectName.optional() });

export const routeGroupKind = z.strictObject({ group: group.default(gatewayGroup), kind });

/** `metav1.LabelSelector`. */
export const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string(),
        operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});

export const namespacesFrom = z.strictObject({
  from: z.enum(["All", "Selector", "Same", "None"]).optional(),
  selector: labelSelector.optional(),
});

export type ParentRef = z.output<typeof parentRef>;
export type BackendObjectRef = z.output<z.ZodObject<typeof backendObjectRef>>;
export type SecretRef = z.output<typeof secretRef>;
export type LabelSelector = z.output<typeof labelSelector>;
export type NamespacesFrom = z.output<typeof namespacesFrom>;
export type RouteGroupKind = z.output<typeof routeGroupKind>;
