// The path modifiers of redirects and rewrites. Their results are canonical paths, like what they are made from.
import type { PathModifier } from "#contract/http-route.ts";
import { PatternSyntaxError } from "#contract/pattern/pattern-reader.ts";
import { normalizePath } from "../match/path.ts";
import { compilePattern } from "../match/pattern/pattern.ts";

/** A new path, from the normalised path of a request and the characters of it that its PathPrefix matched. */
export type PathReplacement = (path: string, prefixChars: number) => string;

export function compilePathReplacement(modifier: PathModifier): PathReplacement {
  switch (modifier.type) {
    case "ReplaceFullPath": {
      const replacement = canonicalPath(modifier.replaceFullPath);
      return () => replacement;
    }
    case "ReplacePrefixMatch": {
      // A trailing slash of the replacement is ignored (Gateway API HTTPPathModifier, table of ReplacePrefixMatch).
      const prefix = canonicalPath(modifier.replacePrefixMatch).replace(/\/$/, "");
      return (path, prefixChars) => {
        // The rest is empty or starts with a slash: a prefix matches whole elements.
        const replaced = prefix + path.slice(prefixChars);
        return replaced === "" ? "/" : replaced;
      };
    }
    case "ReplaceRegexMatch":
      return regexReplacement(modifier.replaceRegexMatch);
  }
}

/** A result without leading slash gets one; pieces that together make a dot segment are resolved. */
function regexReplacement({
  pattern,
  substitution,
}: {
  pattern: string;
  substitution: string;
}): PathReplacement {
  try {
    const compiled = compilePattern(pattern);
    return (path) => {
      const replaced = compiled.replaceAll(path, substitution);
      return canonicalPath(replaced.startsWith("/") ? replaced : `/${replaced}`);
    };
  } catch (error) {
    // The snapshot's schema refuses such patterns; a gateway older than the control may meet one all the same.
    if (error instanceof PatternSyntaxError) return (path) => path;
    throw error;
  }
}

/** Replacements are the operator's own words: `%2F` stays, and what cannot be canonical stays as it is written. */
export function canonicalPath(path: string): string {
  return normalizePath(path, "KeepUnchanged") ?? path;
}
