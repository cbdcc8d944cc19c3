// What differs between two policies, field by field: `timeouts.request: 5s -> 10s`.
import { formatDuration } from "./duration-text.ts";

const maxValueChars = 160;
/** Fields that a policy is told by; the rest of a long list of differences says no more. */
const maxFields = 20;

/** Empty lists and fields that are not there are both `none`. */
export function changedFields(path: string, before: unknown, after: unknown): string[] {
  const found = [...walk(path, before, after)];
  if (found.length <= maxFields) return found;
  return [...found.slice(0, maxFields), `… and ${found.length - maxFields} more`];
}

function* walk(path: string, before: unknown, after: unknown): Generator<string> {
  if (isMap(before) || isMap(after)) {
    const [old, now] = [isMap(before) ? before : {}, isMap(after) ? after : {}];
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    // `{}` is a policy, too, where there was none.
    if (keys.length === 0 && (before === undefined) !== (after === undefined)) {
      yield `${path}: ${before === undefined ? "none -> default" : "default -> none"}`;
    }
    for (const key of keys) yield* walk(`${path}.${key}`, old[key], now[key]);
    return;
  }
  const [old, now] = [valueText(path, before), valueText(path, after)];
  const isOther = JSON.stringify(before) !== JSON.stringify(after);
  if (old !== now) yield `${path.replace(/Ms$/, "")}: ${old} -> ${now}`;
  else if (isOther && old !== "none") yield `${path}: ${old} -> others`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function valueText(path: string, value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "number" && path.endsWith("Ms")) return formatDuration(value);
  if (isSecret(path)) return Array.isArray(value) ? `${value.length} of them` : "a value";
  if (Array.isArray(value) && !value.some((one) => typeof one === "object")) {
    return shortened(value.join(", ")) || "none";
  }
  // Hashes of passwords and keys are nobody's business, also within lists.
  return shortened(JSON.stringify(value, (key, one: unknown) => (isSecret(key) ? "…" : one)));
}

function isSecret(path: string): boolean {
  return /(?:^|\.)(?:users|sha256)$/.test(path);
}

function shortened(text: string): string {
  return text.length > maxValueChars ? `${text.slice(0, maxValueChars - 1)}…` : text;
}
