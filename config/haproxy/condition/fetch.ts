// Sample expressions as subjects of tests: which part of the request an ACL looks at, and what its suffix or converters
// make of it.
import { invalid, StatementProblem, unsupported } from "../statement-problem.ts";
import { operatorOfSuffix, type Operator, type Subject } from "./condition.ts";
import { readCounter, type CounterRead } from "./counter-read.ts";
import { computedFetch, type ComputedFetch } from "./computed.ts";
import { subjectKey } from "./changes.ts";
import { resolveSample } from "./resolve-sample.ts";
import { comparedVariable, variablesOf } from "./sample-variables.ts";
import { parseSample, type Call, type Sample } from "./sample.ts";
import type { TextPart } from "./text-pattern.ts";

export type Fetch =
  | {
      readonly kind: "text";
      readonly subject: Subject;
      /** From a suffix such as `_beg`. */
      readonly operator: Operator | undefined;
      /** `lower` and `upper` leave only values of that case a chance. */
      readonly letterCase: "lower" | "upper" | undefined;
      /** `path,field(n,/)`: the number of path elements in front of the one that is compared. */
      readonly elementsBefore?: number;
      /** `field(n,delimiters)` and `word` of other texts. */
      readonly part?: TextPart;
    }
  | MapFetch
  | ComputedFetch
  /** With variables in it, which are known where the rule stands. */
  | { readonly kind: "expression"; readonly sample: Sample; readonly operator: Operator | undefined }
  | { readonly kind: "boolean"; readonly subject: Subject }
  /** Groups of a userlist. */
  | { readonly kind: "groups"; readonly list: string }
  | { readonly kind: "number"; readonly subject: Subject }
  | { readonly kind: "rate"; readonly subject: Subject }
  | { readonly kind: "counter"; readonly read: CounterRead }
  | { readonly kind: "size"; readonly subject: Subject }
  | { readonly kind: "status"; readonly subject: Subject }
  /** Whether a server of a backend is up; how many are is computed. */
  | { readonly kind: "servers"; readonly subject: Subject }
  /** How often a header occurs; only none or some can be told. */
  | { readonly kind: "count"; readonly subject: Subject }
  | { readonly kind: "network"; readonly subject: Subject };

/** `map_beg(file,default)` behind another expression. */
export interface MapFetch {
  readonly kind: "map";
  readonly key: Exclude<Fetch, MapFetch>;
  readonly operator: Operator;
  readonly file: string;
  readonly fallback: string | undefined;
  /** What is done to the value that was found. */
  readonly converters: readonly Call[];
}

/** Names that differ by version and habit. */
const aliases: ReadonlyMap<string, string> = new Map(
  Object.entries({
    hdr: "req.hdr",
    fhdr: "req.fhdr",
    hdr_cnt: "req.hdr_cnt",
    cook: "req.cook",
    shdr: "res.hdr",
    shdr_cnt: "res.hdr_cnt",
    url_param: "urlp",
    req_ssl_sni: "req.ssl_sni",
    so_name: "fe_name",
  }),
);

/** What a mistyped name may have meant. */
const known =
  "path url method req.hdr req.fhdr req.hdr_cnt req.cook urlp src ssl_fc ssl_fc_sni req.ssl_sni dst_port always_true " +
  "always_false str bool int hdr req.proto_http url_param hdr_beg hdr_end hdr_dom hdr_reg hdr_sub hdr_dir path_beg " +
  "path_end path_reg path_sub path_dir urlp_reg cook hdr_cnt status res.hdr res.fhdr";
const knownNames = known.split(" ");

/** What HAProxy has and Isthmus has not, with what to do instead. */
const unavailable: ReadonlyMap<string, string> = new Map(
  Object.entries({
    connslots: "Declare the servers of the fallback as `backup` servers of the backend.",
    be_conn: "Remove the condition.",
    fe_conn: "Remove the condition.",
  }),
);

/** Throws `StatementProblem`. */
export function readFetch(expression: string): Fetch {
  const sample =
    parseSample(expression) ?? invalid(`${JSON.stringify(expression)} is not a sample expression`);
  const lookup = tableLookup(expression, sample);
  if (lookup) return lookup;
  const read = readCounter(sample);
  if (read && !isRate(sample)) return { kind: "counter", read };
  const call = canonicalCall(sample.fetch);
  const [name, operator] = withoutSuffix(call.name);
  try {
    return convert(baseFetch(call, name, operator), sample);
  } catch (problem) {
    // What no condition of the model looks at by itself may still be put together as a text.
    const isUnsupported =
      problem instanceof StatementProblem && problem.details.code === "statement-unsupported";
    const computed = isUnsupported ? computedOrExpression({ ...sample, fetch: call }) : undefined;
    if (computed) return computed;
    throw problem;
  }
}

function computedOrExpression(sample: Sample): Fetch | undefined {
  return mapOfComputed(sample) ?? computedFetch(sample) ?? expressionFetch(sample);
}

/** `req.hdr(name),regsub(:\d+$,),map(file)`: what is looked up is put together. */
function mapOfComputed({ fetch, converters }: Sample): Fetch | undefined {
  const index = converters.findIndex(({ name }) => name.startsWith("map"));
  const map = converters[index];
  const key = map && computedFetch({ fetch, converters: converters.slice(0, index) });
  return key && mapFetch(key, map.name, map.args, converters.slice(index + 1));
}

/** `undefined`: it could not be had whatever the variables are. */
function expressionFetch(sample: Sample): Fetch | undefined {
  const variables = variablesOf(sample);
  if (variables.length === 0) return undefined;
  const [name, operator] = withoutSuffix(sample.fetch.name);
  const bare = { ...sample, fetch: { ...sample.fetch, name } };
  const compared = comparedVariable(bare)?.sample ?? bare;
  const changes = new Map(variables.map((name) => [subjectKey({ type: "variable", name }), "0"]));
  const host = { kind: "any" } as const;
  const listener = { tls: false, port: undefined };
  const at = { surroundings: { listener, host }, draft: { changes, sources: new Map() } };
  return resolveSample(compared, at) ? { kind: "expression", sample: bare, operator } : undefined;
}

/** A text as one that the gateway puts together; `undefined`: it cannot. */
export function readComputed(expression: string): Fetch | undefined {
  const sample = parseSample(expression);
  return sample && computedOrExpression({ ...sample, fetch: canonicalCall(sample.fetch) });
}

function canonicalCall({ name, args }: Call): Call {
  const suffixed = /^(.+)_(beg|end|sub|dir|dom|reg|len|ip|val)$/.exec(name);
  const whole = aliases.get(suffixed?.[1] ?? "");
  if (whole !== undefined) return { name: `${whole}_${suffixed![2]}`, args };
  return { name: aliases.get(name) ?? name, args };
}

function withoutSuffix(name: string): [string, Operator | undefined] {
  const suffixed = /^(path|url|base|urlp|re[qs]\.f?hdr|req\.cook)_(beg|end|sub|dir|dom|reg)$/.exec(name);
  return suffixed ? [suffixed[1]!, operatorOfSuffix[suffixed[2]!]] : [name, undefined];
}

function baseFetch({ args, name: written }: Call, name: string, operator: Operator | undefined): Fetch {
  const counted = countedSubject(name, args);
  if (counted) return { kind: "rate", subject: counted };
  const text = (subject: Subject): Fetch => ({ kind: "text", subject, operator, letterCase: undefined });
  switch (name) {
    case "path":
      return text({ type: "path" });
    case "base":
      return text({ type: "base" });
    case "url":
      if (operator === "prefix") return text({ type: "path" });
      return unsupported("the whole URL cannot be compared", "Test path and url_param(name) apart.");
    case "method":
      return text({ type: "method" });
    case "req.hdr":
    case "req.fhdr":
      return text(headerSubject(written, args, name === "req.hdr"));
    case "req.hdr_cnt":
    case "req.fhdr_cnt":
      return { kind: "count", subject: headerSubject(written, args, false) };
    case "res.hdr":
    case "res.fhdr":
      return text(responseHeaderSubject(written, args, name === "res.hdr"));
    case "res.hdr_cnt":
    case "res.fhdr_cnt":
      return { kind: "count", subject: responseHeaderSubject(written, args, false) };
    case "req.cook":
      return text({ type: "cookie", name: oneArgument(written, args) });
    case "urlp":
      return text({ type: "query-param", name: oneArgument(written, args) });
    case "src":
      return { kind: "network", subject: { type: "client" } };
    case "ssl_fc":
      return { kind: "boolean", subject: { type: "tls" } };
    case "dst_port":
      return { kind: "number", subject: { type: "port" } };
    case "req.proto_http":
    case "always_true":
      return { kind: "constant", value: "1" };
    case "req.body_size":
    case "req.body_len":
      return { kind: "size", subject: { type: "body-size" } };
    case "status":
      return { kind: "status", subject: { type: "status" } };
    case "nbsrv":
      return { kind: "servers", subject: { type: "servers", name: oneArgument(written, args) } };
    case "http_auth":
      return { kind: "boolean", subject: { type: "credentials", list: oneArgument(written, args) } };
    case "http_auth_group":
      return { kind: "groups", list: oneArgument(written, args) };
    case "var":
      return text({ type: "variable", name: oneArgument(written, args) });
    case "always_false":
      return { kind: "constant", value: "0" };
    case "str":
      return { kind: "constant", value: args[0] ?? "" };
    case "bool":
    case "int":
      return { kind: "constant", value: oneArgument(written, args) };
    default:
      return unknownFetch(name);
  }
}

/** `sc_http_req_rate(0)`, `sc0_http_req_rate`, `src_http_req_rate(table)`, and the same of what counts connections. */
function countedSubject(name: string, args: readonly string[]): Subject | undefined {
  const found = /^(?:sc([0-9]*)|(src))_(http_req_rate|http_err_rate|conn_cur|conn_rate|sess_rate)$/.exec(
    name,
  );
  if (!found) return undefined;
  const isSource = found[2] !== undefined;
  const isNumbered = isSource || found[1] !== "";
  const counter = isSource ? "src" : `sc${isNumbered ? found[1] : (args[0] ?? "")}`;
  const table = isNumbered ? args[0] : args[1];
  const place = { counter, ...(table !== undefined && { table }) };
  const counts = found[3] as RateSubject["counts"] | ConnectionSubject["counts"];
  return counts === "http_req_rate" || counts === "http_err_rate"
    ? { type: "rate", counts, ...place }
    : { type: "connections", counts, ...place };
}

/** What may be a limit. */
function isRate({ fetch, converters }: Sample): boolean {
  return converters.length === 0 && countedSubject(fetch.name, fetch.args) !== undefined;
}

type RateSubject = Extract<Subject, { type: "rate" }>;
type ConnectionSubject = Extract<Subject, { type: "connections" }>;

/** `src,table_http_req_rate(table)`: the key itself stands where otherwise a counter does. */
function tableLookup(expression: string, { converters }: Sample): Fetch | undefined {
  const last = converters.at(-1);
  const found = /^table_(http_(?:req|err)_rate)$/.exec(last?.name ?? "");
  if (!last || !found) return undefined;
  const counts = found[1] as RateSubject["counts"];
  const table = last.args[0];
  if (table === undefined || table === "") return undefined;
  const key = expression.slice(0, expression.lastIndexOf(`,${last.name}`));
  return { kind: "rate", subject: { type: "rate", counts, counter: `=${key}`, table } };
}

function unknownFetch(name: string): never {
  const remedy =
    unavailable.get(name) ??
    (/^(?:sc[0-9]*|src)_/.test(name)
      ? "Of tables, requests, errors, failures, gpc and gpt are available, and of connections conn_cur, conn_rate and sess_rate."
      : undefined);
  if (remedy !== undefined) return unsupported(`${name} is not available here`, remedy);
  throw new StatementProblem({
    code: "statement-unsupported",
    message: `the fetch method ${JSON.stringify(name)} is not available here`,
    mistyped: { name, known: knownNames },
  });
}

function headerSubject(written: string, args: readonly string[], elements: boolean): Subject {
  if (args.length > 1)
    unsupported("one of several occurrences of a header cannot be picked", "Leave the second argument out.");
  const name = oneArgument(written, args).toLowerCase();
  return name === "host" ? { type: "host", port: true } : { type: "header", name, elements };
}

function responseHeaderSubject(written: string, args: readonly string[], elements: boolean): Subject {
  if (args.length > 1)
    unsupported("one of several occurrences of a header cannot be picked", "Leave the second argument out.");
  return { type: "response-header", name: oneArgument(written, args).toLowerCase(), elements };
}

function oneArgument(written: string, args: readonly string[]): string {
  if (args.length >= 1 && args[0] !== "") return args[0]!;
  return invalid(`${written} needs an argument, such as ${written}(name)`);
}

function convert(base: Fetch, { converters }: Sample): Fetch {
  let fetch = base;
  for (const [index, { name, args }] of converters.entries()) {
    if (name.startsWith("map")) return mapFetch(fetch, name, args, converters.slice(index + 1));
    if (fetch.kind !== "text") unsupported(`the converter ${JSON.stringify(name)} is not available here`);
    fetch = convertText(fetch as Extract<Fetch, { kind: "text" }>, name, args);
  }
  return fetch;
}

function convertText(fetch: Extract<Fetch, { kind: "text" }>, name: string, args: readonly string[]): Fetch {
  const { subject } = fetch;
  if (name === "lower" || name === "upper") return { ...fetch, letterCase: name };
  const dropsPort =
    name === "host_only" ||
    ((name === "field" || name === "word") && args[0] === "1" && args[1] === ":") ||
    (name === "regsub" && /^:(\\d|\[0-9\])[+*]\$?$/.test(args[0] ?? "") && (args[1] ?? "") === "");
  if (subject.type === "host" && dropsPort) return { ...fetch, subject: { type: "host", port: false } };
  const whole = wholePart(subject, name, args);
  if (whole) return { ...fetch, part: whole };
  const position = Number(args[0]) - (name === "field" ? 2 : 1);
  const isElement = (name === "field" || name === "word") && args[1] === "/" && args.length === 2;
  if (subject.type === "path" && isElement && Number.isInteger(position) && position >= 0 && position < 32) {
    return { ...fetch, elementsBefore: position };
  }
  return unsupported(`the converter ${JSON.stringify(name)} is not available here`);
}

/** Parts of anything but the path by slashes. */
function wholePart(subject: Subject, name: string, args: readonly string[]): TextPart | undefined {
  if ((name !== "field" && name !== "word") || args.length !== 2 || args[1] === "") return undefined;
  if (subject.type === "path" && args[1] === "/" && !args[0]!.startsWith("-")) return undefined;
  const position = Number(args[0]);
  if (!Number.isInteger(position) || position === 0 || Math.abs(position) > 32) return undefined;
  return { position, delimiters: args[1]!, isWord: name === "word" };
}

const mapOperators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({ ...operatorOfSuffix, str: "exact" }),
);

function mapFetch(key: Fetch, name: string, args: readonly string[], converters: readonly Call[]): MapFetch {
  const found = /^map(?:_(str|beg|end|sub|dir|dom|reg|int|ip))?(?:_(?:str|int|ip))?$/.exec(name);
  if (!found || key.kind === "map")
    return unsupported(`the converter ${JSON.stringify(name)} is not available here`);
  const [file, fallback] = args;
  if (file === undefined || file === "") return invalid(`${name} needs the name of a file`);
  const operator = mapOperators.get(found[1] ?? "str") ?? "exact";
  return { kind: "map", key, operator, file, fallback, converters };
}
