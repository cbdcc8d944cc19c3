// What endpoints write into Location, Refresh and Set-Cookie, as clients get it: `proxy-redirect-*` and `proxy-cookie-*`.
import { literal } from "../../pattern-text.ts";
import type { FilterInput, Modifier } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";

type Replaced = NonNullable<Modifier["replace"]>[number];

export function readUpstreamHeaders(annotations: Annotations): FilterInput[] {
  const replace = [
    ...redirects(annotations),
    ...cookieAttribute("proxy-cookie-domain", annotations, replacedDomain),
    ...cookieAttribute("proxy-cookie-path", annotations, replacedPath),
  ];
  if (replace.length === 0) return [];
  return [{ type: "ResponseHeaderModifier", responseHeaderModifier: { replace } }];
}

/** `proxy_redirect FROM TO`: what begins with the one text begins with the other. */
function redirects(annotations: Annotations): Replaced[] {
  const from = annotations.text("proxy-redirect-from") ?? "off";
  const to = annotations.text("proxy-redirect-to") ?? "off";
  // To nginx `default` is the address of its own upstream, which no endpoint knows.
  if (from === "off" || from === "default" || to === "off") return [];
  if (!isPlain(from) || !isPlain(to)) {
    noteExpression("proxy-redirect-from", annotations);
    return [];
  }
  const start = literal(from);
  return [
    { name: "Location", replaceRegexMatch: { pattern: `^${start}`, substitution: to } },
    {
      name: "Refresh",
      replaceRegexMatch: { pattern: `^([0-9]+; *[Uu][Rr][Ll]=)${start}`, substitution: `\\1${to}` },
    },
  ];
}

/** `proxy_cookie_domain` and `proxy_cookie_path`: two words, or `off`. */
function cookieAttribute(
  name: string,
  annotations: Annotations,
  replaced: (from: string, to: string) => Replaced["replaceRegexMatch"],
): Replaced[] {
  const text = annotations.text(name);
  if (text === undefined || text === "off") return [];
  const [from, to, ...others] = text.split(/\s+/);
  if (from === undefined || to === undefined || others.length > 0) {
    annotations.invalid(name, '"off", or what is replaced and what stands in its place');
    return [];
  }
  if (!isPlain(from) || !isPlain(to)) {
    noteExpression(name, annotations);
    return [];
  }
  return [{ name: "Set-Cookie", replaceRegexMatch: replaced(from, to) }];
}

/** Whole names, whatever case; a dot in front does not count (`ngx_http_proxy_rewrite_domain_handler`). */
function replacedDomain(from: string, to: string): Replaced["replaceRegexMatch"] {
  return {
    pattern: `(?i)^([^;]*(?:;[^;]*)*?; *domain=[.]?)${literal(withoutDot(from))}((?:;.*)?)$`,
    substitution: `\\1${withoutDot(to)}\\2`,
  };
}

/** Beginnings of paths. */
function replacedPath(from: string, to: string): Replaced["replaceRegexMatch"] {
  return {
    pattern: `^([^;]*(?:;[^;]*)*?; *[Pp][Aa][Tt][Hh]=)${literal(from)}`,
    substitution: `\\1${to}`,
  };
}

function withoutDot(domain: string): string {
  return domain.replace(/^\./, "");
}

/** Neither an expression nor a text with variables, nor one with a reference to a group. */
function isPlain(text: string): boolean {
  return !/^~|[$\\]/.test(text);
}

function noteExpression(name: string, annotations: Annotations): void {
  annotations.ignored(
    name,
    "expressions and variables are not read here, so what endpoints write reaches the client as it is",
  );
}
