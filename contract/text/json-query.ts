// One value of a JSON text (RFC 8259), by its path.
import { fromBytes, toBytes } from "./bytes.ts";

/** `undefined`: it is no JSON, or there is nothing in that place that has a text. */
export function queryJson(text: string, path: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(toBytes(text)));
  } catch {
    return undefined;
  }
  for (const [step, name, index] of path.matchAll(/\.((?:[^.[\]\\]|\\.)+)|\[([0-9]+)\]/g)) {
    const key = step.startsWith("[") ? index! : name!.replace(/\\(.)/g, "$1");
    const isThere =
      typeof value === "object" &&
      value !== null &&
      Array.isArray(value) === step.startsWith("[") &&
      Object.hasOwn(value, key);
    if (!isThere) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  const found = textOf(value);
  return found === undefined ? undefined : fromBytes(new TextEncoder().encode(found));
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "string") return value;
  return typeof value === "number" || Array.isArray(value) ? JSON.stringify(value) : undefined;
}
