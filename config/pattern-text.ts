// Pieces of regular expressions that importers write.

/** The text itself, as a regular expression. */
export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** A choice of expressions as one that can stand beside others. */
export function anyOf(expressions: readonly string[]): string {
  return expressions.length === 1 ? expressions[0]! : `(?:${expressions.join("|")})`;
}
