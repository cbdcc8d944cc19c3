// Claims by name, also nested ones, as values that conditions, headers and rate limits compare.
import type { Claims } from "./identity.ts";

/**
 * The claim called `name`, or else, for `a.b`, `b` within `a`: names with dots exist (`https://example.com/roles`).
 * `undefined`: not there. Never a property that the payload itself does not have.
 */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split(".")) {
    if (value === null || typeof value !== "object" || Array.isArray(value) || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** Values of a claim as text: one for text, numbers and booleans, several for a list. Maps have none. */
export function claimValues(claims: Claims, name: string): string[] {
  const value = claimAt(claims, name);
  const items: unknown[] = Array.isArray(value) ? value.slice(0, maxValues) : [value];
  return items.filter(isPlain).map(String);
}

/** Longer lists are cut, so that a token cannot make conditions slow. */
const maxValues = 1_024;

/** The claim as one line of text, lists joined with commas; `undefined`: not there, or a map. */
export function claimText(claims: Claims, name: string): string | undefined {
  const values = claimValues(claims, name);
  return values.length === 0 ? undefined : values.join(",");
}

/** RFC 8693 §4.2 `scope`, separated by spaces; also `scp`, which some issuers write as a list. */
export function tokenScopes(claims: Claims): ReadonlySet<string> {
  const lists = [...claimValues(claims, "scope"), ...claimValues(claims, "scp")];
  return new Set(lists.flatMap((list) => list.split(" ")));
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
