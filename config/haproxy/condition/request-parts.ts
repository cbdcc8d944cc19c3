// Fetches of the request (§7.3.6) as parts of texts that the gateway puts together.
import type { RequestText } from "#contract/request-text.ts";
import type { Operation, TextTransform } from "#contract/text-transform.ts";
import type { SampleKind } from "./converters.ts";
import type { Call } from "./sample.ts";
import { factsIn, transformed } from "./text-parts.ts";

type Part = RequestText[number];

/** Names of what earlier rules may have changed, as `subjectKey` makes them. */
interface Changed {
  has(key: string): boolean;
}

/** Fetches of the whole request by what they tell, and what an earlier rule may have changed of it. */
const facts: Readonly<
  Record<string, readonly [from: NonNullable<Part["from"]>, changedBy: readonly string[]]>
> = {
  src: ["ClientIP", []],
  src_port: ["ClientPort", []],
  ssl_fc_sni: ["ServerName", []],
  ssl_fc_protocol: ["TLSVersion", []],
  ssl_fc_cipher: ["TLSCipher", []],
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
  if (name === "ssl_fc_alpn") return agreedProtocol;
  if (/^(?:req\.)?body_(?:size|len)$/.test(name)) return announcedSize;
  if (name === "nbsrv") return args.length === 1 ? [{ from: "EndpointsUp", name: args[0] }] : undefined;
  if (name === "rand") return randomNumber(args);
  if (name === "date") return timeOf(args);
  const fact = Object.hasOwn(facts, name) ? facts[name] : undefined;
  if (fact) return fact[1].some((key) => changes.has(key)) ? undefined : [{ from: fact[0] }];
  const [argument, ...others] = args;
  const kind = name.replace(/^req[._]/, "");
  const computed = Object.hasOwn(ofProtocol, kind) ? ofProtocol[kind] : undefined;
  if (computed) return changes.has("header:authorization") ? undefined : computed;
  if (argument === undefined || argument === "") return undefined;
  if (kind.startsWith("hdr")) return headerParts(kind, argument.toLowerCase(), others, changes);
  if (others.length > 0) return undefined;
  switch (kind) {
    case "fhdr":
      return wholeHeader(argument.toLowerCase(), changes);
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
    case "ssl_c_der":
      return [{ from: "ClientCertificate", transforms: [{ type: "Base64Decode" }] }];
    case "ssl_c_sha1": {
      const transforms: TextTransform[] = [
        { type: "Base64Decode" },
        { type: "Digest", digest: { algorithm: "SHA1" } },
      ];
      return [{ from: "ClientCertificate", transforms }];
    }
    case "ssl_c_s_dn":
    case "ssl_c_i_dn": {
      const from = name === "ssl_c_s_dn" ? "ClientCertificateSubject" : "ClientCertificateIssuer";
      if (attribute !== undefined && attribute !== "") {
        // Another than the first, and other ways to write it, are HAProxy's own.
        return others.length > 0 ? undefined : [{ from, name: attribute.toUpperCase() }];
      }
      const [occurrence = "", format] = others;
      if (occurrence !== "" && occurrence !== "0") return undefined;
      if (format === "rfc2253") return [{ from }];
      return format === undefined ? [{ from, transforms: [{ type: "OneLineName" }] }] : undefined;
    }
    default:
      return undefined;
  }
}

const oneIfVerified = replacement("^SUCCESS$", "1");
const elseZero = replacement("^[A-Z].*$", "0");

/** Of the body, which is not waited for; one of no announced length has none. */
export const announcedSize: RequestText = [
  {
    parts: [{ text: "0" }, { from: "Header", name: "content-length", missingIsEmpty: true }],
    transforms: [arithmetic("Add", 0)],
  },
];

/** Missing without TLS. A client of HTTP/1.1 that offers no protocol at all counts as one that offers its own. */
const agreedProtocol: RequestText = [
  { from: "TLSVersion", transforms: [replacement("^.*$", "")] },
  { from: "Protocol", transforms: [{ type: "Lower" }, replacement("^http/2$", "h2")] },
];

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

function replacement(pattern: string, substitution: string): TextTransform {
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } };
}

function field(position: number, delimiters: string, count?: number): TextTransform {
  return { type: "Field", field: { position, delimiters, ...(count !== undefined && { count }) } };
}

/** What stands behind the name of a scheme (RFC 9110 §11.6.2). */
const credentials = (scheme: string, ...transforms: TextTransform[]): RequestText => [
  {
    from: "Header",
    name: "authorization",
    transforms: [replacement(`(?i)^(?:${scheme} +(.*)|.*)$`, "\\1"), ...transforms],
  },
];

/** Fetches without arguments that take a fact of the request apart. */
const ofProtocol: Readonly<Record<string, RequestText>> = {
  ver: [
    { from: "Protocol", transforms: [replacement("^HTTP/([0-9])$", "\\1.0"), replacement("^HTTP/", "")] },
  ],
  http_auth_bearer: credentials("Bearer"),
  http_auth_user: credentials("Basic", { type: "Base64Decode" }, field(1, ":")),
  http_auth_pass: credentials("Basic", { type: "Base64Decode" }, field(2, ":", 0)),
};

/** `hdr(name)`, `hdr(name,occurrence)`, and what is made of elements by `hdr_ip` and its like. */
function headerParts(
  kind: string,
  name: string,
  occurrence: readonly string[],
  changes: Changed,
): RequestText | undefined {
  if (name === "host" && kind === "hdr") return wholeHeader(name, changes);
  const [whole] = wholeHeader(name, changes) ?? [];
  if (!whole) return undefined;
  switch (kind) {
    case "hdr":
      return elementParts(whole, occurrence);
    case "hdr_val":
      return elementParts(whole, occurrence);
    case "hdr_ip":
      return transformed(elementParts(whole, occurrence) ?? [], [
        { type: "IPMask", ipMask: { ipv4Bits: 32, ipv6Bits: 128 } },
      ]);
    case "hdr_cnt":
      if (occurrence.length > 0) return undefined;
      return [{ parts: [{ ...whole, missingIsEmpty: true }], transforms: elementCount }];
    default:
      return undefined;
  }
}

function wholeHeader(name: string, changes: Changed): RequestText | undefined {
  if (name === "host") return changes.has("host") ? undefined : [{ from: "Host" }];
  return changes.has(`header:${name}`) ? undefined : [{ from: "Header", name }];
}

/** One element of a list: the last, or the one of a number. */
export function elementParts(whole: Part, occurrence: readonly string[]): RequestText | undefined {
  const [position = "-1", ...others] = occurrence;
  if (others.length > 0 || !/^-?[0-9]{1,2}$/.test(position)) return undefined;
  // The last one is what there is without a number.
  if (position === "-1" || Number(position) === 0) return [{ ...whole, transforms: [lastElement] }];
  return Math.abs(Number(position)) > 10
    ? undefined
    : [
        {
          ...whole,
          transforms: [element(Number(position)), { type: "Trim", trim: { start: " \t", end: " \t" } }],
        },
      ];
}

function element(position: number): TextTransform {
  return { type: "Field", field: { position, delimiters: ",", quoted: true } };
}

export const lastElement: TextTransform = replacement("^.*, *", "");

/** How many elements a list has: one more than commas, of which those in quotes are none. */
const elementCount: TextTransform[] = [
  replacement('"(?:[^"\\\\]|\\\\.)*"', "x"),
  replacement("^(.)", ",\\1"),
  replacement("[^,]", ""),
  { type: "Length" },
];

export function kindOfFetch({ name }: Call): SampleKind {
  if (name === "src" || /^(?:req\.|req_)?hdr_ip$/.test(name)) return "address";
  if (/^(?:src_port|status|nbsrv|(?:req\.)?body_(?:size|len)|(?:re[qs][._])?hdr_(?:cnt|val))$/.test(name))
    return "number";
  if (name === "ssl_c_der" || name === "ssl_c_sha1") return "binary";
  if (name === "ssl_c_used" || name === "ssl_fc_has_crt") return "boolean";
  return /^(?:int|bool|rand|date|ssl_c_verify)$/.test(name) ? "number" : "text";
}

/** What earlier rules would have to leave alone for the text to be that of the request as it came in. */
export function changesOf(parts: RequestText): string[] {
  return factsIn(parts).flatMap(({ from, name = "" }) => {
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
