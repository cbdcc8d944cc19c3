// Istio's string match, used for principals, claims, headers and hosts: `abc`, `abc*`, `*abc`, and `*` for whatever is
// there.

export type TextPattern = (value: string) => boolean;

export function compileTextPattern(pattern: string): TextPattern {
  if (pattern === "*") return (value) => value !== "";
  if (pattern.endsWith("*")) {
    const start = pattern.slice(0, -1);
    return (value) => value.startsWith(start);
  }
  if (pattern.startsWith("*")) {
    const end = pattern.slice(1);
    return (value) => value.endsWith(end);
  }
  return (value) => value === pattern;
}

/** Whether one of the patterns matches. */
export function compileTextPatterns(patterns: readonly string[]): TextPattern {
  const compiled = patterns.map(compileTextPattern);
  return (value) => compiled.some((matches) => matches(value));
}
