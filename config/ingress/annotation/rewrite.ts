// `rewrite-target` and `use-regex`: paths as regular expressions, and what their captures become.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { FilterInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";

export interface Rewrite {
  readonly useRegex: boolean;
  readonly target: string | undefined;
}

export function readRewrite(annotations: Annotations): Rewrite {
  const useRegex = annotations.flag("use-regex") ?? false;
  const target = annotations.text("rewrite-target");
  if (target === undefined) return { useRegex, target };
  if (!/^[A-Za-z0-9\-._~/:$]*$/.test(target)) {
    annotations.invalid("rewrite-target", "a path in which $1 to $9 stand for captures");
    return { useRegex, target: undefined };
  }
  const [variable] = /\$(?![1-9])[A-Za-z0-9_]*/.exec(target) ?? [];
  if (variable !== undefined) {
    annotations.unsupported("rewrite-target", `${variable} cannot be filled in; only $1 to $9 can`);
    return { useRegex, target: undefined };
  }
  return { useRegex, target };
}

/** Whether the path's own location is rewritten, which makes regular expressions of all paths of the host. */
export function isRewritten({ target }: Rewrite, path: string): boolean {
  return target !== undefined && target !== path;
}

/** `location ~* "^PATH"`: letters of both cases are equal, and more may follow. */
export function locationPattern(path: string): string {
  // Within a choice at the top, `^` and `$` would only hold for its ends.
  if (path.includes("|") && isDividedAtTop(path)) return `(?i).*(?:^${path}).*`;
  return /(?:^|[^\\])(?:\\\\)*\$$/.test(path) ? `(?i)${path.slice(0, -1)}` : `(?i)${path}.*`;
}

/** Whether a `|` stands outside of groups and classes. */
export function isDividedAtTop(pattern: string): boolean {
  let depth = 0;
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern[index];
    if (char === "\\") index += 1;
    else if (char === "[") index = endOfClass(pattern, index);
    else if (char === "(") depth += 1;
    else if (char === ")") depth -= 1;
    else if (char === "|" && depth === 0) return true;
  }
  return false;
}

function endOfClass(pattern: string, start: number): number {
  // A closing bracket right after the opening one is a member.
  let index = start + (pattern[start + 1] === "^" ? 2 : 1) + 1;
  while (index < pattern.length && pattern[index] !== "]") index += pattern[index] === "\\" ? 2 : 1;
  return index;
}

/** `rewrite "(?i)PATH" TARGET break`: the whole path becomes the target. A target that is a URL redirects there. */
export function rewriteFilter(path: string, target: string): FilterInput {
  const substitution = target.replace(/\\/g, "\\\\").replace(/\$([1-9])/g, "\\$1");
  const [, scheme, hostname, port, rest = ""] =
    /^(https?):\/\/([A-Za-z0-9.-]+)(?::(\d{1,5}))?(\/.*|\\[1-9].*)?$/.exec(substitution) ?? [];
  const pattern = `(?i)^.*?(?:${path}).*$`;
  if (scheme) {
    return {
      type: "RequestRedirect",
      requestRedirect: {
        scheme: scheme as "http" | "https",
        hostname: hostname!,
        ...(port !== undefined && { port: Number(port) }),
        statusCode: 302,
        path: { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution: rest || "/" } },
      },
    };
  }
  if (!/\\[1-9]/.test(substitution)) {
    const full = substitution.startsWith("/") ? substitution : `/${substitution}`;
    return { type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: full } } };
  }
  return {
    type: "URLRewrite",
    urlRewrite: { path: { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } } },
  };
}

/** Why the path cannot run as an expression; `undefined`: it can. */
export function pathPatternError(path: string): string | undefined {
  return patternError(locationPattern(path));
}
