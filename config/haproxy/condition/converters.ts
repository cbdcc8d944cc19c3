// Converters (§7.3.1) → what the gateway does to a text of the request. What they give has a kind, which decides what the
// next one takes it for.
import { applyTransform } from "#contract/text/apply-transform.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import {
  digestSchema,
  textTransformSchema,
  type ChecksumAlgorithm,
  type Operation,
  type PlainTransformType,
  type TextTransform,
} from "#contract/text-transform.ts";
import { maskBits } from "./network.ts";
import type { Call } from "./sample.ts";

/** `binary`: bytes that are no text by themselves. */
export type SampleKind = "text" | "number" | "boolean" | "address" | "binary";

export interface Conversion {
  readonly transforms: readonly TextTransform[];
  readonly kind: SampleKind;
}

interface Converter {
  /** Kinds that are taken as they are; of others HAProxy makes something else first. */
  readonly takes: readonly SampleKind[];
  readonly gives: SampleKind | "same";
  /** `undefined`: not with these arguments. */
  readonly transforms: (args: readonly string[]) => TextTransform[] | undefined;
}

/** `undefined`: one of them is not known here. */
export function convert(converters: readonly Call[], kind: SampleKind): Conversion | undefined {
  const transforms: TextTransform[] = [];
  let given = kind;
  for (const { name, args } of converters) {
    const converter = Object.hasOwn(table, name) ? table[name]! : undefined;
    const made = converter?.takes.includes(given) ? converter.transforms(args) : undefined;
    if (!converter || !made) return undefined;
    transforms.push(...made);
    if (converter.gives !== "same")
      given = queries.has(name) && args[1] === "int" ? "number" : converter.gives;
  }
  return { transforms, kind: given };
}

/** What comes of a text that is known; `undefined`: only the gateway can tell, or it is no text. */
export function convertedText(
  text: string,
  converters: readonly Call[],
  kind: SampleKind,
): string | undefined {
  const conversion = convert(converters, kind);
  if (!conversion || conversion.kind === "binary") return undefined;
  let value: string | undefined = text;
  for (const transform of conversion.transforms) {
    if (transform.type === "ReplaceRegexMatch") return undefined;
    value = value === undefined ? undefined : applyTransform(transform, value);
  }
  // HAProxy has nothing then, and writes nothing.
  return value ?? "";
}

const asText = ["text", "number", "boolean", "address", "binary"] as const;
/** Of addresses and numbers, converters of bytes see what they are in memory. */
const asBytes = ["text", "binary"] as const;
const asNumber = ["text", "number", "boolean"] as const;

const plain = (
  takes: Converter["takes"],
  gives: Converter["gives"],
  type: PlainTransformType,
): Converter => ({
  takes,
  gives,
  transforms: (args) => (args.length === 0 ? [{ type }] : undefined),
});

/** `avalanche` mixes further what these give. */
const tableHash = (algorithm: ChecksumAlgorithm): Converter => ({
  takes: asBytes,
  gives: "number",
  transforms: ([extra = "0", ...others]) => {
    if (!/^[0-9]{1,9}$/.test(extra) || others.length > 0) return undefined;
    const isSeed = algorithm.startsWith("XXH");
    const seed = Number(extra);
    if (!isSeed && seed !== 0) return undefined;
    return [{ type: "Checksum", checksum: { algorithm, ...(seed > 0 && { seed }) } }];
  },
});

const arithmetic = (operation: Operation): Converter => ({
  takes: asNumber,
  gives: "number",
  transforms: ([operand = "", ...others]) =>
    /^-?[0-9]{1,15}$/.test(operand) && others.length === 0
      ? [{ type: "Arithmetic", arithmetic: { operation, operand: Number(operand) } }]
      : undefined,
});

const calculation = (...steps: [operation: Operation, operand: number][]) =>
  steps.map(([operation, operand]): TextTransform => ({
    type: "Arithmetic",
    arithmetic: { operation, operand },
  }));

const truth = (whenTrue: string, whenFalse: string): TextTransform => ({
  type: "Choose",
  choose: { whenTrue, whenFalse },
});

const ofNumber = (gives: "number" | "boolean", steps: TextTransform[]): Converter => ({
  takes: asNumber,
  gives,
  transforms: (args) => (args.length === 0 ? steps : undefined),
});

const table: Readonly<Record<string, Converter>> = {
  lower: plain(asText, "text", "Lower"),
  upper: plain(asText, "text", "Upper"),
  reverse: plain(asText, "text", "Reverse"),
  length: plain(asText, "number", "Length"),
  hex: plain(asBytes, "text", "HexEncode"),
  base64: plain(asBytes, "text", "Base64Encode"),
  b64dec: plain(asText, "text", "Base64Decode"),
  ub64enc: plain(asBytes, "text", "Base64URLEncode"),
  ub64dec: plain(asText, "text", "Base64URLDecode"),
  url_enc: {
    takes: asText,
    gives: "text",
    transforms: ([part = "query"]) => (part === "query" ? [{ type: "URLEncode" }] : undefined),
  },
  url_dec: {
    takes: asText,
    gives: "text",
    transforms: ([form = "0"]) => [{ type: form === "0" ? "URLDecode" : "FormDecode" }],
  },
  sha1: {
    takes: asBytes,
    gives: "binary",
    transforms: () => [{ type: "Digest", digest: { algorithm: "SHA1" } }],
  },
  sha2: { takes: asBytes, gives: "binary", transforms: ([bits = "256"]) => digest(`sha${bits}`) },
  digest: { takes: asBytes, gives: "binary", transforms: ([algorithm = ""]) => digest(algorithm) },
  hmac: {
    takes: asBytes,
    gives: "binary",
    transforms: ([algorithm = "", key]) =>
      key === undefined || key === "" ? undefined : digest(algorithm, key),
  },
  crc32: tableHash("CRC32"),
  crc32c: tableHash("CRC32C"),
  djb2: tableHash("DJB2"),
  sdbm: tableHash("SDBM"),
  xxh32: tableHash("XXH32"),
  xxh64: tableHash("XXH64"),
  add: arithmetic("Add"),
  sub: arithmetic("Subtract"),
  mul: arithmetic("Multiply"),
  div: arithmetic("Divide"),
  mod: arithmetic("Modulo"),
  and: arithmetic("And"),
  or: arithmetic("Or"),
  xor: arithmetic("Xor"),
  neg: ofNumber("number", calculation(["Multiply", -1])),
  cpl: ofNumber("number", calculation(["Xor", -1])),
  bool: ofNumber("boolean", [truth("1", "0")]),
  not: ofNumber("boolean", [truth("0", "1")]),
  odd: ofNumber("boolean", calculation(["And", 1])),
  even: ofNumber("boolean", [...calculation(["And", 1]), truth("0", "1")]),
  iif: {
    takes: asNumber,
    gives: "text",
    transforms: ([whenTrue = "", whenFalse = ""]) => [truth(whenTrue, whenFalse)],
  },
  bytes: { takes: asBytes, gives: "same", transforms: substring },
  ltrim: {
    takes: asText,
    gives: "text",
    transforms: ([start = ""]) => (start === "" ? undefined : [{ type: "Trim", trim: { start } }]),
  },
  rtrim: {
    takes: asText,
    gives: "text",
    transforms: ([end = ""]) => (end === "" ? undefined : [{ type: "Trim", trim: { end } }]),
  },
  // With a variable it is resolved before.
  concat: {
    takes: asText,
    gives: "text",
    transforms: ([start = "", variable = "", end = ""]) =>
      variable === "" ? [{ type: "Affix", affix: { suffix: start + end } }] : undefined,
  },
  ipmask: {
    takes: ["address", "text"],
    gives: "address",
    transforms: ([ipv4 = "", ipv6]) => mask(ipv4, ipv6),
  },
  host_only: { takes: asText, gives: "text", transforms: () => [replacement(":[0-9]*$", "")] },
  port_only: {
    takes: asText,
    gives: "number",
    transforms: () => [replacement("^(?:.*:([0-9]+)|.*)$", "\\1"), replacement("^$", "0")],
  },
  field: { takes: asText, gives: "text", transforms: (args) => partOfText("field", args) },
  word: { takes: asText, gives: "text", transforms: (args) => partOfText("word", args) },
  regsub: { takes: asText, gives: "text", transforms: regsub },
  reverse_dom: plain(asText, "text", "ReverseLabels"),
  http_date: {
    takes: asNumber,
    gives: "text",
    transforms: ([offset = "0", unit = "s"]) =>
      /^-?[0-9]{1,12}$/.test(offset) && (unit === "s" || unit === "ms")
        ? [...(unit === "ms" ? calculation(["Divide", 1_000]) : []), ...moved(offset), { type: "HTTPDate" }]
        : undefined,
  },
  language: {
    takes: asText,
    gives: "text",
    transforms: ([languages = "", fallback]) => {
      const known = languages.split(";").filter((language) => language !== "");
      const rest = fallback === undefined ? {} : { default: fallback };
      return known.length > 0
        ? [{ type: "PreferredLanguage", preferredLanguage: { languages: known, ...rest } }]
        : undefined;
    },
  },
  json_query: { takes: asText, gives: "text", transforms: ([path = ""]) => jsonQuery(path) },
  jwt_header_query: { takes: asText, gives: "text", transforms: ([path]) => jwtQuery(1, path) },
  jwt_payload_query: { takes: asText, gives: "text", transforms: ([path]) => jwtQuery(2, path) },
};

/** Converters whose last argument says that a number is wanted. */
const queries: ReadonlySet<string> = new Set(["json_query", "jwt_header_query", "jwt_payload_query"]);

function moved(offset: string): TextTransform[] {
  return Number(offset) === 0 ? [] : calculation(["Add", Number(offset)]);
}

function jsonQuery(path: string): TextTransform[] | undefined {
  const transform = textTransformSchema.safeParse({ type: "JSONQuery", jsonQuery: { path } });
  return transform.success ? [transform.data] : undefined;
}

/** Header and payload of a token (RFC 7515 §3.1). */
function jwtQuery(position: number, path: string | undefined): TextTransform[] | undefined {
  const part: TextTransform[] = [
    { type: "Field", field: { position, delimiters: "." } },
    { type: "Base64URLDecode" },
  ];
  if (path === undefined) return part;
  const query = jsonQuery(path);
  return query && [...part, ...query];
}

function replacement(pattern: string, substitution: string): TextTransform {
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } };
}

function digest(name: string, hmacKey?: string): TextTransform[] | undefined {
  const algorithm = digestSchema.safeParse(name.toUpperCase().replace("-", ""));
  if (!algorithm.success) return undefined;
  return [
    { type: "Digest", digest: { algorithm: algorithm.data, ...(hmacKey !== undefined && { hmacKey }) } },
  ];
}

function substring([from = "", count]: readonly string[]): TextTransform[] | undefined {
  const [start, length] = [Number(from), count === undefined ? undefined : Number(count)];
  const isPlain = /^[0-9]{1,4}$/.test(from) && (count === undefined || /^[0-9]{1,4}$/.test(count));
  return isPlain
    ? [{ type: "Substring", substring: { start, ...(length !== undefined && { length }) } }]
    : undefined;
}

/** Also `255.255.255.0`. */
function mask(ipv4: string, ipv6: string | undefined): TextTransform[] | undefined {
  const ipv4Bits = /^[0-9]{1,2}$/.test(ipv4) ? Number(ipv4) : maskBits(ipv4);
  const ipv6Bits = ipv6 === undefined ? undefined : Number(ipv6);
  const isIpv6 = ipv6 === undefined || (/^[0-9]{1,3}$/.test(ipv6) && ipv6Bits! <= 128);
  if (ipv4Bits === undefined || ipv4Bits > 32 || !isIpv6) return undefined;
  return [{ type: "IPMask", ipMask: { ipv4Bits, ...(ipv6Bits !== undefined && { ipv6Bits }) } }];
}

function partOfText(name: "field" | "word", args: readonly string[]): TextTransform[] | undefined {
  const [position, delimiters = ""] = [Number(args[0]), args[1]];
  if (!Number.isInteger(position) || position === 0 || delimiters === "" || args.length > 3) return undefined;
  if (args.length === 3 || position < 0 || position > 16) {
    return farField({ position, delimiters, count: Number(args[2] ?? "1"), skipEmpty: name === "word" });
  }
  const set = delimiters.replace(/[\\\]^-]/g, "\\$&");
  const [start, step, part] =
    name === "field"
      ? ["", `[^${set}]*[${set}]`, `[^${set}]*`]
      : [`[${set}]*`, `[^${set}]+[${set}]+`, `[^${set}]+`];
  const before = position > 1 ? `(?:${step}){${position - 1}}` : "";
  // Where there is no such part, nothing is left.
  return [replacement(`^(?:${start}${before}(${part}).*|.*)$`, "\\1")];
}

/** Several fields, or one that is counted from the end. */
function farField({
  count,
  skipEmpty,
  ...field
}: {
  position: number;
  delimiters: string;
  count: number;
  skipEmpty: boolean;
}): TextTransform[] | undefined {
  const made = textTransformSchema.safeParse({
    type: "Field",
    field: { ...field, ...(count !== 1 && { count }), ...(skipEmpty && { skipEmpty }) },
  });
  return made.success ? [made.data] : undefined;
}

/** Without the flag `g`, the first occurrence alone is replaced. */
function regsub([regex = "", substitution = "", flags = ""]: readonly string[]): TextTransform[] | undefined {
  if (!/^[gi]*$/.test(flags) || regex === "") return undefined;
  const fold = flags.includes("i") ? "(?i)" : "";
  const isAnchored = !regex.includes("|") && (regex.startsWith("^") || /[^\\]\$$/.test(regex));
  const transform =
    flags.includes("g") || isAnchored
      ? replacement(fold + regex, substitution)
      : firstOnly(regex, substitution, fold);
  if (!transform || transform.type !== "ReplaceRegexMatch") return undefined;
  return patternError(transform.replaceRegexMatch.pattern) === undefined ? [transform] : undefined;
}

/** The whole text at once: what stands in front of the first occurrence, and what behind it, are groups of their own. */
function firstOnly(regex: string, substitution: string, fold: string): TextTransform | undefined {
  const groups = [
    ...regex
      .replace(/\\./g, "")
      .replace(/\[[^\]]*\]/g, "")
      .matchAll(/\((?!\?)/g),
  ].length;
  if (groups > 7) return undefined;
  const shifted = substitution.replace(/\\([1-9])/g, (_, group: string) => `\\${Number(group) + 1}`);
  if (/\\0/.test(substitution)) return undefined;
  return replacement(`${fold}^(.*?)(?:${regex})(.*)$`, `\\1${shifted}\\${groups + 2}`);
}
