// What connections are told apart by: the bytes that they begin with, as Envoy's listener filters look at them (TLS
// inspector, HTTP inspector), and what is known of them anyway.
import { z } from "zod";
import { clientCidrsSchema } from "./client-cidrs.ts";
import { limits } from "./limits.ts";
import { patternError } from "./pattern/parse-pattern.ts";

export const connectionFieldSchema = z.enum([
  "TransportProtocol",
  "ServerName",
  "ApplicationProtocol",
  "TLSVersion",
  "HTTPVersion",
  "RDPCookie",
  "Length",
  "Payload",
  "ClientIP",
  "Port",
  "InspectionEnd",
]);

const byteCount = z.int().min(0).max(limits.inspectedBytes);

/** A slice at a fixed place, or one whose length stands in front of it. */
export const payloadSliceSchema = z
  .strictObject({
    offset: byteCount.optional().describe("First byte. Default: 0, or behind the length."),
    length: byteCount
      .optional()
      .describe("Bytes; all of them must have come. Default: what has come so far."),
    lengthOffset: byteCount.optional().describe("Where the length of the slice stands. Default: nowhere."),
    lengthBytes: z.int().min(1).max(4).optional().describe("Bytes of that length, the highest first."),
    encoding: z
      .enum(["Text", "Hex"])
      .default("Text")
      .describe(
        "Text: one character for each byte, up to the first zero. Hex: two upper-case digits for each. Default: Text.",
      ),
  })
  .refine(({ lengthOffset, lengthBytes }) => (lengthOffset === undefined) === (lengthBytes === undefined), {
    message: "lengthOffset and lengthBytes go together",
  })
  .refine(({ length, lengthOffset }) => length === undefined || lengthOffset === undefined, {
    message: "the length is given twice: by length, and by what stands at lengthOffset",
  });

/** What each type compares with. */
const fieldOf = {
  Exact: "values",
  Prefix: "values",
  Suffix: "values",
  Contains: "values",
  RegularExpression: "values",
  InRange: "ranges",
  InNetworks: "cidrs",
  Present: undefined,
} as const;

export const connectionConditionSchema = z
  .strictObject({
    field: connectionFieldSchema.describe(
      "TransportProtocol is `tls` where a ClientHello has come; TLSVersion its version (771 is TLS 1.2), ApplicationProtocol each that it offers (ALPN). HTTPVersion (`1.1`) is there where the head of a request has come; Length counts the bytes so far. InspectionEnd is there once nothing more is waited for.",
    ),
    name: z.string().max(256).optional().describe("Of the RDPCookie. Default: whichever there is."),
    payload: payloadSliceSchema
      .optional()
      .describe("Which bytes, of a Payload. Default: all that have come."),
    type: z
      .enum([
        "Exact",
        "Prefix",
        "Suffix",
        "Contains",
        "RegularExpression",
        "InRange",
        "InNetworks",
        "Present",
      ])
      .default("Exact")
      .describe("How they compare; a RegularExpression is for the whole text. Default: Exact."),
    values: z
      .array(z.string().max(4096))
      .min(1)
      .max(limits.valuesPerCondition)
      .optional()
      .describe("Texts, or regular expressions, one of which compares."),
    ranges: z
      .array(
        z.strictObject({
          min: z.int().optional().describe("Default: no lower bound."),
          max: z.int().optional().describe("Default: no upper bound."),
        }),
      )
      .min(1)
      .max(64)
      .optional()
      .describe("Numbers from `min` to `max`, both included."),
    cidrs: clientCidrsSchema.optional().describe("Networks, one of which has the client's address."),
    ignoreCase: z.boolean().optional().describe("Letters of both cases are equal. Default: false."),
    not: z.boolean().optional().describe("Holds where the rest of it does not. Default: false."),
  })
  .superRefine((condition, context) => {
    const fail = (message: string, field: string, index?: number): void =>
      context.addIssue({
        code: "custom",
        message,
        path: index === undefined ? [field] : [field, index],
        input: condition,
      });
    const wanted = fieldOf[condition.type];
    for (const field of ["values", "ranges", "cidrs"] as const) {
      if ((condition[field] !== undefined) === (field === wanted)) continue;
      fail(
        field === wanted ? `${condition.type} needs ${field}` : `${condition.type} has no ${field}`,
        field,
      );
    }
    if (condition.name !== undefined && condition.field !== "RDPCookie")
      fail(`${condition.field} has no name`, "name");
    if (condition.payload && condition.field !== "Payload")
      fail(`${condition.field} has no payload`, "payload");
    if (condition.field === "InspectionEnd" && condition.type !== "Present")
      fail("InspectionEnd is Present, or not", "type");
    if (
      (condition.type === "InNetworks") !== (condition.field === "ClientIP") &&
      condition.type !== "Present"
    )
      fail("networks are for ClientIP, and ClientIP for networks", "type");
    if (condition.type !== "RegularExpression") return;
    if (condition.ignoreCase) fail("write (?i) in front of the expression", "ignoreCase");
    for (const [index, value] of (condition.values ?? []).entries()) {
      const message =
        value.length > limits.regexChars
          ? `longer than ${limits.regexChars} characters`
          : patternError(value);
      if (message !== undefined) fail(message, "values", index);
    }
  });

/** All conditions of a match hold together. */
export const connectionMatchSchema = z.strictObject({
  conditions: z
    .array(connectionConditionSchema)
    .min(1)
    .max(32)
    .describe("What a connection has to be like; all of them hold together."),
});

export const connectionMatchesSchema = z.array(connectionMatchSchema).max(limits.matchesPerRule);

export const inspectionRuleSchema = z.strictObject({
  action: z
    .enum(["Accept", "Reject"])
    .describe("Accept: nothing more is waited for. Reject: the connection is closed."),
  matches: connectionMatchesSchema
    .default([])
    .describe("Alternatives, one of which holds. Default: every connection."),
});

export type ConnectionCondition = z.infer<typeof connectionConditionSchema>;
export type ConnectionMatch = z.infer<typeof connectionMatchSchema>;
export type PayloadSlice = z.infer<typeof payloadSliceSchema>;
export type InspectionRule = z.infer<typeof inspectionRuleSchema>;
