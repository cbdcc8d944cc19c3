// `rewrite.uri` and `redirect.prefixRewrite`: what replaces the part of the path that a match names.
import { encodePath, literal } from "../../pattern-text.ts";
import type { HttpMatch } from "../kinds/virtual-service.ts";
import type { Filter } from "./header-changes.ts";

type PathModifier = NonNullable<Extract<Filter, { type: "URLRewrite" }>["urlRewrite"]["path"]>;

/**
 * Envoy's `prefix_rewrite` replaces the text of a prefix, and the whole path where the match was exact or an expression.
 * Without a match the prefix is the slash.
 */
export function prefixRewrite(replacement: string, { uri, ignoreUriCase }: HttpMatch): PathModifier {
  if (uri?.exact !== undefined || uri?.regex !== undefined) return fullPath(replacement);
  const prefix = uri?.prefix || "/";
  return {
    type: "ReplaceRegexMatch",
    replaceRegexMatch: {
      pattern: `${ignoreUriCase ? "(?i)" : ""}^${literal(encodePath(prefix))}`,
      substitution: encodePath(replacement).replaceAll("\\", "\\\\"),
    },
  };
}

export function fullPath(path: string): PathModifier {
  const encoded = encodePath(path);
  return { type: "ReplaceFullPath", replaceFullPath: encoded.startsWith("/") ? encoded : `/${encoded}` };
}

/** `host`, `host:port`, `[::1]:port`. */
export function splitAuthority(authority: string): { readonly host: string; readonly port?: number } {
  const found = /^(.+):([0-9]{1,5})$/.exec(authority);
  return found && !/:[^\]]*$/.test(found[1]!)
    ? { host: found[1]!, port: Number(found[2]) }
    : { host: authority };
}
