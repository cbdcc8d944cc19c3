// Routes of the Gateway API: what every object of their kinds must look like.
import { z } from "zod";
import { headerNameSchema, methodSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import { defineKind, type BodyOf, type Resource } from "../../kubernetes/kind.ts";
import { grpcFilter, httpFilter } from "./filter.ts";
import { backendRef, duration, gatewayGroup, hostname, parentRef, sectionName } from "./reference.ts";

const commonSpec = {
  parentRefs: z.array(parentRef).max(32).default([]),
  // GEP-3793, experimental.
  useDefaultGateways: z.enum(["All", "None"]).optional(),
};
const hostnames = z.array(hostname).max(16).default([]);
const ruleName = sectionName.optional();

const valueMatchType = z.enum(["Exact", "RegularExpression"]).default("Exact");
const headerMatch = z.strictObject({
  type: valueMatchType,
  name: headerNameSchema,
  value: z.string().min(1).max(4096),
});

const pathMatch = z
  .strictObject({
    type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).default("PathPrefix"),
    value: z.string().min(1).max(1024).default("/"),
  })
  .superRefine(({ type, value }, context) => {
    if (type === "RegularExpression" || value.startsWith("/")) return;
    context.addIssue({
      code: "custom",
      path: ["value"],
      message: `expected a path that starts with '/' with type ${type}`,
      input: value,
    });
  });

const httpMatch = z.strictObject({
  path: pathMatch.default({ type: "PathPrefix", value: "/" }),
  headers: z.array(headerMatch).max(16).default([]),
  queryParams: z
    .array(
      z.strictObject({
        type: valueMatchType,
        name: headerNameSchema,
        value: z.string().min(1).max(1024),
      }),
    )
    .max(16)
    .default([]),
  method: methodSchema.optional(),
});

/** `cookie` and `header` are GEP-1619 as of 2026; the other names are those it had before. */
export const sessionPersistence = z.strictObject({
  type: z.enum(["Cookie", "Header"]).default("Cookie"),
  absoluteTimeout: duration.optional(),
  cookie: z
    .strictObject({
      name: headerNameSchema.optional(),
      path: z.string().max(1024).optional(),
      lifetimeType: z.enum(["Session", "Permanent"]).optional(),
    })
    .optional(),
  header: z.strictObject({ name: headerNameSchema }).optional(),
  sessionName: headerNameSchema.optional(),
  idleTimeout: duration.optional(),
  cookieConfig: z.strictObject({ lifetimeType: z.enum(["Session", "Permanent"]).optional() }).optional(),
});

const httpRule = z.strictObject({
  name: ruleName,
  matches: z.array(httpMatch).max(limits.matchesPerRule).default([]),
  filters: z.array(httpFilter).max(16).default([]),
  backendRefs: z
    .array(z.strictObject({ ...backendRef, filters: z.array(httpFilter).max(16).default([]) }))
    .max(limits.backendRefsPerRule)
    .default([]),
  timeouts: z.strictObject({ request: duration.optional(), backendRequest: duration.optional() }).optional(),
  retry: z
    .strictObject({
      codes: z.array(z.int().min(400).max(599)).max(64).optional(),
      attempts: z.int().min(0).max(10).optional(),
      backoff: duration.optional(),
    })
    .optional(),
  sessionPersistence: sessionPersistence.optional(),
});

export const httpRouteKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1beta1"],
  kind: "HTTPRoute",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      ...commonSpec,
      hostnames,
      // A route without rules takes every request, and has nowhere to send it.
      rules: z
        .array(httpRule)
        .min(1)
        .max(limits.rulesPerRoute)
        .default([{ matches: [], filters: [], backendRefs: [] }]),
    }),
  }),
});

const grpcName = z.string().min(1).max(1024);

const grpcMethod = z
  .strictObject({
    type: valueMatchType,
    service: grpcName.optional(),
    method: grpcName.optional(),
  })
  .superRefine(({ type, service, method }, context) => {
    if (service === undefined && method === undefined) {
      context.addIssue({ code: "custom", message: "expected a service, a method, or both" });
    }
    if (type !== "Exact") return;
    for (const [field, value, shape] of [
      ["service", service, /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/],
      ["method", method, /^[A-Za-z_][A-Za-z0-9_]*$/],
    ] as const) {
      if (value === undefined || shape.test(value)) continue;
      const message = `expected the name of a gRPC ${field}`;
      context.addIssue({ code: "custom", path: [field], message, input: value });
    }
  });

const grpcRule = z.strictObject({
  name: ruleName,
  matches: z
    .array(
      z.strictObject({ method: grpcMethod.optional(), headers: z.array(headerMatch).max(16).default([]) }),
    )
    .max(limits.matchesPerRule)
    .default([]),
  filters: z.array(grpcFilter).max(16).default([]),
  backendRefs: z
    .array(z.strictObject({ ...backendRef, filters: z.array(grpcFilter).max(16).default([]) }))
    .max(limits.backendRefsPerRule)
    .default([]),
  sessionPersistence: sessionPersistence.optional(),
});

export const grpcRouteKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1alpha2"],
  kind: "GRPCRoute",
  namespaced: true,
  body: z.strictObject({
    spec: z.strictObject({
      ...commonSpec,
      hostnames,
      rules: z
        .array(grpcRule)
        .max(limits.rulesPerRoute)
        .default([{ matches: [], filters: [], backendRefs: [] }]),
    }),
  }),
});

const connectionRule = z.strictObject({
  name: ruleName,
  backendRefs: z.array(z.strictObject(backendRef)).max(limits.backendRefsPerRule).default([]),
});
// As the API server has it: one rule, of which there is nothing to choose by.
const connectionRules = z.array(connectionRule).length(1);

export const tcpRouteKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1alpha2"],
  kind: "TCPRoute",
  namespaced: true,
  body: z.strictObject({ spec: z.strictObject({ ...commonSpec, rules: connectionRules }) }),
});

export const tlsRouteKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1alpha3", "v1alpha2"],
  kind: "TLSRoute",
  namespaced: true,
  body: z.strictObject({ spec: z.strictObject({ ...commonSpec, hostnames, rules: connectionRules }) }),
});

export const udpRouteKind = defineKind({
  group: gatewayGroup,
  versions: ["v1", "v1alpha2"],
  kind: "UDPRoute",
  namespaced: true,
  body: z.strictObject({ spec: z.strictObject({ ...commonSpec, rules: connectionRules }) }),
});

export type HttpRoute = Resource<BodyOf<typeof httpRouteKind>>;
export type GrpcRoute = Resource<BodyOf<typeof grpcRouteKind>>;
export type TcpRoute = Resource<BodyOf<typeof tcpRouteKind>>;
export type TlsRoute = Resource<BodyOf<typeof tlsRouteKind>>;
export type HttpRule = z.output<typeof httpRule>;
export type HttpMatch = z.output<typeof httpMatch>;
export type GrpcRule = z.output<typeof grpcRule>;
export type GrpcMatch = GrpcRule["matches"][number];
export type SessionPersistence = z.output<typeof sessionPersistence>;
export type BackendRef = z.output<z.ZodObject<typeof backendRef>>;
