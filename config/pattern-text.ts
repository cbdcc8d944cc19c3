// Pieces of regular expressions that importers write.

/** The text itself, as a regular expression. */
export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** A choice of expressions as one that can stand beside others. */
export function anyOf(expressions: readonly string[]): string {
  return expressions.length === 1 ? expressions[0]! : `(?:${expressions.join("|")})`;
}

/** A path as the gateway spells it: other characters than those of ASCII are percent-encoded. */
export function encodePath(text: string): string {
  return text.replace(/[^\u0021-\u007E]+/gu, (characters) =>
    characters.isWellFormed() ? encodeURIComponent(characters) : characters,
  );
}
