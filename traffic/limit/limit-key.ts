// The key a request is counted under, and the limit that applies to it.
import type { Limit, RateLimit } from "#contract/rate-limit.ts";

/** Longest part of a key, in UTF-16 code units; a longer one (a hostile header) is cut, and its length kept apart. */
const partChars = 256;

/** Joins the values of the key's parts so that no two different lists give the same text. */
export function composeKey(values: readonly string[]): string {
  return values.map((value) => `${value.length}:${value.slice(0, partChars)}`).join("|");
}

/** Finds a key's own limit in constant time. Compile once per snapshot. */
export function compileOverrides(policy: RateLimit): (key: string) => Limit {
  const overrides = new Map(policy.overrides.map(({ key, limit }) => [composeKey(key), limit]));
  return (key) => overrides.get(key) ?? policy.limit;
}
