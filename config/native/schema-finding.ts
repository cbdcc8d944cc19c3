// zod's issues → findings that a person can act on: what was expected, what is there, what to do.
import { z } from "zod";
import type { Finding, Path } from "../report.ts";
import { nearestName } from "./nearest-name.ts";
import { schemaAt } from "./schema-at.ts";

type Issue = z.core.$ZodIssue;

/** @param root schema and `value` document whose validation gave the issues. */
export function schemaFindings(root: z.ZodType, value: unknown, issues: readonly Issue[]): Finding[] {
  return issues.flatMap((issue, index) => {
    // A number beyond 2^53 breaks its field's own bound, too, and that one is told.
    const next = issues[index + 1];
    if (issue.code === "too_big" && issue.origin === "int" && next && samePath(issue, next)) return [];
    return findings(root, value, issue);
  });
}

function samePath(a: Issue, b: Issue): boolean {
  return a.path.length === b.path.length && a.path.every((step, index) => step === b.path[index]);
}

function findings(root: z.ZodType, value: unknown, issue: Issue): Finding[] {
  const path = issue.path as Path;
  const schema = schemaAt(root, value, path);
  if (issue.code === "unrecognized_keys") {
    const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    return issue.keys.map((key) => unknownKey(key, path, known));
  }
  const found = valueAt(value, path);
  const wanted = expected(issue, schema);
  if (found !== undefined || path.length === 0) return [wrongValue(issue, path, wanted, found)];
  const message = `${quote(String(path.at(-1)))} is missing; expected ${wanted}`;
  return [{ code: "field-missing", path, message }];
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

function wrongValue(issue: Issue, path: Path, wanted: string, found: unknown): Finding {
  const code = issue.code === "invalid_type" ? "field-type" : "field-value";
  // What is wrong within a map or list cannot be shown in a line.
  const shown = issue.code === "custom" && typeof found === "object" ? "" : `; found ${describe(found)}`;
  // Some of the schema's own messages do not say what was expected, but what is wrong.
  const isWhole = issue.code === "custom" && wanted === issue.message;
  return {
    code,
    path,
    message: `${isWhole ? "" : "expected "}${wanted}${shown}`,
    remedy: remedyFor(issue, wanted, found),
  };
}

function remedyFor(issue: Issue, wanted: string, found: unknown): string | undefined {
  if (found === null) return "Remove the key, or give it a value.";
  if (wanted === kinds["number"] && typeof found === "string" && /^-?[0-9.]+$/.test(found)) {
    return "Write the number without quotes.";
  }
  if (wanted === kinds["string"] && typeof found !== "object") return "Put it in quotes.";
  if (typeof found !== "string") return undefined;
  const near = nearestName(found, (optionsOf(issue) ?? []).map(String));
  return near === undefined ? undefined : `Did you mean ${quote(near)}?`;
}

function expected(issue: Issue, schema?: z.ZodType): string {
  const options = optionsOf(issue);
  if (options) return list(options);
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "string" ? textKind(schema) : kindOf(issue.expected);
    case "too_small":
      return bound("at least", Number(issue.minimum), issue.origin);
    case "too_big":
      return bound("at most", Number(issue.maximum), issue.origin);
    case "invalid_format":
      return "prefix" in issue
        ? `text that starts with ${quote(String(issue.prefix))}`
        : issue.message.replace(/^expected /, "");
    case "invalid_union":
      return issue.errors.map((branch) => (branch[0] ? expected(branch[0]) : "")).join(" or ");
    default:
      // The schema's own words.
      return issue.message.replace(/^expected /, "");
  }
}

function textKind(schema: z.ZodType | undefined): string {
  const examples = schema?.meta()?.["examples"] as string[] | undefined;
  return examples ? `text such as ${examples.join(" or ")}` : kinds["string"];
}

const kinds = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
} as const satisfies Record<string, string>;

function kindOf(type: string): string {
  return (kinds as Record<string, string>)[type] ?? type;
}

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
