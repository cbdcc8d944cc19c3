// Policies of a rule in the native configuration: the Gateway API's `retry` and `sessionPersistence`, and the split.
import { z } from "zod";
import { cookiePathSchema, endpointCookieSchema, retryTriggerSchema } from "#contract/backend-policy.ts";
import { compressionSchema } from "#contract/compression.ts";
import { headerNameSchema, hostnameSchema } from "#contract/http-route.ts";
import { keySourceSchema } from "./backend-policy.ts";
import { durationField, lifetimeField } from "./duration-field.ts";

const statusSchema = z.int().min(400).max(599);

/** GEP-1731 has codes, attempts and backoff; Envoy Gateway the others. Attempts that got no answer are always a reason. */
const retrySchema = z
  .strictObject({
    attempts: z.int().min(0).max(10).optional().describe("Further attempts. Default: 2."),
    codes: z.array(statusSchema).max(64).optional().describe("Statuses that are tried again."),
    backoff: durationField.optional().describe("Shortest pause before another attempt, with jitter."),
    numRetries: z.int().min(0).max(10).optional().describe("As attempts, in Envoy Gateway's words."),
    retryOn: z
      .strictObject({
        triggers: z
          .array(retryTriggerSchema)
          .max(12)
          .optional()
          .describe("Envoy's conditions under which a request is tried again."),
        httpStatusCodes: z
          .array(statusSchema)
          .max(64)
          .optional()
          .describe("Statuses of the trigger retriable-status-codes."),
      })
      .optional()
      .describe("Default: connect-failure, refused-stream, unavailable, cancelled, and status 503."),
    perRetry: z
      .strictObject({
        timeout: durationField.optional().describe("Time for one attempt. Default: the rule's timeouts."),
        backOff: z
          .strictObject({
            baseInterval: durationField.describe("Base of the exponential, jittered pause."),
            maxInterval: durationField.optional().describe("Longest pause. Default: ten times the base."),
          })
          .optional()
          .describe("Default: a base of 25ms."),
      })
      .optional()
      .describe("What holds for each attempt."),
  })
  .refine(
    ({ attempts, codes, backoff, numRetries, retryOn, perRetry }) =>
      [attempts, codes, backoff].every((field) => field === undefined) ||
      [numRetries, retryOn, perRetry?.backOff].every((field) => field === undefined),
    {
      message:
        "expected attempts, codes, backoff (Gateway API) or numRetries, retryOn, backOff (Envoy Gateway), not both",
    },
  );

const { postOnly, preserve, httpOnly, mode, attributes } = endpointCookieSchema.shape;
const endpointCookieField = z
  .strictObject({
    mode: mode.describe(
      "Insert: a cookie of the gateway's. Rewrite: the application's, with the endpoint's value. Prefix: the application's, with that and `~` in front of its own. Passive: the application's, which sets that value itself.",
    ),
    postOnly: postOnly.describe("Only responses to POST set the cookie of Insert. Default: false."),
    preserve: preserve.describe("A cookie of that name that the application sets stays. Default: false."),
    httpOnly: httpOnly.describe("Scripts do not see the cookie. Default: false."),
    attributes: attributes.describe("Further attributes, such as SameSite=Lax."),
  })
  .optional()
  .describe(
    "HAProxy's cookie: its value is the endpoint's `cookie`, its path `/`, and secure, domain, indirect and noCache as they are given. A client whose endpoint is down is bound to another one. Default: the value is a token that only gateways read.",
  );

export const rulePolicyFields = {
  retry: retrySchema
    .optional()
    .describe(
      "When a request is sent again, to another endpoint; never a POST that may have arrived. Default: once, when an endpoint could not be reached.",
    ),
  sessionPersistence: z
    .strictObject({
      sessionName: headerNameSchema
        .optional()
        .describe("Name of cookie or header. Default: isthmus-session."),
      type: z.enum(["Cookie", "Header"]).optional().describe("What carries the session. Default: Cookie."),
      absoluteTimeout: lifetimeField.optional().describe("Longest life of a session. Default: unlimited."),
      idleTimeout: lifetimeField.optional().describe("Life without requests. Default: unlimited."),
      moveOnFailure: z
        .boolean()
        .optional()
        .describe(
          "A client whose endpoint could not serve it is bound to the one that did. Default: false, it comes back.",
        ),
      cookieConfig: z
        .strictObject({
          lifetimeType: z
            .enum(["Session", "Permanent"])
            .optional()
            .describe("Permanent cookies outlive the browser, until absoluteTimeout. Default: Session."),
          path: cookiePathSchema.optional().describe("Default: the path of the rule's match."),
          domain: hostnameSchema.optional().describe("Default: the host of the request alone."),
          sameSite: z.enum(["None", "Lax", "Strict"]).optional().describe("Default: Lax."),
          secure: z.boolean().optional().describe("Default: for requests that came over TLS."),
          indirect: z
            .boolean()
            .optional()
            .describe("Endpoints do not see the cookie (HAProxy `indirect`). Default: false."),
          noCache: z
            .boolean()
            .optional()
            .describe(
              "Responses that set the cookie say `Cache-Control: private` (HAProxy `nocache`). Default: false.",
            ),
          endpointCookie: endpointCookieField,
        })
        .optional()
        .describe("For type Cookie."),
    })
    .refine(
      ({ cookieConfig, absoluteTimeout }) =>
        cookieConfig?.lifetimeType !== "Permanent" || absoluteTimeout !== undefined,
      { message: "a Permanent cookie needs an absoluteTimeout", path: ["absoluteTimeout"] },
    )
    .refine(({ type, cookieConfig }) => type !== "Header" || cookieConfig?.endpointCookie === undefined, {
      message: "expected type Cookie where endpointCookie is given",
      path: ["type"],
    })
    .optional()
    .describe("Clients stay with their endpoint as long as it lives. Default: off."),
  stickySplit: keySourceSchema
    .optional()
    .describe(
      "Clients stay with their backend while weights change: a canary that grows loses nobody. Default: each request is drawn anew.",
    ),
  compression: compressionSchema
    .optional()
    .describe("Responses are compressed for clients that take it. Default: they pass as they come."),
};
