// Which fields behind a request's body go on to the endpoint. Servers may take trailers for headers, so what a client must
// not say in the head it must not say there either.
import { forwardingNames } from "./forwarded.ts";
import { isForged } from "./forged-names.ts";
import { hopByHopNames } from "./hop-by-hop.ts";

/** RFC 9110 §6.5.1: framing, routing, modifiers of the request, credentials, and how the body is to be read. */
const headOnly: ReadonlySet<string> = new Set([
  ...forwardingNames,
  ...hopByHopNames,
  "accept-encoding",
  "authorization",
  "cache-control",
  "client-cert",
  "client-cert-chain",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "max-forwards",
  "pragma",
  "range",
  "upgrade",
]);

const token = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;
const maxNames = 64;

/** Of the names in a `Trailer` field those that may pass, in lower case, at most 64. */
export function allowedTrailers(announced: string): ReadonlySet<string> {
  const names = announced
    .toLowerCase()
    .split(",", maxNames)
    .map((name) => name.trim());
  return new Set(names.filter((name) => token.test(name) && !headOnly.has(name) && !isForged(name)));
}
