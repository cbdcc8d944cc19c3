// Texts that are put together anew for each request, of fixed words and of what the client has sent.
import { z } from "zod";
import { textTransformSchema } from "./text-transform.ts";

const namedFacts = [
  "Header",
  "QueryParam",
  "Cookie",
  "ClientCertificateSubject",
  "ClientCertificateIssuer",
] as const;

export const textFactSchema = z.enum([
  "ClientIP",
  "Scheme",
  "Host",
  "Hostname",
  "ServerName",
  "Port",
  "Method",
  "Path",
  "Query",
  "Search",
  "Target",
  "UniqueID",
  "Time",
  "ClientCertificateVerification",
  ...namedFacts,
]);

const textPartSchema = z
  .strictObject({
    text: z.string().max(4096).optional().describe("Words that are the same for all requests."),
    from: textFactSchema
      .optional()
      .describe(
        "What of the client's request stands here; nothing where the request has none. Host has the port that the client sent, Hostname has none; ServerName is what the client asked for in the TLS handshake, known to `isthmus serve` alone; Search is the query with its question mark; Target is path and query; UniqueID is a UUID made up for the request; Time is when it came, in milliseconds since 1970; ClientCertificateVerification is `SUCCESS`, `NONE` or `FAILED:` with the reason, ClientCertificateSubject and ClientCertificateIssuer the value of one attribute of the name in a certificate that was verified.",
      ),
    name: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        "Of the Header, QueryParam or Cookie; of a name in a certificate, the attribute, such as CN.",
      ),
    transforms: z
      .array(textTransformSchema)
      .min(1)
      .max(8)
      .optional()
      .describe("What is done to it, one after the other."),
  })
  .superRefine((part, context) => {
    const fail = (message: string, field: string): void =>
      context.addIssue({ code: "custom", message, path: [field], input: part });
    if ((part.text === undefined) === (part.from === undefined))
      fail("expected text or from, one of them", "text");
    const isNamed = namedFacts.some((fact) => fact === part.from);
    if (isNamed !== (part.name !== undefined))
      fail(
        isNamed ? `expected the name of the ${part.from}` : `only ${namedFacts.join(", ")} have names`,
        "name",
      );
    if (part.transforms && part.from === undefined) fail("words are not transformed", "transforms");
  });

export const requestTextSchema = z.array(textPartSchema).min(1).max(32);

export type TextFact = z.infer<typeof textFactSchema>;
export type RequestText = z.infer<typeof requestTextSchema>;
