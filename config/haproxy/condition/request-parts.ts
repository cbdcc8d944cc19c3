// Fetches of the request (§7.3.6) as parts of texts that the gateway puts together.
import type { RequestText } from "#contract/request-text.ts";
import type { Operation, TextTransform } from "#contract/text-transform.ts";
import type { SampleKind } from "./converters.ts";
import type { Call } from "./sample.ts";

type Part = RequestText[number];

const maxTransforms = 8;

/** Names of what earlier rules may have changed, as `subjectKey` makes them. */
interface Changed {
  has(key: string): boolean;
}

/** Fetches of the whole request by what they tell, and what an earlier rule may have changed of it. */
const facts: Readonly<
  Record<string, readonly [from: NonNullable<Part["from"]>, changedBy: readonly string[]]>
> = {
  src: ["ClientIP", []],
  ssl_fc_sni: ["ServerName", []],
  method: ["Method", []],
  "capture.req.method": ["Method", []],
  path: ["Path", ["path"]],
  query: ["Query", ["query"]],
  url: ["Target", ["path", "query"]],
  pathq: ["Target", ["path", "query"]],
  "capture.req.uri": ["Target", []],
  uuid: ["UniqueID", []],
  "unique-id": ["UniqueID", []],
};

/** `undefined`: it cannot be had here, or not any more. */
export function partsOfFetch({ name, args }: Call, changes: Changed): RequestText | undefined {
  if (name === "base") {
    return changes.has("host") || changes.has("path") ? undefined : [{ from: "Host" }, { from: "Path" }];
  }
  if (/^ssl_(?:c_|fc_has_crt)/.test(name)) return certificateParts(name, args);
  if (name === "rand") return randomNumber(args);
  if (name === "date") return timeOf(args);
  const fact = Object.hasOwn(facts, name) ? facts[name] : undefined;
  if (fact) return fact[1].some((key) => changes.has(key)) ? undefined : [{ from: fact[0] }];
  const [argument, occurrence] = args;
  if (argument === undefined || argument === "" || args.length > 2) return undefined;
  const kind = name.replace(/^req[._]/, "");
  // The last one is what there is without a number.
  if (occurrence !== undefined && (kind !== "hdr" || occurrence !== "-1")) return undefined;
  switch (kind) {
    case "hdr":
    case "fhdr":
      return headerParts(argument.toLowerCase(), kind === "hdr", changes);
    case "urlp":
    case "url_param":
      return changes.has("query") ? undefined : [{ from: "QueryParam", name: argument }];
    case "cook":
      return changes.has("header:cookie") ? undefined : [{ from: "Cookie", name: argument }];
    default:
      return undefined;
  }
}

/** Of the client's certificate. One that is not valid counts as none, since whoever has one is let in as if without. */
function certificateParts(name: string, [attribute, ...others]: readonly string[]): RequestText | undefined {
  switch (name) {
    case "ssl_c_used":
    case "ssl_fc_has_crt":
      return [{ from: "ClientCertificateVerification", transforms: [oneIfVerified, elseZero] }];
    case "ssl_c_verify":
      return [{ text: "0" }];
    case "ssl_c_s_dn":
    case "ssl_c_i_dn": {
      // The whole name, another than the first, and other ways to write it are HAProxy's own.
      if (attribute === undefined || attribute === "" || others.length > 0) return undefined;
      const from = name === "ssl_c_s_dn" ? "ClientCertificateSubject" : "ClientCertificateIssuer";
      return [{ from, name: attribute.toUpperCase() }];
    }
    default:
      return undefined;
  }
}

const oneIfVerified: TextTransform = {
  type: "ReplaceRegexMatch",
  replaceRegexMatch: { pattern: "^SUCCESS$", substitution: "1" },
};
const elseZero: TextTransform = {
  type: "ReplaceRegexMatch",
  replaceRegexMatch: { pattern: "^[A-Z].*$", substitution: "0" },
};

/** From 0 to the one before `range`. All of a request's are drawn from one text, so those of one range are the same. */
function randomNumber([range]: readonly string[]): RequestText | undefined {
  if (range !== undefined && !/^[1-9][0-9]{0,9}$/.test(range)) return undefined;
  const number: TextTransform = { type: "Checksum", checksum: { algorithm: "CRC32" } };
  const transforms = range === undefined ? [number] : [number, arithmetic("Modulo", Number(range))];
  return [{ from: "UniqueID", transforms }];
}

/** `date(<offset>,<unit>)`; seconds without a unit. */
function timeOf([offset = "0", unit = "s"]: readonly string[]): RequestText | undefined {
  if (!/^-?[0-9]{1,12}$/.test(offset) || (unit !== "s" && unit !== "ms")) return undefined;
  const steps: TextTransform[] = [
    ...(unit === "s" ? [arithmetic("Divide", 1_000)] : []),
    ...(Number(offset) === 0 ? [] : [arithmetic("Add", Number(offset))]),
  ];
  return [{ from: "Time", ...(steps.length > 0 && { transforms: steps }) }];
}

function arithmetic(operation: Operation, operand: number): TextTransform {
  return { type: "Arithmetic", arithmetic: { operation, operand } };
}

/** `hdr` is the last element of a list. */
function headerParts(name: string, isElement: boolean, changes: Changed): RequestText | undefined {
  if (name === "host") return changes.has("host") ? undefined : [{ from: "Host" }];
  if (changes.has(`header:${name}`)) return undefined;
  return [{ from: "Header", name, ...(isElement && { transforms: [lastElement] }) }];
}

const lastElement: TextTransform = {
  type: "ReplaceRegexMatch",
  replaceRegexMatch: { pattern: "^.*, *", substitution: "" },
};

export function kindOfFetch({ name }: Call): SampleKind {
  if (name === "src") return "address";
  if (name === "ssl_c_used" || name === "ssl_fc_has_crt") return "boolean";
  return /^(?:int|bool|rand|date|ssl_c_verify)$/.test(name) ? "number" : "text";
}

/** `undefined`: what several parts come to cannot be transformed. */
export function transformed(
  parts: RequestText,
  transforms: readonly TextTransform[],
): RequestText | undefined {
  if (transforms.length === 0) return parts;
  const [only, ...others] = parts;
  if (!only || only.from === undefined || others.length > 0) return undefined;
  const all = [...(only.transforms ?? []), ...transforms];
  return all.length <= maxTransforms ? [{ ...only, transforms: all }] : undefined;
}

/** What earlier rules would have to leave alone for the text to be that of the request as it came in. */
export function changesOf(parts: RequestText): string[] {
  return parts.flatMap(({ from, name = "" }) => {
    switch (from) {
      case "Path":
        return ["path"];
      case "Query":
      case "Search":
      case "QueryParam":
        return ["query"];
      case "Target":
        return ["path", "query"];
      case "Host":
      case "Hostname":
        return ["host"];
      case "Header":
        return [`header:${name.toLowerCase()}`];
      case "Cookie":
        return ["header:cookie"];
      default:
        return [];
    }
  });
}
