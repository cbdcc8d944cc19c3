// Names of headers that only the gateway may say to an endpoint, and those that endpoints take for them.
import { forwardingNames } from "./forwarded.ts";
import { hopByHopNames } from "./hop-by-hop.ts";

const ownNames: ReadonlySet<string> = new Set([
  ...forwardingNames,
  ...hopByHopNames,
  "host",
  "content-length",
  "upgrade",
]);

/**
 * CGI, WSGI and PHP read `x_forwarded_for` and `x-forwarded-for` as one variable (RFC 3875 §4.1.18), so what is written or
 * dropped under the one name is dropped under the other. Other names with `_` are the application's own.
 */
export function isForged(lowerCaseName: string): boolean {
  if (lowerCaseName.startsWith("isthmus-")) return true;
  return lowerCaseName.includes("_") && ownNames.has(lowerCaseName.replaceAll("_", "-"));
}
