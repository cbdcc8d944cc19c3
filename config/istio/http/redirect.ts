// `redirect` → RequestRedirect, with the port that Envoy would write.
import type { HttpMatch, HttpRedirect } from "../kinds/virtual-service.ts";
import type { Entry } from "../listen/entry.ts";
import { at, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { Filter } from "./header-changes.ts";
import { fullPath, prefixRewrite, splitAuthority } from "./path-change.ts";

const codes = [301, 302, 303, 307, 308] as const;

export function redirectFilter(redirect: HttpRedirect, match: HttpMatch, entry: Entry, place: Place): Filter {
  const statusCode = codes.find((code) => code === (redirect.redirectCode || 301));
  if (statusCode === undefined) {
    invalid(at(place, "redirectCode"), `expected one of ${codes.join(", ")}; found ${redirect.redirectCode}`);
  }
  const { host, port: authorityPort } = splitAuthority(redirect.authority ?? "");
  const scheme = schemeOf(redirect, place);
  const port = redirect.port ?? (redirect.derivePort === "FROM_REQUEST_PORT" ? entry.port : authorityPort);
  const path = pathOf(redirect, match, place);
  // The host is replaced with its port; the scheme's own is not written.
  const written =
    scheme ?? (host !== "" && port === undefined ? (entry.isTls ? "https" : "http") : undefined);
  return {
    type: "RequestRedirect",
    requestRedirect: {
      ...(written && { scheme: written }),
      ...(host !== "" && { hostname: host }),
      ...(path && { path }),
      ...(port !== undefined && { port }),
      statusCode: statusCode ?? 301,
    },
  };
}

function schemeOf({ scheme }: HttpRedirect, place: Place): "http" | "https" | undefined {
  if (scheme === undefined || scheme === "") return undefined;
  if (scheme === "http" || scheme === "https") return scheme;
  unsupported(at(place, "scheme"), `clients are sent to http or https; found ${JSON.stringify(scheme)}`);
  return undefined;
}

function pathOf({ uri, prefixRewrite: prefix }: HttpRedirect, match: HttpMatch, place: Place) {
  const [field, text] = prefix ? ["prefixRewrite", prefix] : ["uri", uri];
  if (!text) return undefined;
  if (/[?#]/.test(text)) {
    const message = "the query of the request is kept: a path cannot bring one of its own";
    unsupported(at(place, field as string), message, "Leave `?` and what follows it out.");
    return undefined;
  }
  return prefix ? prefixRewrite(text, match) : fullPath(text);
}

/** Every request of a server with `httpsRedirect` (Envoy `require_tls: ALL`). */
export const httpsRedirect: Filter = {
  type: "RequestRedirect",
  requestRedirect: { scheme: "https", statusCode: 301 },
};
