// Filters of HTTPRoute and GRPCRoute (apis/v1 `httproute_types.go`, `grpcroute_types.go`).
import { z } from "zod";
import { corsSchema } from "#contract/cors.ts";
import { headerNameSchema, headerValueSchema, preciseHostnameSchema } from "#contract/http-route.ts";
import { backendObjectRef, localRef, portNumber } from "./reference.ts";

const header = z.strictObject({ name: headerNameSchema, value: headerValueSchema });

const headerFilter = z.strictObject({
  set: z.array(header).max(16).optional(),
  add: z.array(header).max(16).optional(),
  remove: z.array(headerNameSchema).max(16).optional(),
});

const pathText = z
  .string()
  .max(1024)
  // oxlint-disable-next-line no-control-regex
  .regex(/^(?:\/[^\u0000-\u0020\u007F?#]*)?$/, "expected a path: '/' first, no spaces, '?' or '#'");

const pathModifier = z
  .strictObject({
    type: z.enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
    replaceFullPath: pathText.optional(),
    replacePrefixMatch: pathText.optional(),
  })
  .superRefine(({ type, replaceFullPath, replacePrefixMatch }, context) => {
    const [given, other] =
      type === "ReplaceFullPath"
        ? [replaceFullPath, replacePrefixMatch]
        : [replacePrefixMatch, replaceFullPath];
    if (given !== undefined && other === undefined) return;
    const field = type === "ReplaceFullPath" ? "replaceFullPath" : "replacePrefixMatch";
    context.addIssue({ code: "custom", message: `expected ${field}, and no other, with type ${type}` });
  });

const requestRedirect = z.strictObject({
  scheme: z.enum(["http", "https"]).optional(),
  hostname: preciseHostnameSchema.optional(),
  path: pathModifier.optional(),
  port: portNumber.optional(),
  statusCode: z.literal([301, 302, 303, 307, 308]).default(302),
});

const urlRewrite = z.strictObject({
  hostname: preciseHostnameSchema.optional(),
  path: pathModifier.optional(),
});

const requestMirror = z
  .strictObject({
    backendRef: z.strictObject(backendObjectRef),
    percent: z.int().min(0).max(100).optional(),
    fraction: z
      .strictObject({ numerator: z.int().min(0), denominator: z.int().min(1).default(100) })
      .refine(({ numerator, denominator }) => numerator <= denominator, {
        message: "expected a numerator of at most the denominator",
      })
      .optional(),
  })
  .refine(({ percent, fraction }) => percent === undefined || fraction === undefined, {
    message: "expected percent or fraction, not both",
  });

/** GEP-1494. */
const externalAuth = z.strictObject({
  protocol: z.enum(["HTTP", "GRPC"]),
  backendRef: z.strictObject(backendObjectRef),
  grpc: z.strictObject({ allowedHeaders: z.array(headerNameSchema).max(64).optional() }).optional(),
  http: z
    .strictObject({
      path: pathText.optional(),
      allowedHeaders: z.array(headerNameSchema).max(64).optional(),
      allowedResponseHeaders: z.array(headerNameSchema).max(64).optional(),
    })
    .optional(),
  forwardBody: z.strictObject({ maxSize: z.int().min(0).optional() }).optional(),
});

const filterFields = {
  requestHeaderModifier: headerFilter.optional(),
  responseHeaderModifier: headerFilter.optional(),
  requestMirror: requestMirror.optional(),
  extensionRef: localRef.optional(),
};

/** The field named after the type is there, and no other. */
function ownField(filter: { readonly type: string }, context: z.RefinementCtx): void {
  const { type, ...fields } = filter;
  const wanted = fieldOf(type);
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  if (given.length === 1 && given[0]![0] === wanted) return;
  context.addIssue({ code: "custom", message: `expected ${wanted}, and nothing else, with type ${type}` });
}

/** `URLRewrite` → `urlRewrite`, `CORS` → `cors`. */
function fieldOf(type: string): string {
  if (type === "CORS") return "cors";
  return type === "URLRewrite" ? "urlRewrite" : type.charAt(0).toLowerCase() + type.slice(1);
}

export const httpFilter = z
  .strictObject({
    type: z.enum([
      "RequestHeaderModifier",
      "ResponseHeaderModifier",
      "RequestMirror",
      "RequestRedirect",
      "URLRewrite",
      "CORS",
      "ExternalAuth",
      "ExtensionRef",
    ]),
    ...filterFields,
    requestRedirect: requestRedirect.optional(),
    urlRewrite: urlRewrite.optional(),
    cors: corsSchema.optional(),
    externalAuth: externalAuth.optional(),
  })
  .superRefine(ownField);

export const grpcFilter = z
  .strictObject({
    type: z.enum(["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"]),
    ...filterFields,
  })
  .superRefine(ownField);

export type HttpFilter = z.output<typeof httpFilter>;
export type PathModifier = z.output<typeof pathModifier>;
export type ExternalAuth = z.output<typeof externalAuth>;
