// `compressor`, and `compression` from before it → compression of the rules.
import type { RuleInput } from "../../gateway-api/extension.ts";
import { withFields } from "../../with-fields.ts";
import { approximated, at, ignored, type Place } from "../../kubernetes/field-notes.ts";
import type { TrafficSpec } from "../schema/backend-traffic-policy.ts";
import { bytesOf } from "../schema/common.ts";

type Compressor = NonNullable<TrafficSpec["compressor"]>[number];
type CompressionInput = NonNullable<RuleInput["compression"]>;
type CompressorInput = NonNullable<CompressionInput["compressors"]>[number];

/** Envoy's, where the policy says nothing. */
const leastLength = 30;

/** `undefined`: nothing is compressed. */
export function compressionOf(
  { compressor = [], compression = [] }: TrafficSpec,
  place: Place,
): CompressionInput | undefined {
  // Envoy Gateway takes the newer field alone where it has items, and of these those with their settings, be they empty.
  const field = compressor.length > 0 ? "compressor" : "compression";
  if (compressor.length > 0 && compression.length > 0)
    ignored(at(place, "compression"), "compressor stands in its place");
  const used = (compressor.length > 0 ? compressor : compression).flatMap((one, index) => {
    const here = at(place, field, index);
    const settings = settingsOf(one);
    if (settings.given || field === "compression") return [{ ...one, level: settings.level, place: here }];
    const key = one.type.toLowerCase();
    ignored(
      here,
      `nothing is compressed with ${one.type}: it has no ${key}`,
      `Write ${key}: {} beside the type.`,
    );
    return [];
  });
  if (used.length === 0) return undefined;
  const lengths = used.map(({ minContentLength }) =>
    minContentLength === undefined ? leastLength : bytesOf(minContentLength),
  );
  const least = Math.min(...lengths);
  if (lengths.some((length) => length !== least))
    approximated(at(place, field), `all of them compress responses from ${least} bytes on`);
  return {
    compressors: used.map(({ type, level, place: here }) => compressorOf(type, level, here)),
    minContentLength: least,
    // Endpoints are not asked for what the gateway is to do.
    removeAcceptEncodingHeader: true,
  };
}

function settingsOf({ type, gzip, brotli, zstd }: Compressor): { given: boolean; level: number | undefined } {
  switch (type) {
    case "Gzip":
      return { given: gzip !== undefined, level: gzip?.compressionLevel };
    case "Brotli":
      return { given: brotli !== undefined, level: brotli?.quality };
    case "Zstd":
      return { given: zstd !== undefined, level: zstd?.compressionLevel };
  }
}

/** Levels beyond the model's take more time and memory than a gateway that serves everybody has. */
function compressorOf(type: Compressor["type"], wanted: number | undefined, place: Place): CompressorInput {
  const level = wanted === undefined ? undefined : Math.min(9, Math.max(1, wanted));
  if (level !== wanted) approximated(place, `the level is ${level}: levels are from 1 to 9`);
  return { type, ...withFields({ level }) };
}
