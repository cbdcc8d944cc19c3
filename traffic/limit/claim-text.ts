// A claim of a verified token as the text that limits compare and count by.

/** Own members only; `a.b` is b within a, unless there is a claim of that very name. `null`: absent, or not a single value. */
export function claimText(
  claims: Readonly<Record<string, unknown>> | undefined,
  name: string,
): string | null {
  if (!claims) return null;
  if (Object.hasOwn(claims, name)) return text(claims[name]);
  let value: unknown = claims;
  for (const step of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return null;
    value = (value as Record<string, unknown>)[step];
  }
  return text(value);
}

function text(value: unknown): string | null {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}
