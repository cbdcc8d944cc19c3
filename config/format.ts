// Model → canonical YAML: fields in the order of the schema, defaults left out, short lists and maps on one line.
import {
  Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  Scalar,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { z } from "zod";
import { canonicalJson } from "#contract/canonical-json.ts";
import { concreteSchema } from "./native/schema-at.ts";
import { nativeConfigSchema, type NativeConfig } from "./native/schema.ts";
import type { Path } from "./report.ts";

const lineChars = 100;
/** Collections of plain values up to this long are written as `{ a: 1 }` and `[1, 2]`. */
const flowChars = 72;
/** A match or policy without its type would make readers look the default up. */
const alwaysWritten = new Set(["type"]);

/**
 * Text that parses to the same model again. Equal models give equal texts. `commentOf` may give a line to write above
 * each listener, route, rule, backend and policy. Long lists are written piece by piece: the nodes of 10,000 routes would
 * be most of the memory in use.
 */
export function formatConfig(
  config: NativeConfig,
  commentOf: (path: Path) => string | undefined = () => undefined,
): string {
  const fields = withoutDefaults(nativeConfigSchema, config) as Record<string, unknown>;
  const texts = Object.entries(fields).map(([key, value]) =>
    Array.isArray(value) && value.length > itemsPerPiece
      ? formatList(key, value, commentOf)
      : formatFields({ [key]: value }, commentOf, 0),
  );
  return texts.length === 0 ? formatFields({}, commentOf, 0) : texts.join("");
}

const itemsPerPiece = 64;

function formatList(
  key: string,
  items: readonly unknown[],
  commentOf: (path: Path) => string | undefined,
): string {
  const head = `${key}:\n`;
  const pieces: string[] = [head];
  for (let start = 0; start < items.length; start += itemsPerPiece) {
    const piece = formatFields({ [key]: items.slice(start, start + itemsPerPiece) }, commentOf, start);
    pieces.push(piece.slice(head.length));
  }
  return pieces.join("");
}

/** `first`: number of the first item of each list in its whole. */
function formatFields(fields: object, commentOf: (path: Path) => string | undefined, first: number): string {
  const document = new Document(fields, {
    version: "1.2",
    schema: "core",
    // Importers repeat objects; anchors would hide that from the reader.
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && hasUnsafeCharacter(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
    Collection: (_key, node) => {
      if (isShort(node)) node.flow = true;
    },
  });
  addComments(document, commentOf, first);
  return document.toString({ lineWidth: lineChars }).replaceAll(unsafeCharacters, escapeCharacter);
}

function addComments(document: Document, commentOf: (path: Path) => string | undefined, first: number): void {
  const addTo = (list: unknown, path: Path, from: number): void => {
    if (!isSeq(list)) return;
    for (const [index, item] of list.items.entries()) {
      const at = [...path, from + index];
      const comment = commentOf(at);
      if (comment !== undefined) (item as Node).commentBefore = ` ${comment}`;
      if (isMap(item)) addTo(item.get("rules"), [...at, "rules"], 0);
    }
  };
  if (!isMap(document.contents)) return;
  for (const pair of document.contents.items as Pair<Scalar<string>>[])
    addTo(pair.value, [pair.key.value], first);
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
    if (innerValue === undefined || (isDefault(inner, innerValue) && !alwaysWritten.has(key))) continue;
    kept.push([key, withoutDefaults(inner, innerValue)]);
  }
  return Object.fromEntries(kept);
}

function isDefault(field: z.ZodType, value: unknown): boolean {
  return field instanceof z.ZodDefault && canonicalJson(field.def.defaultValue) === canonicalJson(value);
}

function isShort(node: YAMLMap | YAMLSeq): boolean {
  const isLeaf = node.items.every((item) => {
    const value = "value" in (item as object) && !isScalar(item) ? (item as { value: unknown }).value : item;
    return !isCollection(value);
  });
  return isLeaf && JSON.stringify(node).length <= flowChars;
}

// Characters that the parser takes for signs of a file that is no text; escaped, they are only values.
const unsafeCharacters = /[\u007F\uFFFD]/g;

function hasUnsafeCharacter(text: string): boolean {
  return /[\u007F\uFFFD]/.test(text);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
