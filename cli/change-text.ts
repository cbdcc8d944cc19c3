// Says in words what a publish changes.
import type { Change } from "#contract/admin.ts";

const sign: Record<Change["kind"], string> = { added: "+", removed: "-", changed: "~" };

/** One line per change, with the fields that differ below it. */
export function changeText(changes: readonly Change[]): string {
  if (changes.length === 0) return "no changes";
  return changes
    .map(({ kind, what, name, before, after }) => {
      const fields = kind === "changed" ? differences(before, after, "") : [];
      return [`${sign[kind]} ${what} ${name}`, ...fields.map((field) => `    ${field}`)].join("\n");
    })
    .join("\n");
}

/** Paths that differ, with both values; a long list is cut. */
const maxDifferences = 20;

function differences(before: unknown, after: unknown, path: string): string[] {
  const found = [...walk(before, after, path)];
  if (found.length <= maxDifferences) return found;
  return [...found.slice(0, maxDifferences), `… and ${found.length - maxDifferences} more`];
}

function* walk(before: unknown, after: unknown, path: string): Generator<string> {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (isSecret(path)) {
    yield `${path}: changed`;
    return;
  }
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    yield `${path || "value"}: ${short(before)} -> ${short(after)}`;
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const step = Array.isArray(before) ? `[${key}]` : path === "" ? key : `.${key}`;
    yield* walk(before[key], after[key], path + step);
  }
}

function isTree(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}

/** Hashes of passwords and keys are nobody's business. */
function isSecret(path: string): boolean {
  return /(?:^|\.)(?:users|sha256)$/.test(path);
}

function short(value: unknown): string {
  const shown = (key: string, one: unknown): unknown => (isSecret(key) ? "…" : one);
  const text = value === undefined ? "(none)" : JSON.stringify(value, shown);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
