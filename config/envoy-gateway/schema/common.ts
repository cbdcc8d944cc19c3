// What the kinds of Envoy Gateway (gateway.envoyproxy.io/v1alpha1) have in common. No schema has defaults: whether a policy
// says something decides what becomes of it where policies are merged.
import { z } from "zod";
import { durationSchema } from "#contract/duration.ts";
import {
  backendObjectRef,
  gatewayGroup,
  labelSelector,
  namespaceName,
  sectionName,
} from "../../gateway-api/schema/reference.ts";

export const envoyGroup = "gateway.envoyproxy.io";

/** A field that is known, and of which nothing is read: `unread-fields.ts` says what is lost with each. */
export const unread = z.unknown();

/** Fields of `names`, all of them unread. */
export function unreadFields<const Name extends string>(
  names: readonly Name[],
): Record<Name, z.ZodOptional<z.ZodUnknown>> {
  return Object.fromEntries(names.map((name) => [name, unread.optional()])) as Record<
    Name,
    z.ZodOptional<z.ZodUnknown>
  >;
}

export const duration = durationSchema.optional();
export const flag = z.boolean().optional();
export const count = z.int().min(0).max(4_294_967_295).optional();
export const texts = z.array(z.string().max(4096)).max(1_024).optional();

const targetRef = z.strictObject({
  group: z.string().max(253),
  kind: z.string().max(63),
  name: z.string().min(1).max(253),
  sectionName: sectionName.optional(),
});

const targetSelector = z.strictObject({
  group: z.literal(gatewayGroup).default(gatewayGroup),
  kind: z.string().max(63),
  ...labelSelector.shape,
  namespaces: z
    .strictObject({ from: z.enum(["Same", "All", "Selector"]), selector: labelSelector.optional() })
    .optional(),
});

export const targetFields = {
  targetRef: targetRef.optional(),
  targetRefs: z.array(targetRef).min(1).max(16).optional(),
  targetSelectors: z.array(targetSelector).max(16).optional(),
};

interface Targets {
  readonly targetRef?: unknown;
  readonly targetRefs?: unknown;
  readonly targetSelectors?: unknown;
}

export const hasTargets = [
  ({ targetRef, targetRefs, targetSelectors }: Targets): boolean =>
    [targetRef, targetRefs, targetSelectors].some((field) => field !== undefined) &&
    (targetRef === undefined || targetRefs === undefined),
  { message: "expected targetRefs, targetSelectors, or both" },
] as const;

/** Envoy Gateway `MergeType`. */
export const mergeType = z.enum(["StrategicMerge", "JSONMerge", "Replace"]).optional();

/** A Secret, or where the field says so a ConfigMap. */
export const objectRef = z.strictObject({
  group: z.string().max(253).optional(),
  kind: z.string().max(63).optional(),
  name: z.string().min(1).max(253),
  namespace: namespaceName.optional(),
});

export const serverRef = z.strictObject({
  ...backendObjectRef,
  weight: z.int().min(0).max(1_000_000).optional(),
  fallback: flag,
});

/** Kubernetes `resource.Quantity`, as far as it counts bytes. */
export const quantity = z.union([
  z.int().min(0),
  z.string().regex(/^[0-9]{1,12}(?:k|M|G|T|Ki|Mi|Gi|Ti)?$/, "expected a size such as 4Mi"),
]);

const factors: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

export function bytesOf(size: z.output<typeof quantity>): number {
  if (typeof size === "number") return size;
  const [, digits, unit] = /^([0-9]+)(.*)$/.exec(size)!;
  return Number(digits) * factors[unit!]!;
}

const header = z.strictObject({ name: z.string().min(1).max(256), value: z.string().max(4096) });
export const headers = z.array(header).max(64).optional();

/** Envoy Gateway `CustomResponse`. */
export const customResponse = {
  contentType: z.string().min(1).max(256).optional(),
  body: z
    .strictObject({
      type: z.enum(["Inline", "ValueRef"]).optional(),
      inline: z.string().max(65_536).optional(),
      valueRef: objectRef.optional(),
    })
    .optional(),
  statusCode: z.int().min(200).max(599).optional(),
  header: z.strictObject({ add: headers, set: headers, remove: unread.optional() }).optional(),
};
export type CustomResponse = z.output<z.ZodObject<typeof customResponse>>;

/** Unread: how servers are reached that are asked, not those of routes. */
export const backendSettings = unread.optional();
