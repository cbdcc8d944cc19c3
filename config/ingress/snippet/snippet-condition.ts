// The condition of an `if` → what a match says.
import { methodSchema } from "#contract/http-route.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { MatchInput } from "../rule-parts.ts";

export interface Condition {
  readonly match: MatchInput;
  /** Absent: both. */
  readonly scheme?: "http" | "https";
}

type Exclusion = NonNullable<MatchInput["not"]>[number];

/** `undefined`: not one that can be said. `words` are those between `if` and the block. */
export function readCondition(words: readonly string[]): Condition | undefined {
  const text = words.join(" ");
  const inner = /^\(\s*(.*?)\s*\)$/s.exec(text)?.[1];
  const parts = /^(\$\w+)(?:\s+(=|!=|~\*?|!~\*?)\s*(.*))?$/s.exec(inner ?? "");
  if (!parts) return undefined;
  const [, variable = "", operator = "present", raw = ""] = parts;
  // Quotes within the parentheses stay where words are joined.
  const value = /^(["'])(.*)\1$/s.exec(raw)?.[2] ?? raw;
  if (value.includes("$") && !operator.includes("~")) return undefined;
  if (variable === "$scheme") {
    if (operator !== "=" || (value !== "http" && value !== "https")) return undefined;
    return { match: {}, scheme: value };
  }
  const isNegated = operator.startsWith("!");
  const part = partOf(variable, operator.replace(/^!/, ""), value);
  if (!part) return undefined;
  return { match: isNegated ? { not: [part] } : part };
}

function partOf(variable: string, operator: string, value: string): Exclusion | undefined {
  if (variable === "$request_method") {
    const method = methodSchema.options.find((option) => option === value);
    return operator === "=" && method ? { method } : undefined;
  }
  if (variable === "$uri" || variable === "$request_uri") return pathPart(operator, value);
  const [, kind = "", name = ""] = /^\$(http|cookie|arg)_(\w+)$/.exec(variable) ?? [];
  const field = variable === "$host" ? "host" : name.replaceAll("_", kind === "http" ? "-" : "_");
  const condition = valueCondition(field, operator, value);
  if (!condition) return undefined;
  if (variable === "$host" || kind === "http") return { headers: [condition] };
  if (kind === "cookie") return { cookies: [condition] };
  return kind === "arg" ? { queryParams: [condition] } : undefined;
}

function pathPart(operator: string, value: string): Exclusion | undefined {
  if (operator === "=") return value.startsWith("/") ? { path: { type: "Exact", value } } : undefined;
  const pattern = searched(operator, value);
  return pattern === undefined ? undefined : { path: { type: "RegularExpression", value: pattern } };
}

function valueCondition(
  name: string,
  operator: string,
  value: string,
): NonNullable<Exclusion["headers"]>[number] | undefined {
  if (operator === "present") return { type: "Present", name };
  if (operator === "=") return value === "" ? { type: "Absent", name } : { name, value };
  const pattern = searched(operator, value);
  return pattern === undefined ? undefined : { type: "RegularExpression", name, value: pattern };
}

/** Expressions of nginx are searched for, those of the model match the whole. */
export function searched(operator: string, pattern: string): string | undefined {
  if (operator !== "~" && operator !== "~*") return undefined;
  const whole = `${operator === "~*" ? "(?i)" : ""}.*(?:${pattern}).*`;
  return patternError(whole) === undefined ? whole : undefined;
}
