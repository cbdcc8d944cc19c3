// Redirects: to HTTPS, to the application's root, to and from `www.`, and in place of everything.
import type { Annotations } from "./annotations.ts";
import type { FilterInput } from "../rule-parts.ts";
import { requestParts } from "./nginx-variables.ts";

export interface Redirects {
  /** To HTTPS: where the host has a certificate, always, or never. */
  readonly toHttps: "with-tls" | "always" | "never";
  /** The filter of redirects to HTTPS. */
  readonly httpsFilter: FilterInput;
  /** Path to which requests for `/` are sent. */
  readonly appRoot: string | undefined;
  /** The answer to every request. */
  readonly answer: FilterInput | undefined;
  /** Requests for the host with, or without, `www.` come here. */
  readonly fromToWww: boolean;
}

const redirectStatuses = [301, 302, 303, 307, 308] as const;
type RedirectStatus = (typeof redirectStatuses)[number];

/** ingress-nginx cuts a slash at the end off what it redirects to HTTPS or to another host. */
const withoutSlash = {
  type: "ReplaceRegexMatch",
  replaceRegexMatch: { pattern: "(.)/$", substitution: "\\1" },
} as const;

export function readRedirects(annotations: Annotations, statusCode: RedirectStatus): Redirects {
  const keepsSlash = annotations.flag("preserve-trailing-slash") ?? false;
  const forced = annotations.flag("force-ssl-redirect") ?? false;
  const wanted = annotations.flag("ssl-redirect") ?? true;
  if (annotations.flag("use-port-in-redirects")) {
    annotations.ignored(
      "use-port-in-redirects",
      "redirects name the port of their scheme only where it is another",
    );
  }
  if (annotations.flag("relative-redirects")) {
    annotations.ignored(
      "relative-redirects",
      "redirects have an absolute Location, which leads to the same place",
    );
  }
  return {
    toHttps: forced ? "always" : wanted ? "with-tls" : "never",
    httpsFilter: {
      type: "RequestRedirect",
      requestRedirect: { scheme: "https", statusCode, ...(!keepsSlash && { path: withoutSlash }) },
    },
    appRoot: readAppRoot(annotations),
    answer: readAnswer(annotations),
    fromToWww: annotations.flag("from-to-www-redirect") ?? false,
  };
}

/** From `www.example.com` to `example.com`, or the other way round. */
export function wwwFilter(hostname: string, statusCode: RedirectStatus): FilterInput {
  return {
    type: "RequestRedirect",
    requestRedirect: { hostname, statusCode, path: withoutSlash },
  };
}

/** `return 302 $scheme://$http_host/path`. */
export function appRootFilter(path: string): FilterInput {
  return sameHostFilter(path, 302);
}

/** nginx makes an absolute Location of a path. */
function sameHostFilter(path: string, statusCode: (typeof redirectStatuses)[number]): FilterInput {
  const location = [{ from: "Scheme" as const }, { text: "://" }, { from: "Host" as const }, { text: path }];
  return { type: "RequestRedirect", requestRedirect: { location, statusCode } };
}

function locationFilter(location: string, statusCode: number): FilterInput {
  return {
    type: "DirectResponse",
    directResponse: { statusCode, header: { set: [{ name: "location", value: location }] } },
  };
}

function readAppRoot(annotations: Annotations): string | undefined {
  const path = annotations.text("app-root");
  if (path === undefined) return undefined;
  if (/^\/[A-Za-z0-9\-._~/:]*$/.test(path)) return path;
  annotations.invalid("app-root", "a path such as /app");
  return undefined;
}

/** A temporal redirect goes before a permanent one. */
function readAnswer(annotations: Annotations): FilterInput | undefined {
  for (const [kind, preset, most] of [
    ["temporal", 302, 307],
    ["permanent", 301, 308],
  ] as const) {
    const url = annotations.text(`${kind}-redirect`);
    const code = annotations.integer(`${kind}-redirect-code`);
    if (url === undefined) continue;
    // A code beyond the range is as good as none.
    const statusCode = code === undefined || code < 300 || code > most ? preset : code;
    // ingress-nginx takes a path of the same host for this one, and not for the other.
    if (kind === "permanent" && /^\/[^\s";$]*$/.test(url)) {
      const known = redirectStatuses.find((status) => status === statusCode);
      const isRelative = annotations.flag("relative-redirects") ?? false;
      return known && !isRelative ? sameHostFilter(url, known) : locationFilter(url, statusCode);
    }
    return redirectTo(url, statusCode, `${kind}-redirect`, annotations);
  }
  return undefined;
}

export function redirectTo(
  url: string,
  code: number,
  name: string,
  annotations: Annotations,
): FilterInput | undefined {
  if (!/^(?:https?|\$scheme):\/\//.test(url) || /["\s;]/.test(url)) {
    annotations.invalid(name, "an http or https URL");
    return undefined;
  }
  // The annotation of former releases, which took variables.
  const [, scheme, hostname, port] =
    /^(https?):\/\/([A-Za-z0-9.-]+|\$host)(?::(\d{1,5}))?\$request_uri$/.exec(url) ?? [];
  const statusCode = redirectStatuses.find((status) => status === code);
  if (scheme && statusCode) {
    return {
      type: "RequestRedirect",
      requestRedirect: {
        scheme: scheme as "http" | "https",
        ...(hostname !== "$host" && { hostname: hostname! }),
        ...(port !== undefined && { port: Number(port) }),
        statusCode,
      },
    };
  }
  if (!url.includes("$")) return locationFilter(url, code);
  const parts = requestParts(url);
  if (parts && statusCode)
    return { type: "RequestRedirect", requestRedirect: { location: parts, statusCode } };
  annotations.unsupported(
    name,
    `${JSON.stringify(url)} has variables that cannot be filled in`,
    "Those of the request can: $host, $scheme, $request_uri, $uri, $args, $arg_…, $http_…, $cookie_….",
  );
  return undefined;
}
