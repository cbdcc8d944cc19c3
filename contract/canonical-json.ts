// JSON in one form for each value, so that equal things are equal text and have one hash.

/** JSON with object keys in code-unit order and no white space: the same snapshot is the same bytes everywhere (RFC 8785 for the values used here). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

/** A copy: calling back for each value of the text takes half as long again. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const record = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(record).sort();
  return Object.fromEntries(keys.map((key) => [key, inOrder(record[key])]));
}

/** `sha256:<hex>` of such JSON. */
export async function canonicalHash(json: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(json));
  return `sha256:${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
