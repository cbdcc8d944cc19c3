// Who may do what, as the snapshot carries it: rules about requests, with the names of Istio's AuthorizationPolicy.
import { z } from "zod";
import { cidrSchema } from "./client-cidrs.ts";
import { headerNameSchema as header } from "./http-field.ts";
import { methodSchema, pathMatchSchema } from "./http-route.ts";

export const policyNameSchema = z
  .string()
  .max(63)
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
    "expected letters, digits, '-', '.' or '_', at most 63",
  );
export const policyTextSchema = z.string().min(1).max(1024);
export const cidrsSchema = z.array(cidrSchema).max(4_096);

export const claimNameSchema = z.string().min(1).max(256).describe("Claim; `a.b` is b within a.");

/** Istio's string match: a value, `start*`, `*end`, or `*` for whatever is there. */
const patterns = z.array(policyTextSchema).min(1).max(256);

const headerValuesSchema = z
  .array(
    z.strictObject({
      name: header.describe("Name, without case."),
      values: patterns.describe("One of these."),
    }),
  )
  .max(16)
  .optional();

const claimValuesSchema = z
  .array(z.strictObject({ name: claimNameSchema, values: patterns.describe("One of these.") }))
  .max(16)
  .optional();

const requestFields = {
  principal: z
    .strictObject({
      clientCIDRs: cidrsSchema.min(1).optional().describe("Networks, one of which has the client's address."),
      notClientCIDRs: cidrsSchema.min(1).optional().describe("Networks, none of which has it."),
      principals: patterns.optional().describe("SPIFFE ids of the client's certificate."),
      notPrincipals: patterns.optional().describe("SPIFFE ids that it must not have."),
      requestPrincipals: patterns.optional().describe("`<iss>/<sub>` of the token."),
      notRequestPrincipals: patterns.optional().describe("`<iss>/<sub>` that it must not have."),
      clientIDs: patterns.optional().describe("clientIDs of the API key."),
      users: patterns.optional().describe("Names of basic authentication."),
      jwt: z
        .strictObject({
          provider: policyNameSchema.optional().describe("Provider that accepted the token. Default: any."),
          scopes: z
            .array(policyTextSchema)
            .max(32)
            .optional()
            .describe("Scopes (RFC 8693 `scope`), all of them."),
          claims: claimValuesSchema.describe("Claims, all of which must have, or hold, one of their values."),
        })
        .optional()
        .describe("What the token says."),
      notClaims: claimValuesSchema.describe(
        "Claims, none of which may have, or hold, one of its values. Requests without a token have none.",
      ),
      headers: headerValuesSchema.describe("Headers, all of which must have one of their values."),
      notHeaders: headerValuesSchema.describe("Headers, none of which may have one of its values."),
    })
    .default({})
    .describe("Who: all of these conditions hold together. Default: everyone."),
  operation: z
    .strictObject({
      hosts: patterns.optional().describe("Host names."),
      notHosts: patterns.optional().describe("Host names that it must not have."),
      methods: z.array(methodSchema).min(1).max(16).optional().describe("Methods."),
      notMethods: z.array(methodSchema).min(1).max(16).optional().describe("Methods that it must not have."),
      paths: z.array(pathMatchSchema).min(1).max(64).optional().describe("Paths, one of which must match."),
      notPaths: z
        .array(pathMatchSchema)
        .min(1)
        .max(64)
        .optional()
        .describe("Paths, none of which may match."),
    })
    .default({})
    .describe("What: all of these conditions hold together. Default: everything."),
};

const authorizationRuleSchema = z.strictObject({
  name: policyNameSchema.optional().describe("For the log. Default: the rule's index."),
  action: z.enum(["Allow", "Deny"]).describe("Deny goes before Allow, whatever their order."),
  ...requestFields,
});

/** Requests that something holds for. */
export const requestRuleSchema = z.strictObject(requestFields);

const decisionFields = {
  defaultAction: z
    .enum(["Allow", "Deny"])
    .optional()
    .describe("When no rule matches. Default: Deny if there is an Allow rule, or else Allow."),
  rules: z.array(authorizationRuleSchema).max(256).default([]).describe("The rules."),
};

export const authorizationSchema = z.strictObject({
  ...decisionFields,
  and: z
    .array(z.strictObject(decisionFields))
    .min(1)
    .max(16)
    .optional()
    .describe("Further decisions, each with rules of its own: all of them must allow, too."),
});

export type RequestRule = z.infer<typeof requestRuleSchema>;
export type AuthorizationRule = z.infer<typeof authorizationRuleSchema>;
export type Authorization = z.infer<typeof authorizationSchema>;
