// Texts that a configuration puts together from the request, compiled once per snapshot.
import type { RequestText, TextFact, TextPart } from "#contract/request-text.ts";
import { applyTransform, encodeText } from "#contract/text/apply-transform.ts";
import type { TextTransform } from "#contract/text-transform.ts";
import { PatternSyntaxError } from "#contract/pattern/pattern-reader.ts";
import { attributeOf, type ClientCertificateFacts } from "../access/distinguished-name.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import type { CounterView } from "../counter/counter-view.ts";
import { parseCookies } from "../match/cookies.ts";
import { compilePattern } from "../match/pattern/pattern.ts";

/** The client's request, for texts that come from it. */
export interface ClientRequest {
  /** `unknown`: no address. */
  readonly clientAddress: string;
  readonly scheme: string;
  /** Host, with the port that the client sent. */
  readonly authority: string;
  /** As `RequestHead` has it. */
  readonly serverName?: string | undefined;
  readonly clientPort?: string | undefined;
  readonly protocol?: string | undefined;
  readonly tlsVersion?: string | undefined;
  readonly tlsCipher?: string | undefined;
  /** That the client used. */
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Raw, without `?`. */
  readonly query: string;
  /** As `RequestHead` has them. */
  readonly uniqueId?: string | undefined;
  readonly timeMs?: number | undefined;
  readonly clientCertificate?: ClientCertificateFacts | undefined;
  /** Of the endpoint that was asked. */
  readonly endpointName?: string | undefined;
  readonly counters?: CounterView | undefined;
  /** Of a backend; `undefined`: there is none of that name. Absent: it is not known. */
  readonly endpointsUp?: ((backend: string) => number | undefined) | undefined;
  /** By lower-case name, as it came in. */
  header(name: string): string | null;
}

/** The response, for texts that come from it, as it has been made so far. */
export interface MadeResponse {
  readonly status: number | undefined;
  readonly headers: Pick<HeaderFields, "get" | "getSetCookie">;
}

export type TextOf = (request: ClientRequest, response?: MadeResponse) => string;
type OptionalTextOf = (request: ClientRequest, response?: MadeResponse) => string | undefined;

/** Longest text that is made: a client chooses how long its own parts are, and expressions may multiply them. */
const maxChars = 65_536;

export function compileRequestText(parts: RequestText): TextOf {
  const texts = parts.map(compilePart);
  return (request, response) => {
    let result = "";
    for (const text of texts) result += text(request, response) ?? "";
    return result.slice(0, maxChars);
  };
}

/** `undefined`: the request lacks one of the parts. */
export function compileOptionalText(parts: RequestText): OptionalTextOf {
  const texts = parts.map(compilePart);
  return (request, response) => {
    let result = "";
    for (const textOf of texts) {
      const text = textOf(request, response);
      if (text === undefined) return undefined;
      result += text;
    }
    return result.slice(0, maxChars);
  };
}

function compilePart({
  text,
  from,
  name = "",
  parts,
  transforms = [],
  missingIsEmpty = false,
}: TextPart): OptionalTextOf {
  const read = parts ? compileOptionalText(parts) : from ? factReader(from, name) : undefined;
  if (!read) return () => text;
  const steps = transforms.map(compileTransform);
  return (request, response) => {
    let value = read(request, response);
    for (const step of steps) value = value === undefined ? undefined : step(value)?.slice(0, maxChars);
    return missingIsEmpty ? (value ?? "") : value;
  };
}

export function compileTransform(transform: TextTransform): (text: string) => string | undefined {
  if (transform.type !== "ReplaceRegexMatch") return (text) => applyTransform(transform, text);
  const { pattern, substitution } = transform.replaceRegexMatch;
  try {
    const compiled = compilePattern(pattern);
    return (text) => compiled.replaceAll(text, substitution);
  } catch (error) {
    // The snapshot's schema refuses such patterns; a gateway older than the control may meet one all the same.
    if (error instanceof PatternSyntaxError) return (text) => text;
    throw error;
  }
}

function factReader(fact: NonNullable<TextPart["from"]>, name: string): OptionalTextOf {
  switch (fact) {
    case "Header": {
      const field = name.toLowerCase();
      return (request) => request.header(field) ?? undefined;
    }
    case "QueryParam":
      return ({ query }) => queryParamOf(query, name);
    case "Cookie":
      return (request) => parseCookies(request.header("cookie")).get(name);
    case "ClientCertificateSubject":
      return ({ clientCertificate }) => verified(clientCertificate?.subject, clientCertificate, name);
    case "ClientCertificateIssuer":
      return ({ clientCertificate }) => verified(clientCertificate?.issuer, clientCertificate, name);
    case "Status":
      return (_request, response) => (response?.status === undefined ? undefined : String(response.status));
    case "EndpointName":
      return ({ endpointName }) => endpointName;
    case "ResponseHeader":
      return (_request, response) => response?.headers.get(name) ?? undefined;
    case "ResponseCookie":
      return (_request, response) => setCookieOf(response?.headers.getSetCookie?.() ?? [], name);
    case "EndpointsUp":
      return (request) => request.endpointsUp?.(name)?.toString();
    case "Counter":
      // A request that is not a real one comes from nobody who was counted before.
      return ({ counters }) => (counters ? counters.value(name)?.toString() : "0");
    default:
      return (request) => factOf(request, fact);
  }
}

/** Value of the first cookie of the name that is set. */
function setCookieOf(fields: readonly string[], name: string): string | undefined {
  const field = fields.find((text) => text.trimStart().startsWith(`${name}=`));
  return field
    ?.trimStart()
    .slice(name.length + 1)
    .split(";", 1)[0];
}

/** What a certificate says that nobody vouches for is not said. */
function verified(
  name: string | undefined,
  certificate: ClientCertificateFacts | undefined,
  attribute: string,
): string | undefined {
  if (certificate?.verification !== "SUCCESS" || !name) return undefined;
  return attribute === "" ? name : attributeOf(name, attribute);
}

type PlainFact = Exclude<
  TextFact,
  | "Header"
  | "QueryParam"
  | "Cookie"
  | "ClientCertificateSubject"
  | "ClientCertificateIssuer"
  | "Counter"
  | "EndpointsUp"
>;

/** `undefined`: the request has none. */
export function factOf(request: ClientRequest, fact: PlainFact): string | undefined {
  const { clientAddress, authority, path, query } = request;
  switch (fact) {
    case "ClientIP":
      return clientAddress === "unknown" ? undefined : clientAddress;
    case "ClientPort":
      return request.clientPort;
    case "Scheme":
      return request.scheme;
    case "Protocol":
      return request.protocol ?? "HTTP/1.1";
    case "Host":
      return authority;
    case "Hostname":
      return authority.replace(/:[0-9]*$/, "");
    case "ServerName":
      return request.serverName || undefined;
    case "TLSVersion":
      return request.tlsVersion || undefined;
    case "TLSCipher":
      return request.tlsCipher || undefined;
    case "Port":
      return String(request.port);
    case "Method":
      return request.method;
    case "Path":
      return path;
    case "Query":
      return query;
    case "Search":
      return query === "" ? "" : `?${query}`;
    case "Target":
      return query === "" ? path : `${path}?${query}`;
    case "UniqueID":
      return request.uniqueId;
    case "Time":
      return request.timeMs === undefined ? undefined : String(request.timeMs);
    case "ClientCertificate": {
      const { verification, certificate } = request.clientCertificate ?? {};
      return verification === "SUCCESS" ? certificate : undefined;
    }
    case "ClientCertificateVerification":
      return request.clientCertificate?.verification ?? "NONE";
  }
}

/** The first of a name, as the client wrote it. */
function queryParamOf(query: string, name: string): string | undefined {
  for (const pair of query.split("&")) {
    if (pair.startsWith(name) && pair[name.length] === "=") return pair.slice(name.length + 1);
  }
  return undefined;
}

/** As a header's value: what could end the line is left out (RFC 9110 §5.5). */
export function asFieldValue(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000A-\u001F\u007F]/g, "").replace(/[^\u0000-\u00FF]/g, "");
}

/** As part of a URI: what cannot stand in one is percent-encoded. */
export function asUriText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0020"<>\u007F-\uFFFF]+/g, encodeText);
}
