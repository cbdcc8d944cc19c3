// Requests that HTTP has whoever stands in front of a server refuse, and that Node lets through.
import type { ErrorCode } from "#contract/error.ts";
import type { Incoming } from "./incoming.ts";

/**
 * What is to be refused: several Host fields (RFC 9112 §3.2; Node keeps the first), chunks in HTTP/1.0 (§6.1), other versions
 * of HTTP on a connection of HTTP/1, and a Host that is not the `:authority` (RFC 9113 §8.3.1).
 */
export function malformation(request: Incoming): ErrorCode | undefined {
  const { rawHeaders, headers, httpVersion } = request;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === "host") hosts += 1;
  }
  const authority = headers[":authority"];
  if (hosts > 1 || (authority !== undefined && hosts === 1 && headers.host !== authority)) {
    return "host_malformed";
  }
  if ("stream" in request || httpVersion === "1.1") return undefined;
  return httpVersion === "1.0" && headers["transfer-encoding"] === undefined
    ? undefined
    : "request_incomplete";
}
