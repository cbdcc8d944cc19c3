// `mergeType`: the policy of a route over that of its Gateway (RFC 7396 for JSONMerge; lists are whole in both).

export function mergeSpecs<T extends object>(below: T, over: T): T {
  const merged: Record<string, unknown> = { ...(below as Record<string, unknown>) };
  for (const [name, value] of Object.entries(over)) {
    const known = merged[name];
    merged[name] = isMap(known) && isMap(value) ? mergeSpecs(known, value) : value;
  }
  return merged as T;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
