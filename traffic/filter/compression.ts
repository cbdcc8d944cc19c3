// Whether and how a response is compressed on its way to the client, and what its head says then (RFC 9110 §8.4, §12.5.3).
// What is left alone is what HAProxy leaves alone: other statuses than 200 to 203, what is encoded already or must not be
// transformed, bodies in parts; and calls of gRPC, which has a compression of its own.
import type { Compression, Compressor, CompressorType } from "#contract/compression.ts";

const statuses = new Set([200, 201, 202, 203]);
const leftAlone = /^(?:multipart\/|application\/grpc)/;

/** On the wire (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
const contentCodings: Readonly<Record<CompressorType, string>> = {
  Gzip: "gzip",
  Brotli: "br",
  Zstd: "zstd",
  Deflate: "deflate",
  RawDeflate: "deflate",
};

export interface CompressionPlan {
  /** The response may be compressed, for a client that takes it: caches have to know that it depends on the client. */
  suits(status: number, headers: Headers): boolean;
  /** That which the client likes best; `undefined`: it takes none. */
  choose(acceptEncoding: string | null): Compressor | undefined;
}

export function compileCompression(policy: Compression): CompressionPlan {
  const { compressors, minContentLength } = policy;
  const contentTypes = new Set(policy.contentTypes);
  return {
    suits(status, headers) {
      if (!statuses.has(status) || headers.has("content-encoding")) return false;
      const type = /^[^;\s]*/.exec(headers.get("content-type")?.trim().toLowerCase() ?? "")![0];
      if (!isListed(type, contentTypes) || leftAlone.test(type)) return false;
      const length = headers.get("content-length");
      if (length !== null && Number(length) < Math.max(minContentLength, 1)) return false;
      return !/(?:^|,)\s*no-transform\s*(?:,|$)/i.test(headers.get("cache-control") ?? "");
    },
    choose: (acceptEncoding) => (acceptEncoding ? choose(acceptEncoding, compressors) : undefined),
  };
}

function isListed(type: string, listed: ReadonlySet<string>): boolean {
  return listed.has("*/*") || listed.has(type) || listed.has(type.replace(/\/.*$/, "/*"));
}

function choose(acceptEncoding: string, compressors: readonly Compressor[]): Compressor | undefined {
  const weights = weightsOf(acceptEncoding);
  let best: Compressor | undefined;
  let bestWeight = 0;
  for (const compressor of compressors) {
    const weight = weights.get(contentCodings[compressor.type]) ?? weights.get("*") ?? 0;
    if (weight <= bestWeight) continue;
    best = compressor;
    bestWeight = weight;
  }
  return best;
}

/** By coding, in lower case. What is no weight is none (RFC 9110 §12.4.2: then it is 1). */
function weightsOf(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.map((text) => /^q=([01](?:\.[0-9]{0,3})?)$/.exec(text)?.[1]).find(Boolean);
    // RFC 9110 §8.4.1.3: the same as gzip.
    weights.set(name === "x-gzip" ? "gzip" : name, weight === undefined ? 1 : Number(weight));
  }
  return weights;
}

/** Once `suits` has said so, whether or not this client gets it compressed. */
export function varyByEncoding(headers: Headers): void {
  const vary = headers.get("vary") ?? "";
  if (/(?:^|,)\s*(?:\*|accept-encoding)\s*(?:,|$)/i.test(vary)) return;
  headers.append("vary", "Accept-Encoding");
}

/** The head of the compressed response: another length, unknown yet, no ranges, and another representation's strong tag. */
export function markCompressed(headers: Headers, { type }: Compressor): void {
  headers.set("content-encoding", contentCodings[type]);
  headers.delete("content-length");
  headers.delete("accept-ranges");
  const tag = headers.get("etag");
  if (tag?.startsWith('"')) headers.set("etag", `W/${tag}`);
}
