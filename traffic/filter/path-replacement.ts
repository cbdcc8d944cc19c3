// The path modifiers of redirects and rewrites. Their results are canonical paths, like what they are made from.
import type { PathModifier } from "#contract/http-route.ts";
import { normalizePath } from "../match/path.ts";

/** A new path, from the normalised path of a request and the characters of it that its PathPrefix matched. */
export type PathReplacement = (path: string, prefixChars: number) => string;

export function compilePathReplacement(modifier: PathModifier): PathReplacement {
  if (modifier.type === "ReplaceFullPath") {
    const replacement = canonical(modifier.replaceFullPath);
    return () => replacement;
  }
  // A trailing slash of the replacement is ignored (Gateway API HTTPPathModifier, table of ReplacePrefixMatch).
  const prefix = canonical(modifier.replacePrefixMatch).replace(/\/$/, "");
  return (path, prefixChars) => {
    // The rest is empty or starts with a slash: a prefix matches whole elements.
    const replaced = prefix + path.slice(prefixChars);
    return replaced === "" ? "/" : replaced;
  };
}

/** Replacements are the operator's own words: `%2F` stays, and what cannot be canonical stays as it is written. */
function canonical(path: string): string {
  return normalizePath(path, "KeepUnchanged") ?? path;
}
