// JSON text → SourceDocument. The YAML reader takes JSON as well, but needs 10 times the time and memory, and generated
// configurations with 10,000 routes are JSON.
import { limits } from "#contract/limits.ts";
import type { Path, Place } from "../report.ts";
import { lineIndex } from "./line-index.ts";
import type { DocumentResult, TextProblem } from "./source-document.ts";
import { hasMoreMarks } from "./text-marks.ts";

/** Where a value stands, and the values in it. */
interface JsonNode {
  readonly offset: number;
  readonly fields?: Map<string, { readonly keyOffset: number; readonly node: JsonNode }>;
  readonly items?: JsonNode[];
}

const maxProblems = 100;

/** `undefined`: not a JSON object or list within the bounds. The YAML reader then says what is wrong, if anything. */
export function readJson(text: string): DocumentResult | undefined {
  if (!/^\uFEFF?[ \t\r\n]*[{[]/.test(text)) return undefined;
  // A value is behind a comma, or is the first one in a bracket.
  if (hasMoreMarks(text, ",[{", limits.configValues)) return undefined;
  const json = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const scanner = new JsonScanner(json);
  const root = scanner.scan(0);
  if (!root) return undefined;
  const placeOf = lineIndex(text);
  const problems = scanner.duplicates.slice(0, maxProblems).map(({ key, offset }): TextProblem => ({
    code: "key-duplicate",
    message: `the key ${JSON.stringify(key.slice(0, 64))} is already in this map`,
    remedy: "Keep one of them; the others would be lost.",
    ...placeOf(offset),
  }));
  if (problems.length > 0) return { problems };
  const locate = (path: Path, at: "key" | "value"): Place => placeOf(offsetOf(root, path, at));
  return { document: { value, locate }, problems };
}

function offsetOf(root: JsonNode, path: Path, at: "key" | "value"): number {
  let node = root;
  for (const [index, step] of path.entries()) {
    const field = typeof step === "string" ? node.fields?.get(step) : undefined;
    const inner = field?.node ?? (typeof step === "number" ? node.items?.[step] : undefined);
    if (!inner) break;
    if (field && at === "key" && index === path.length - 1) return field.keyOffset;
    node = inner;
  }
  return node.offset;
}

/** Walks over text that JSON.parse has accepted, so it need not doubt what it sees. */
class JsonScanner {
  readonly duplicates: { key: string; offset: number }[] = [];
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** `undefined`: nested too deep. */
  scan(depth: number): JsonNode | undefined {
    if (depth > limits.configDepth) return undefined;
    this.#skipSpace();
    const offset = this.#position;
    const first = this.#text[offset];
    if (first === "{") return this.#scanObject(offset, depth);
    if (first === "[") return this.#scanList(offset, depth);
    if (first === '"') this.#skipString();
    else while (!/[\s,\]}]|^$/.test(this.#text.charAt(this.#position))) this.#position += 1;
    return { offset };
  }

  #scanObject(offset: number, depth: number): JsonNode | undefined {
    const fields: NonNullable<JsonNode["fields"]> = new Map();
    this.#position += 1;
    while (this.#next() !== "}") {
      const keyOffset = this.#position;
      this.#skipString();
      const key = JSON.parse(this.#text.slice(keyOffset, this.#position)) as string;
      if (fields.has(key)) this.duplicates.push({ key, offset: keyOffset });
      this.#next();
      const node = this.scan(depth + 1);
      if (!node) return undefined;
      fields.set(key, { keyOffset, node });
    }
    this.#position += 1;
    return { offset, fields };
  }

  #scanList(offset: number, depth: number): JsonNode | undefined {
    const items: JsonNode[] = [];
    this.#position += 1;
    while (this.#next() !== "]") {
      const node = this.scan(depth + 1);
      if (!node) return undefined;
      items.push(node);
    }
    this.#position += 1;
    return { offset, items };
  }

  /** The next character that is no white space and no separator. */
  #next(): string {
    this.#skipSpace();
    while (this.#text[this.#position] === "," || this.#text[this.#position] === ":") {
      this.#position += 1;
      this.#skipSpace();
    }
    return this.#text.charAt(this.#position);
  }

  #skipSpace(): void {
    while (" \t\r\n".includes(this.#text.charAt(this.#position) || ".")) this.#position += 1;
  }

  #skipString(): void {
    this.#position += 1;
    while (this.#text[this.#position] !== '"') this.#position += this.#text[this.#position] === "\\" ? 2 : 1;
    this.#position += 1;
  }
}
