// ACL criteria about the bytes that a connection begins with (§7.3.5), and what is known of it anyway.
//
// The server name stands where a request has its host, so that all that is done with a text can be done with it.
import type { ConnectionCondition, PayloadSlice } from "#contract/connection-inspection.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { readRanges } from "./comparison.ts";
import { never, not, operatorOfSuffix, type Condition, type Operator } from "./condition.ts";
import { readCriterion, readFlags, type Flags } from "./criterion.ts";
import type { Criteria } from "./parse-condition.ts";
import { parseSample, type Call } from "./sample.ts";

type Field = ConnectionCondition["field"];

/** What of a connection a test looks at. */
export interface ConnectionSubject {
  readonly type: "connection";
  readonly field: Field;
  /** Of the cookie. */
  readonly name?: string;
  readonly payload?: Partial<PayloadSlice>;
}

const requestSample =
  /^(?:req\.f?hdr|hdr|fhdr|path|url|method|cook|req\.cook|urlp|base|query|pathq|http_auth)(?:_|$)/;

/** In `mode tcp`. */
export const connectionCriteria: Criteria = {
  read(words, files) {
    const [expression, ...rest] = words;
    if (expression === undefined) return invalid("the condition is empty");
    const sample = parseSample(expression);
    if (sample && requestSample.test(sample.fetch.name)) {
      return unsupported("in mode tcp no request is seen", "Test req.ssl_sni, or write `mode http`.");
    }
    const read = sample && readers[aliases[sample.fetch.name] ?? sample.fetch.name];
    if (!read) return readCriterion([withHost(expression), ...rest], files);
    return read({ ...sample, flags: readFlags(rest, files) });
  },
  predefined: new Map([
    ["HTTP", ["req.proto_http"]],
    ["HTTP_1.0", ["req.ver", "1.0"]],
    ["HTTP_1.1", ["req.ver", "1.1"]],
    ["HTTP_2.0", ["req.ver", "2.0"]],
    ["RDP_COOKIE", ["req.rdp_cookie_cnt", "gt", "0"]],
    ["REQ_CONTENT", ["req.len", "gt", "0"]],
    ["WAIT_END", ["wait_end"]],
    ...["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"].map(
      (name): [string, string[]] => [`METH_${name}`, ["method", name]],
    ),
    ...["ABS", "SLASH", "STAR"].map((name): [string, string[]] => [`HTTP_URL_${name}`, ["url"]]),
    ["HTTP_CONTENT", ["hdr", "content-length"]],
  ]),
};

/** The server name as the host of a request. */
function withHost(text: string): string {
  return text.replace(
    /^(?:req[._]ssl_sni|ssl_fc_sni)(?:_(beg|end|sub|dom|dir|reg))?(?=$|,)/,
    (_, how?: string) => `hdr${how ? `_${how}` : ""}(host)`,
  );
}

const aliases: Readonly<Record<string, string>> = {
  payload: "req.payload",
  payload_lv: "req.payload_lv",
  rdp_cookie: "req.rdp_cookie",
  rdp_cookie_cnt: "req.rdp_cookie_cnt",
  req_rdp_cookie: "req.rdp_cookie",
  req_rdp_cookie_cnt: "req.rdp_cookie_cnt",
  req_len: "req.len",
  req_proto_http: "req.proto_http",
  req_ver: "req.ver",
  req_ssl_hello_type: "req.ssl_hello_type",
  req_ssl_ver: "req.ssl_ver",
};

interface Criterion {
  readonly fetch: Call;
  readonly converters: readonly Call[];
  readonly flags: Flags;
}

const readers: Readonly<Record<string, (criterion: Criterion) => Condition>> = {
  "req.len": (criterion) => number("Length", criterion),
  "req.ssl_ver": (criterion) => number("TLSVersion", withVersions(criterion)),
  dst_port: (criterion) => number("Port", criterion),
  wait_end: (criterion) => isThere("InspectionEnd", criterion),
  "req.proto_http": (criterion) => isThere("HTTPVersion", criterion),
  "req.ver": (criterion) => text({ type: "connection", field: "HTTPVersion" }, criterion),
  "req.ssl_alpn": (criterion) => text({ type: "connection", field: "ApplicationProtocol" }, criterion),
  "req.rdp_cookie": (criterion) => text(rdpCookie(criterion), criterion),
  "req.rdp_cookie_cnt"(criterion) {
    const found = testOf(rdpCookie(criterion), "present");
    const [range] = readRanges(criterion.flags.patterns);
    if (range === "1:" || range === "1:1") return found;
    return range === "0:0" || range === ":0" ? not(found) : unsupported("there is one cookie or none");
  },
  "req.ssl_hello_type"({ flags }) {
    // Clients begin with a ClientHello, or it is no TLS.
    if (!flags.patterns.some((pattern) => pattern === "1")) return never;
    return testOf({ type: "connection", field: "TransportProtocol" }, "exact", ["tls"]);
  },
  "req.payload"(criterion) {
    const [offset, length] = criterion.fetch.args.map(Number) as [number, number];
    if (criterion.fetch.args.length !== 2 || !(offset >= 0) || !(length >= 0))
      return invalid("expected req.payload(offset,length)");
    return payload({ ...(offset > 0 && { offset }), ...(length > 0 && { length }) }, criterion);
  },
  "req.payload_lv"(criterion) {
    const [lengthOffset, lengthBytes] = criterion.fetch.args.map(Number) as [number, number];
    const from = criterion.fetch.args[2];
    if (!(lengthOffset >= 0) || !(lengthBytes >= 1 && lengthBytes <= 4))
      return invalid("expected req.payload_lv(offset,size), of a size up to 4");
    const behind = lengthOffset + lengthBytes;
    const offset = from === undefined ? undefined : Number(from) + (/^[+-]/.test(from) ? behind : 0);
    return payload({ lengthOffset, lengthBytes, ...(offset !== undefined && { offset }) }, criterion);
  },
};

function rdpCookie({ fetch: { args } }: Criterion): ConnectionSubject {
  return { type: "connection", field: "RDPCookie", ...(args[0] && { name: args[0] }) };
}

function testOf(
  subject: ConnectionSubject,
  operator: Operator,
  values: readonly string[] = [],
  ignoreCase = false,
): Condition {
  return { kind: "test", test: { subject, operator, values, ignoreCase } };
}

function number(field: Field, { converters, flags: { patterns } }: Criterion): Condition {
  refuseConverters(converters);
  return testOf({ type: "connection", field }, "range", readRanges(patterns));
}

/** `3.1` is 769, as it stands in the ClientHello. */
function withVersions(criterion: Criterion): Criterion {
  const patterns = criterion.flags.patterns.map((pattern) =>
    pattern.replace(/([0-9]+)(?:\.([0-9]+))?/g, (_, major: string, minor = "0") =>
      String(Number(major) * 256 + Number(minor)),
    ),
  );
  return { ...criterion, flags: { ...criterion.flags, patterns } };
}

function isThere(field: Field, { converters, flags: { patterns, method } }: Criterion): Condition {
  refuseConverters(converters);
  const found = testOf({ type: "connection", field }, "present");
  const [pattern = "1"] = patterns.filter((word) => word !== "eq");
  if (method === "found" || /^(?:1|true|on|yes)$/.test(pattern)) return found;
  if (/^(?:0|false|off|no)$/.test(pattern)) return not(found);
  return invalid(`expected true or false; found ${JSON.stringify(pattern)}`);
}

function refuseConverters([converter]: readonly Call[]): void {
  if (converter) unsupported(`the converter ${JSON.stringify(converter.name)} is not available here`);
}

const operators: Readonly<Record<string, Operator>> = { ...operatorOfSuffix, str: "exact", found: "present" };

function text(subject: ConnectionSubject, { converters, flags }: Criterion): Condition {
  const { method = "str", patterns } = flags;
  const operator = operators[method];
  if (operator === undefined)
    return unsupported(`the match method ${JSON.stringify(method)} is not available here`);
  if (operator === "present") return testOf(subject, operator);
  let { ignoreCase } = flags;
  let possible: readonly string[] = patterns;
  for (const { name } of converters) {
    if (name !== "lower" && name !== "upper")
      return unsupported(`the converter ${JSON.stringify(name)} is not available here`);
    ignoreCase = true;
    if (operator !== "regex")
      possible = possible.filter(
        (value) => value === (name === "lower" ? value.toLowerCase() : value.toUpperCase()),
      );
  }
  return possible.length === 0 ? never : testOf(subject, operator, possible, ignoreCase);
}

function payload(slice: Partial<PayloadSlice>, criterion: Criterion): Condition {
  const { converters, flags } = criterion;
  const [first, ...others] = converters;
  const subject = (encoding: PayloadSlice["encoding"]): ConnectionSubject => ({
    type: "connection",
    field: "Payload",
    payload: { ...slice, ...(encoding === "Hex" && { encoding }) },
  });
  if (first?.name === "hex") return text(subject("Hex"), { ...criterion, converters: others });
  if (flags.method === undefined)
    return invalid("bytes need -m, such as `-m bin` for hexadecimal digits, or `-m str`");
  if (flags.method !== "bin") return text(subject("Text"), criterion);
  refuseConverters(converters);
  const bad = flags.patterns.find((pattern) => !/^(?:[0-9a-f]{2})+$/i.test(pattern));
  if (bad !== undefined) return invalid(`expected pairs of hexadecimal digits; found ${JSON.stringify(bad)}`);
  return testOf(
    subject("Hex"),
    "exact",
    flags.patterns.map((pattern) => pattern.toUpperCase()),
  );
}
