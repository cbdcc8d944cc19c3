// The head of a request, or of an answer, between the Worker's objects and the tunnel's frames.
import type { Fields, OpenHead } from "#contract/tunnel/head.ts";
import { internalHeaders, isInternalHeader } from "#contract/internal-headers.ts";
import { fromOctets, toOctets } from "./octets.ts";

/** What the agent is asked for on behalf of a request of the data path. */
export function openHeadOf(request: Request): OpenHead {
  const url = request.url;
  // Sliced, not parsed: the target reaches the endpoint as the gateway wrote it.
  const authorityStart = url.indexOf("//") + 2;
  const targetStart = url.indexOf("/", authorityStart);
  const fields: [string, string][] = [];
  let authority = url.slice(authorityStart, targetStart);
  let endpoint = "";
  for (const [name, value] of request.headers) {
    if (name === "host") authority = value;
    else if (name === internalHeaders.endpoint) endpoint = value;
    // The endpoint may send trailers; what the client itself sent ended on the way here (RFC 9110 §10.1.4).
    else if (name === internalHeaders.trailers) fields.push(["te", "trailers"]);
    else if (!isInternalHeader(name)) fields.push([name, toOctets(value)]);
  }
  const kind = request.headers.get("upgrade")?.toLowerCase() === "websocket" ? "websocket" : "http";
  const { method } = request;
  const scheme = url.slice(0, url.indexOf(":"));
  return { kind, method, scheme, authority, target: url.slice(targetStart), endpoint, fields };
}

/** Response headers of a head. Throws `TypeError` for a value that HTTP does not allow. */
export function headersOf(fields: Fields): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) {
    if (!isInternalHeader(name)) headers.append(name, fromOctets(value));
  }
  return headers;
}
