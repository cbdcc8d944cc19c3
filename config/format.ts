// Model → canonical YAML: fields in the order of the schema, defaults left out, short lists and maps on one line.
import { Document, isMap, isScalar, isSeq, type Node, type Pair, Scalar } from "yaml";
import { z } from "zod";
import { canonicalJson } from "#contract/canonical-json.ts";
import { concreteSchema } from "./native/schema-at.ts";
import { nativeConfigSchema, type NativeConfig } from "./native/schema.ts";
import { type CommentOf, isShort, plainItem } from "./plain-yaml.ts";
import type { Path } from "./report.ts";

const lineChars = 100;
/** A match or policy without its type would make readers look the default up. */
const alwaysWritten = new Set(["type"]);

/**
 * Text that parses to the same model again. Equal models give equal texts. `commentOf` may give a line to write above
 * each listener, route, rule, backend and policy. Long lists are written item by item: the nodes of 10,000 routes would
 * be most of the memory in use.
 */
export function formatConfig(
  config: NativeConfig,
  commentOf: (path: Path) => string | undefined = () => undefined,
): string {
  const printer = new YamlPrinter();
  const texts: string[] = [];
  for (const [key, field] of Object.entries(nativeConfigSchema.shape)) {
    const value = config[key as keyof NativeConfig];
    if (!isWritten(key, field, value)) continue;
    if (Array.isArray(value)) {
      const item = concreteSchema(field, value) as z.ZodArray<z.ZodType>;
      texts.push(`${key}:\n`);
      for (const [index, one] of value.entries())
        texts.push(formatItem(withoutDefaults(item.element, one), [key, index], commentOf, printer));
    } else texts.push(printer.print({ [key]: withoutDefaults(field, value) }, noComments));
  }
  return texts.length === 0 ? printer.print({}, noComments) : texts.join("");
}

const noComments: CommentOf = () => undefined;
const itemIndent = "  ";

/** An item of a list of the document. */
function formatItem(
  item: unknown,
  path: Path,
  commentAt: (path: Path) => string | undefined,
  printer: YamlPrinter,
): string {
  const comments = new Map<unknown, string>();
  collectComments(item, path, commentAt, comments);
  const commentOf: CommentOf = (part) => comments.get(part);
  return (
    plainItem(item, itemIndent, commentOf) ?? printer.print({ a: [item] }, commentOf).slice("a:\n".length)
  );
}

function collectComments(
  item: unknown,
  path: Path,
  commentAt: (path: Path) => string | undefined,
  comments: Map<unknown, string>,
): void {
  const comment = commentAt(path);
  if (comment !== undefined) comments.set(item, comment);
  const { rules } = item as { rules?: unknown };
  if (!Array.isArray(rules)) return;
  for (const [index, rule] of rules.entries())
    collectComments(rule, [...path, "rules", index], commentAt, comments);
}

/** The `yaml` package, with one document for all that it prints: a new one costs as much as a route. */
class YamlPrinter {
  readonly #document = new Document(null, { version: "1.2", schema: "core" });

  print(fields: object, commentOf: CommentOf): string {
    const document = this.#document;
    // Importers repeat objects; anchors would hide that from the reader.
    document.contents = document.createNode(fields, { aliasDuplicateObjects: false });
    layOut(document.contents, fields, commentOf);
    return document.toString({ lineWidth: lineChars }).replaceAll(unsafeCharacters, escapeCharacter);
  }
}

/** Nodes are in the order of the values that they were made of. */
function layOut(node: unknown, value: unknown, commentOf: CommentOf): void {
  if (isScalar(node)) {
    if (typeof value === "string" && hasUnsafeCharacter(value)) node.type = Scalar.QUOTE_DOUBLE;
  } else if (isSeq(node)) {
    node.flow = isShort(value as object);
    for (const [index, item] of node.items.entries()) {
      const part = (value as unknown[])[index];
      const comment = commentOf(part);
      if (comment !== undefined) (item as Node).commentBefore = ` ${comment}`;
      layOut(item, part, commentOf);
    }
  } else if (isMap(node)) {
    node.flow = isShort(value as object);
    for (const { key, value: inner } of node.items as Pair<Scalar<string>>[]) {
      layOut(key, key.value, commentOf);
      layOut(inner, (value as Record<string, unknown>)[key.value], commentOf);
    }
  }
}

/** Drops what the schema would fill in again, and orders keys as the schema does. */
function withoutDefaults(field: z.ZodType, value: unknown): unknown {
  const schema = concreteSchema(field, value);
  if (schema instanceof z.ZodArray) {
    return (value as unknown[]).map((item) => withoutDefaults(schema.element as z.ZodType, item));
  }
  if (!(schema instanceof z.ZodObject)) return value;
  const kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(schema.shape as Record<string, z.ZodType>)) {
    const innerValue = (value as Record<string, unknown>)[key];
    if (isWritten(key, inner, innerValue)) kept.push([key, withoutDefaults(inner, innerValue)]);
  }
  return Object.fromEntries(kept);
}

function isWritten(key: string, field: z.ZodType, value: unknown): boolean {
  return value !== undefined && (alwaysWritten.has(key) || !isDefault(field, value));
}

function isDefault(field: z.ZodType, value: unknown): boolean {
  if (!(field instanceof z.ZodDefault)) return false;
  const { defaultValue } = field.def;
  if (typeof value !== "object" || typeof defaultValue !== "object") return value === defaultValue;
  return canonicalJson(defaultValue) === canonicalJson(value);
}

// Characters that the parser takes for signs of a file that is no text; escaped, they are only values.
const unsafeCharacters = /[\u007F\uFFFD]/g;

function hasUnsafeCharacter(text: string): boolean {
  return /[\u007F\uFFFD]/.test(text);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
