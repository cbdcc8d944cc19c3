// Compression of responses (Envoy Gateway BackendTrafficPolicy `compressor`, HAProxy `compression`, nginx `gzip`).
import { z } from "zod";

/** Media types that compress well: those of Envoy's compressor filter. */
const compressedTypes = [
  "application/javascript",
  "application/json",
  "application/xhtml+xml",
  "image/svg+xml",
  "text/css",
  "text/html",
  "text/javascript",
  "text/plain",
  "text/xml",
];

/** HAProxy's `raw-deflate` has a name of its own: on the wire both are called deflate. */
export const compressorTypes = ["Gzip", "Brotli", "Zstd", "Deflate", "RawDeflate"] as const;
export type CompressorType = (typeof compressorTypes)[number];

const mediaTypePattern = /^(?:\*\/\*|[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+))$/;

export const compressionSchema = z.strictObject({
  compressors: z
    .array(
      z.strictObject({
        type: z
          .enum(compressorTypes)
          .describe(
            "Gzip, Brotli, Zstd or Deflate. RawDeflate is Deflate without its header, as some old browsers took it.",
          ),
        level: z
          .int()
          .min(1)
          .max(9)
          .optional()
          .describe("More is smaller and takes longer. Default: 1, of Brotli 4 and of Zstd 3."),
      }),
    )
    .min(1)
    .max(compressorTypes.length)
    .default([{ type: "Gzip" }])
    .describe(
      "Of those that the client takes, the one that it gives the most weight, of equals the first one here. Default: Gzip.",
    ),
  /** `type/subtype` without parameters, lower case; `*` stands for any subtype, or for whatever it is. */
  contentTypes: z
    .array(
      z
        .string()
        .max(128)
        .regex(mediaTypePattern, "expected a media type in lower case, such as text/html or text/*"),
    )
    .min(1)
    .max(64)
    .default(compressedTypes)
    .describe(
      "Media types that are compressed: `text/*` for all of a kind, `*/*` for all. Default: HTML, CSS, JavaScript, JSON, XML, SVG and plain text.",
    ),
  minContentLength: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(30)
    .describe("Bytes from which on a body of known length is compressed. Default: 30."),
  removeAcceptEncodingHeader: z
    .boolean()
    .default(false)
    .describe(
      "Endpoints are not told what the client takes, and so compress nothing themselves. Default: false.",
    ),
});

export type Compression = z.infer<typeof compressionSchema>;
export type Compressor = Compression["compressors"][number];
