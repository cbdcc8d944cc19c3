// What is done to a text of the request, one step after the other. Texts are of bytes: a character is one of a header's, and
// results that are no text (digests, decoded Base64) have a character for each byte.
import { z } from "zod";
import { patternSchema } from "./pattern/pattern-schema.ts";

const words = z.string().max(1024);

const plainTypes = [
  "Lower",
  "Upper",
  "Reverse",
  "URLEncode",
  "URLDecode",
  "FormDecode",
  "HexEncode",
  "HexDecode",
  "Base64Encode",
  "Base64Decode",
  "Base64URLEncode",
  "Base64URLDecode",
  "Length",
  "ReverseLabels",
  "HTTPDate",
  "OneLineName",
] as const;

export const digestSchema = z.enum(["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"]);
const checksumSchema = z.enum(["CRC32", "CRC32C", "DJB2", "SDBM", "XXH32", "XXH64"]);
const operationSchema = z.enum(["Add", "Subtract", "Multiply", "Divide", "Modulo", "And", "Or", "Xor"]);

export const textTransformSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z
      .enum(plainTypes)
      .describe(
        "In other letters; its bytes backwards; encoded or decoded (FormDecode: `+` is a space everywhere, URLDecode: behind a question mark); how many bytes there are; ReverseLabels: the labels of a host name backwards; HTTPDate: seconds since 1970 as in `Expires`; OneLineName: a distinguished name (RFC 2253) as OpenSSL writes it in one line, `/C=FR/CN=ann`.",
      ),
  }),
  z.strictObject({
    type: z.literal("ReplaceRegexMatch"),
    replaceRegexMatch: z
      .strictObject({
        pattern: patternSchema.describe(
          "Regular expression; every part of the text that matches it is replaced.",
        ),
        substitution: words.describe("What stands in its place; \\\\1 is the first group."),
      })
      .describe("Parts of the text that are replaced."),
  }),
  z.strictObject({
    type: z.literal("Substring"),
    substring: z
      .strictObject({
        start: z.int().min(0).max(65_536).describe("Bytes that are left out in front."),
        length: z.int().min(0).max(65_536).optional().describe("Bytes that are kept. Default: all."),
      })
      .describe("A part of the text, by its place."),
  }),
  z.strictObject({
    type: z.literal("Field"),
    field: z
      .strictObject({
        position: z
          .int()
          .min(-64)
          .max(64)
          .refine((position) => position !== 0, { message: "fields count from 1, or from the end from -1" })
          .describe("Which field: 1 is the first, -1 the last."),
        delimiters: z
          .string()
          .min(1)
          .max(64)
          .describe("Characters, each of which stands between two fields."),
        count: z
          .int()
          .min(0)
          .max(64)
          .optional()
          .describe(
            "How many, from there on, in the direction that is counted in; 0: all that are left. Default: 1.",
          ),
        skipEmpty: z.boolean().optional().describe("Whether empty fields do not count. Default: false."),
        quoted: z
          .boolean()
          .optional()
          .describe("Whether delimiters in double quotes are none. Default: false."),
      })
      .describe("A part of the text between delimiters."),
  }),
  z.strictObject({
    type: z.literal("Trim"),
    trim: z
      .strictObject({
        start: words.optional().describe("Characters that are taken away in front."),
        end: words.optional().describe("Characters that are taken away at the end."),
      })
      .describe("Characters that are taken away as long as one of them stands there."),
  }),
  z.strictObject({
    type: z.literal("Affix"),
    affix: z
      .strictObject({
        prefix: words.optional().describe("Words in front."),
        suffix: words.optional().describe("Words behind."),
      })
      .describe("Words that are added."),
  }),
  z.strictObject({
    type: z.literal("Digest"),
    digest: z
      .strictObject({
        algorithm: digestSchema.describe("Cryptographic hash function."),
        hmacKey: words.optional().describe("Key of an HMAC, Base64. Default: the plain digest."),
      })
      .describe("The digest, as bytes."),
  }),
  z.strictObject({
    type: z.literal("Checksum"),
    checksum: z
      .strictObject({
        algorithm: checksumSchema.describe("Checksum, or hash function for tables."),
        seed: z.int().min(0).max(0xffff_ffff).optional().describe("Of XXH32 and XXH64. Default: 0."),
      })
      .describe("The checksum, as a decimal number."),
  }),
  z.strictObject({
    type: z.literal("IPMask"),
    ipMask: z
      .strictObject({
        ipv4Bits: z.int().min(0).max(32).describe("Bits of an IPv4 address that are kept."),
        ipv6Bits: z
          .int()
          .min(0)
          .max(128)
          .optional()
          .describe("The same of IPv6. Default: nothing is left of it."),
      })
      .describe("The network of an address."),
  }),
  z.strictObject({
    type: z.literal("Arithmetic"),
    arithmetic: z
      .strictObject({
        operation: operationSchema.describe(
          "On integers of 64 bits; what overflows stays at the end of their range.",
        ),
        operand: z.int().describe("The second number."),
      })
      .describe("A calculation with the number that the text begins with."),
  }),
  z.strictObject({
    type: z.literal("JSONQuery"),
    jsonQuery: z
      .strictObject({
        path: z
          .string()
          .max(256)
          .regex(/^\$(?:\.(?:[^.[\]\\]|\\.)+|\[[0-9]{1,6}\])*$/, "expected a path such as $.realm.roles[0]")
          .describe("Where it is: `$.realm.roles[0]`; a backslash in front of a dot that belongs to a name."),
      })
      .describe(
        "A value in JSON: a text, a number, 1 for true and 0 for false, a list as it is written; an object and null are nothing.",
      ),
  }),
  z.strictObject({
    type: z.literal("PreferredLanguage"),
    preferredLanguage: z
      .strictObject({
        languages: z.array(z.string().min(1).max(64)).min(1).max(64).describe("Languages to choose from."),
        default: z.string().max(64).optional().describe("What stands where none is liked. Default: nothing."),
      })
      .describe("Of an Accept-Language (RFC 9110 §12.5.4), the language that is liked best."),
  }),
  z.strictObject({
    type: z.literal("Choose"),
    choose: z
      .strictObject({
        whenTrue: words.describe("What stands for every number but 0."),
        whenFalse: words.describe("What stands for 0, and for nothing."),
      })
      .describe("One of two words."),
  }),
]);

/** Of transforms that have nothing to say but their name. */
export type PlainTransformType = (typeof plainTypes)[number];
export type TextTransform = z.infer<typeof textTransformSchema>;
export type DigestAlgorithm = z.infer<typeof digestSchema>;
export type ChecksumAlgorithm = z.infer<typeof checksumSchema>;
export type Operation = z.infer<typeof operationSchema>;
