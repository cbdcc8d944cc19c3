// Texts that are put together anew for each request, of fixed words, of what the client has sent and of texts again: the
// expressions of the model (decision 0031).
import { z } from "zod";
import { textTransformSchema, type TextTransform } from "./text-transform.ts";

const namedFacts = ["Header", "QueryParam", "Cookie", "Counter", "EndpointsUp"] as const;
/** Of these a name picks one part. */
const distinguishedNames = ["ClientCertificateSubject", "ClientCertificateIssuer"] as const;

export const textFactSchema = z.enum([
  "ClientIP",
  "ClientPort",
  "Scheme",
  "Protocol",
  "Host",
  "Hostname",
  "Port",
  "Method",
  "Path",
  "Query",
  "Search",
  "Target",
  ...namedFacts,
  ...distinguishedNames,
  "ServerName",
  "TLSVersion",
  "TLSCipher",
  "ClientCertificate",
  "ClientCertificateVerification",
  "UniqueID",
  "Time",
]);

const namedResponseFacts = ["ResponseHeader", "ResponseCookie"] as const;

export const responseFactSchema = z.enum(["Status", "EndpointName", ...namedResponseFacts]);

export interface TextPart {
  readonly text?: string | undefined;
  readonly from?: TextFact | ResponseFact | undefined;
  readonly name?: string | undefined;
  readonly parts?: RequestText | undefined;
  readonly transforms?: TextTransform[] | undefined;
  readonly missingIsEmpty?: boolean | undefined;
}

export type RequestText = TextPart[];

type TextSchema = z.ZodType<RequestText, RequestText>;

/** Texts in texts. */
export const maxTextDepth = 4;
const maxParts = 128;

/** What of each stands here. */
const ofRequest =
  "What of the client's request stands here; nothing where the request has none. Host has the port that the client sent, Hostname has none; Protocol is `HTTP/1.1` or `HTTP/2`; ServerName is what the client asked for in the TLS handshake, TLSVersion (`TLSv1.3`) and TLSCipher what was agreed on, known to `isthmus serve` alone; Search is the query with its question mark; Target is path and query; UniqueID is a UUID made up for the request; Time is when it came, in milliseconds since 1970; ClientCertificateVerification is `SUCCESS`, `NONE` or `FAILED:` with the reason, ClientCertificate a certificate that was verified (DER, Base64), ClientCertificateSubject and ClientCertificateIssuer the names in it (RFC 2253), or the value of one attribute; Counter is a number that a counter table has of the request's key, as it was when the request came; EndpointsUp is how many endpoints of a backend are up.";
const ofResponse =
  " Of the response, as the changes in front have made it: Status, ResponseHeader, and the value that ResponseCookie sets; EndpointName is the name of the endpoint that gave it, or its address.";

interface Facts {
  readonly schema: z.ZodType<TextPart["from"], TextPart["from"]>;
  readonly named: readonly string[];
  readonly meaning: string;
}

function textSchema(facts: Facts, depth = 1): TextSchema {
  const { schema, named, meaning } = facts;
  const part = z
    .strictObject({
      text: z.string().max(4096).optional().describe("Words that are the same for all requests."),
      from: schema.optional().describe(meaning),
      name: z
        .string()
        .min(1)
        .max(1024)
        .optional()
        .describe(
          "Of the Header, QueryParam or Cookie; of a name in a certificate, the attribute, such as CN; of a Counter, `TABLE/KEY/COUNTER`, such as `clients/address/General/1`; of EndpointsUp, the backend.",
        ),
      ...(depth < maxTextDepth ? innerText(textSchema(facts, depth + 1)) : noInnerText),
      transforms: z
        .array(textTransformSchema)
        .min(1)
        .max(8)
        .optional()
        .describe("What is done to it, one after the other."),
      missingIsEmpty: z
        .boolean()
        .optional()
        .describe(
          "Whether nothing stands here where the request has none, while the text around it is there all the same. Default: false.",
        ),
    })
    .superRefine((made: TextPart, context) => {
      const fail = (message: string, field: string): void =>
        context.addIssue({ code: "custom", message, path: [field], input: made });
      if ([made.text, made.from, made.parts].filter((source) => source !== undefined).length !== 1)
        fail("expected text, from or parts, one of them", "text");
      const isNamed = made.from !== undefined && named.includes(made.from);
      const mayBeNamed = isNamed || distinguishedNames.some((fact) => fact === made.from);
      if (made.name === undefined ? isNamed : !mayBeNamed)
        fail(
          isNamed
            ? `expected the name of the ${made.from}`
            : `only ${[...named, ...distinguishedNames].join(", ")} have names`,
          "name",
        );
      if (made.text === undefined) return;
      if (made.transforms) fail("words are not transformed", "transforms");
      if (made.missingIsEmpty !== undefined) fail("words are never missing", "missingIsEmpty");
    });
  const text = z.array(part).min(1).max(32);
  if (depth > 1) return text;
  return text.refine((parts) => countParts(parts) <= maxParts, {
    message: `expected at most ${maxParts} parts, those of texts in texts included`,
  });
}

function innerText(schema: TextSchema) {
  return { parts: schema.optional().describe("A text of its own, which is transformed as a whole.") };
}

/** A field that is not there is refused like any other that is unknown. */
const noInnerText = {} as ReturnType<typeof innerText>;

function countParts(text: RequestText): number {
  return text.reduce((count, { parts = [] }) => count + 1 + countParts(parts), 0);
}

export const requestTextSchema = textSchema({
  schema: textFactSchema,
  named: namedFacts,
  meaning: ofRequest,
});

/** For what is made of a response. */
export const responseTextSchema = textSchema({
  schema: z.enum([...textFactSchema.options, ...responseFactSchema.options]),
  named: [...namedFacts, ...namedResponseFacts],
  meaning: ofRequest + ofResponse,
});

export type TextFact = z.infer<typeof textFactSchema>;
export type ResponseFact = z.infer<typeof responseFactSchema>;
