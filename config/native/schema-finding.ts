// zod's issues → findings that a person can act on: what was expected, what is there, what to do.
import type { z } from "zod";
import type { Finding, Path } from "../report.ts";
import { nearestName } from "./nearest-name.ts";
import { schemaKeys } from "./schema-keys.ts";

type Issue = z.core.$ZodIssue;

/** @param root schema and `value` document whose validation gave the issue. */
export function schemaFindings(root: z.ZodType, value: unknown, issue: Issue): Finding[] {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const known = schemaKeys(root, value, path);
    return issue.keys.map((key) => unknownKey(key, path, known));
  }
  const found = valueAt(value, path);
  if (found === undefined && path.length > 0) return [missing(issue, path)];
  return [wrongValue(issue, path, found)];
}

function unknownKey(key: string, path: Path, known: string[]): Finding {
  const near = nearestName(key, known);
  return {
    code: "field-unknown",
    path: [...path, key],
    at: "key",
    message: `unknown field ${quote(key)}; expected ${list(known)}`,
    remedy: near === undefined ? undefined : `Did you mean ${quote(near)}?`,
  };
}

function missing(issue: Issue, path: Path): Finding {
  const name = path.at(-1)!;
  return {
    code: "field-missing",
    path,
    message: `${quote(String(name))} is missing; expected ${expected(issue)}`,
  };
}

function wrongValue(issue: Issue, path: Path, found: unknown): Finding {
  const code = issue.code === "invalid_type" ? "field-type" : "field-value";
  const message = `${expectedText(issue)}; found ${describe(found)}`;
  return { code, path, message, remedy: remedyFor(issue, found) };
}

function remedyFor(issue: Issue, found: unknown): string | undefined {
  if (found === null) return "Remove the key, or give it a value.";
  if (issue.code === "invalid_type" && typeof found === "string" && /^-?[0-9.]+$/.test(found)) {
    if (issue.expected === "number" || issue.expected === "int") return "Write the number without quotes.";
  }
  if (issue.code === "invalid_type" && issue.expected === "string" && typeof found !== "object") {
    return "Put it in quotes.";
  }
  const options = optionsOf(issue);
  if (options && typeof found === "string") {
    const near = nearestName(found, options.map(String));
    if (near !== undefined) return `Did you mean ${quote(near)}?`;
  }
  return undefined;
}

/** The schema's own words where it has some (they start with "expected"), or else the kind of value. */
function expectedText(issue: Issue): string {
  return issue.message.startsWith("expected ") ? issue.message : `expected ${expected(issue)}`;
}

function expected(issue: Issue): string {
  const options = optionsOf(issue);
  if (options) return list(options);
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? issue.expected;
    case "too_small":
      return `${bound("at least", Number(issue.minimum), issue.origin)}`;
    case "too_big":
      return `${bound("at most", Number(issue.maximum), issue.origin)}`;
    case "invalid_format":
      return "prefix" in issue ? `text that starts with ${quote(String(issue.prefix))}` : issue.message;
    case "invalid_union":
      return issue.errors.map((branch) => (branch[0] ? expected(branch[0]) : "")).join(" or ");
    default:
      return issue.message;
  }
}

const kinds: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
};

function bound(quantifier: string, limit: number, origin: string): string {
  const plural = limit === 1 ? "" : "s";
  if (origin === "array") return `a list of ${quantifier} ${limit} item${plural}`;
  if (origin === "string") return `text of ${quantifier} ${limit} character${plural}`;
  return `a number of ${quantifier} ${limit}`;
}

function optionsOf(issue: Issue): readonly unknown[] | undefined {
  if (issue.code === "invalid_value") return issue.values;
  if (issue.code === "invalid_union" && "options" in issue)
    return issue.options as readonly unknown[] | undefined;
  return undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (current === null || typeof current !== "object" || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}

/** What is there, short enough for one line. */
function describe(value: unknown): string {
  if (value === null) return "nothing (null)";
  if (Array.isArray(value))
    return value.length === 1 ? "a list of 1 item" : `a list of ${value.length} items`;
  if (typeof value === "object") return "a map";
  if (typeof value === "string")
    return value.length > 64 ? `${quote(value.slice(0, 60))}… (${value.length} characters)` : quote(value);
  return String(value);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** `"a"`, `"a" or "b"`, `one of "a", "b", "c"`. */
function list(options: readonly unknown[]): string {
  const texts = options.map((option) => JSON.stringify(option));
  return texts.length <= 2 ? texts.join(" or ") : `one of ${texts.join(", ")}`;
}
