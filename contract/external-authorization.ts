// Another server's word on each request (Envoy Gateway's `extAuth` over HTTP or gRPC, ingress-nginx's `auth-url`).
import { z } from "zod";
import { requestRuleSchema } from "./authorization.ts";
import { headerNameSchema, headerSchema } from "./http-field.ts";
import { methodSchema } from "./http-route.ts";
import { limits } from "./limits.ts";
import { remoteUriSchema } from "./remote-uri.ts";
import { requestTextSchema } from "./request-text.ts";

export const extAuthFields = {
  http: z
    .strictObject({
      url: remoteUriSchema.describe("The authorization server."),
      forwardPath: z
        .boolean()
        .default(false)
        .describe(
          "Asks with the request's method, and with its path and query after those of `url`. Default: GET of `url`.",
        ),
      method: methodSchema
        .optional()
        .describe("Method of the question. Default: GET, or the request's with `forwardPath`."),
      headersToBackend: z
        .array(headerNameSchema)
        .max(32)
        .default([])
        .describe("Headers of a 2xx answer that the endpoint gets; clients cannot send them."),
      headersToAdd: z
        .array(headerSchema)
        .min(1)
        .max(32)
        .optional()
        .describe("Headers that the question has besides, in place of the request's of the same name."),
      headersToClient: z
        .array(headerNameSchema)
        .min(1)
        .max(32)
        .optional()
        .describe("Headers of a 2xx answer that the client gets with its response, where that is no error."),
      headersToClientOnError: z
        .boolean()
        .optional()
        .describe("`headersToClient` also with responses of status 400 and above. Default: false."),
      signIn: z
        .strictObject({
          url: remoteUriSchema.optional().describe("Where the client is sent, with 302."),
          redirectParam: z
            .string()
            .max(64)
            .regex(/^[A-Za-z0-9._~-]+$/, "expected a name of a query parameter")
            .optional()
            .describe("Query parameter with the URL that was asked for. Default: rd."),
          location: requestTextSchema
            .optional()
            .describe("In place of url and redirectParam: the Location, put together from the request."),
        })
        .refine(({ url, location }) => (url === undefined) !== (location === undefined), {
          message: "expected url or location, one of them",
        })
        .refine(({ redirectParam, location }) => redirectParam === undefined || location === undefined, {
          message: "expected no redirectParam beside location",
        })
        .optional()
        .describe("Clients that the server answers 401 are sent there. Default: they get the answer."),
    })
    .optional()
    .describe("2xx lets a request pass; any other answer below 500 goes to the client. This, or `grpc`."),
  grpc: z
    .strictObject({
      backendRef: z
        .strictObject({
          name: z
            .string()
            .min(1)
            .max(limits.nameChars)
            .describe("Name of a backend of protocol GRPC or GRPCS."),
        })
        .describe("Who is asked: one of its endpoints, as with requests."),
      contextExtensions: z
        .array(
          z.strictObject({
            name: z.string().min(1).max(256).describe("Name."),
            value: z.string().max(4096).describe("Value."),
          }),
        )
        .min(1)
        .max(64)
        .optional()
        .describe("What the server is told besides."),
    })
    .optional()
    .describe(
      "Asks by calling `envoy.service.auth.v3.Authorization/Check`; what refuses goes to the client. This, or `http`.",
    ),
  headersToExtAuth: z
    .array(headerNameSchema)
    .max(32)
    .default([])
    .describe(
      "Headers of the request that the server gets besides Authorization; `x-*`: those that begin so, `*`: all of them. Over gRPC it gets these alone, or all of them where none is named.",
    ),
  order: z
    .enum(["First", "Last", "Instead"])
    .optional()
    .describe(
      "First: asked before credentials are looked at, which may be those of its answer (Istio, CUSTOM). Instead: asked only about requests whose credentials the rest of the policy does not accept, and lets them pass without (nginx, `satisfy any`). Default: Last.",
    ),
  rules: z
    .array(requestRuleSchema)
    .min(1)
    .max(256)
    .optional()
    .describe("Requests that the server is asked about: those that one of these matches. Default: all."),
  statusOnError: z
    .int()
    .min(400)
    .max(599)
    .optional()
    .describe("Status while the server is down, slow or answers 5xx. Default: 503."),
  failOpen: z
    .boolean()
    .default(false)
    .describe("Requests pass while the server is down, slow or answers 5xx. Default: false."),
};

export const extAuthSchema = z.strictObject({ ...extAuthFields, timeoutMs: z.int().positive() });

export type ExtAuth = z.infer<typeof extAuthSchema>;
