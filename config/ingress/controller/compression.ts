// `use-gzip`, `enable-brotli` and what belongs to them in the controller's ConfigMap → compression of every rule.
import type { RulePolicies } from "../rule-parts.ts";
import type { Values } from "../values.ts";

type Compression = NonNullable<RulePolicies["compression"]>;
type Compressor = NonNullable<Compression["compressors"]>[number];

/** `gzip-types` and `brotli-types` of ingress-nginx where they are not set. */
const defaultTypes = `application/atom+xml application/javascript application/x-javascript application/json
  application/rss+xml application/vnd.ms-fontobject application/x-font-ttf application/x-web-app-manifest+json
  application/xhtml+xml application/xml font/opentype image/svg+xml image/x-icon text/css text/javascript text/plain
  text/x-component`;

/** In the order in which nginx tries them. Beyond level 6, an encoder of Brotli would hold tens of megabytes. */
const coders = [
  { type: "Brotli", on: "enable-brotli", prefix: "brotli", level: 4, most: 6, least: 20 },
  { type: "Gzip", on: "use-gzip", prefix: "gzip", level: 1, most: 9, least: 256 },
] as const;

/** `undefined`: nothing is compressed. */
export function readCompression(values: Values): Compression | undefined {
  const used = coders.filter(({ on }) => values.flag(on));
  if (used.length === 0) return undefined;
  const lengths = used.map(({ prefix, least }) => values.integer(`${prefix}-min-length`) ?? least);
  return {
    compressors: used.map(({ type, prefix, level, most }): Compressor => ({
      type,
      level: Math.min(Math.max(values.integer(`${prefix}-level`) ?? level, 1), most),
    })),
    // nginx compresses HTML whatever is listed.
    contentTypes: [
      ...new Set(["text/html", ...used.flatMap(({ prefix }) => typesOf(values, `${prefix}-types`))]),
    ],
    minContentLength: Math.min(...lengths, 1_000_000_000),
  };
}

function typesOf(values: Values, name: string): string[] {
  const types = (values.text(name) ?? defaultTypes).toLowerCase().split(/\s+/);
  if (types.includes("*")) return ["*/*"];
  const wrong = types.filter((type) => !/^[a-z0-9!#$&^_.+-]{1,63}\/[a-z0-9!#$&^_.+-]{1,63}$/.test(type));
  if (wrong.length > 0 || types.length > 60) values.invalid(name, "at most 60 media types, such as text/css");
  return types.filter((type) => !wrong.includes(type)).slice(0, 60);
}
