// A YAML document as people and programs mostly write it: block maps and lists whose values stand in one line. Read line
// by line in a tenth of the time that the whole grammar takes, and without its tree. An entry that is anything else (a
// block scalar, a value of several lines, an escape) is read by the `yaml` package, alone; a document with something
// whose meaning hangs on the rest (an alias, a tag, a key twice) or with an error is not read here at all.
import { Composer, isCollection, isMap, type Node } from "yaml";
import { limits } from "#contract/limits.ts";
import type { Path } from "../report.ts";
import { InlineYaml, isNew, unread } from "./yaml-inline.ts";
import { YamlTokens } from "./yaml-tokens.ts";
import { isMergeKey, YamlValues } from "./yaml-values.ts";

// Duplicate keys are found by YamlValues: the composer compares each pair of keys, which is quadratic.
export const composerOptions = {
  version: "1.2",
  schema: "core",
  uniqueKeys: false,
  stringKeys: false,
} as const;

/** Of the whole document; the grammar has the last word on what is nested deeper. */
const maxDepth = limits.configDepth / 4;

/** Part of a text, by offsets. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface PlainDocument {
  readonly value: unknown;
  /** Lines of the item that a path leads into, of a list under a key of the document's map. */
  itemSpan(path: Path): TextSpan | undefined;
}

/**
 * Texts of the documents of a stream; `undefined` where that is not plain to see. Nothing but comments before the first
 * `---` is no document.
 */
export function plainDocuments(text: string): TextSpan[] | undefined {
  // Directives, ends of documents, what stands behind `---`, and line ends and marks that need care.
  if (/^%|^\.\.\.(?:[ \t\n]|$)|^---[^\n]*[^-\s][^\n]*$|\r|\uFEFF/m.test(text)) return undefined;
  const spans: TextSpan[] = [];
  let start = 0;
  for (const { index, 0: line } of text.matchAll(/^---[ \t]*$/gm)) {
    if (start > 0 || /^ *[^ #\n]/m.test(text.slice(0, index))) spans.push({ start, end: index });
    start = index + line.length;
  }
  return [...spans, { start, end: text.length }];
}

/** `undefined`: not a plain document. */
export function readPlainYaml(text: string, { start, end }: TextSpan): PlainDocument | undefined {
  try {
    return new PlainReader(text.slice(start, end), start).read();
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

class NotPlain extends Error {}

class PlainReader {
  readonly #text: string;
  readonly #offset: number;
  readonly #inline: InlineYaml;
  /** Starts of the items of each list under a key of the document's map, and where the last one ends. */
  readonly #items = new Map<string, number[]>();
  #topKey = "";
  /** The next line with content: its column and offset, and the line's end. Column -1: there is none. */
  #column = -1;
  #start = 0;
  #lineEnd = -1;

  /** @param offset of `text` in the file. */
  constructor(text: string, offset: number) {
    this.#text = text;
    this.#offset = offset;
    this.#inline = new InlineYaml(text, maxDepth);
  }

  read(): PlainDocument {
    this.#nextLine();
    const value = this.#column < 0 ? null : this.#collection(0);
    if (this.#column >= 0 || value === unread) throw new NotPlain();
    return {
      value,
      itemSpan: ([key, index]) => {
        const starts = this.#items.get(String(key)) ?? [];
        const [start, end] = typeof index === "number" ? starts.slice(index, index + 2) : [];
        if (start === undefined || end === undefined) return undefined;
        return { start: start + this.#offset, end: end + this.#offset };
      },
    };
  }

  #nextLine(): void {
    const text = this.#text;
    for (let lineStart = this.#lineEnd + 1; lineStart < text.length; lineStart = this.#lineEnd + 1) {
      let at = lineStart;
      while (text.charCodeAt(at) === 32) at += 1;
      const newline = text.indexOf("\n", at);
      this.#lineEnd = newline < 0 ? text.length : newline;
      if (at === this.#lineEnd || text[at] === "#") continue;
      this.#column = at - lineStart;
      this.#start = at;
      return;
    }
    this.#column = -1;
    this.#start = text.length;
    this.#lineEnd = text.length;
  }

  /** The map or list that starts with the present line; {@link unread} where neither does. */
  #collection(depth: number): unknown {
    if (depth > maxDepth) throw new NotPlain();
    if (this.#isItem(this.#start)) return this.#list(this.#column, depth);
    this.#inline.at = this.#start;
    return this.#inline.key() === undefined ? unread : this.#map(this.#column, depth);
  }

  #isItem(at: number): boolean {
    if (this.#text[at] !== "-") return false;
    const next = this.#text[at + 1];
    return next === " " || next === "\n" || next === undefined;
  }

  #map(column: number, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    do {
      const start = this.#start;
      this.#inline.at = start;
      let key = this.#inline.key();
      if (depth === 0 && key !== undefined) this.#topKey = key;
      let value = key === undefined ? unread : this.#value(column, depth, true);
      if (value === unread) [key, value] = this.#byGrammar(start, column, depth);
      if (key === undefined || !isNew(map, key)) throw new NotPlain();
      map[key] = value;
    } while (this.#column === column && !this.#isItem(this.#start));
    if (this.#column > column) throw new NotPlain();
    return map;
  }

  #list(column: number, depth: number): unknown[] {
    const list: unknown[] = [];
    const starts: number[] = [];
    do {
      const start = this.#start;
      starts.push(start - column);
      const value = this.#item(column, depth);
      list.push(value === unread ? this.#byGrammar(start, column, depth)[1] : value);
    } while (this.#column === column && this.#isItem(this.#start));
    if (this.#column > column) throw new NotPlain();
    if (depth === 1) this.#items.set(this.#topKey, [...starts, this.#lineStart()]);
    return list;
  }

  #item(column: number, depth: number): unknown {
    this.#inline.at = this.#start + 1;
    this.#inline.skipSpaces();
    const { at } = this.#inline;
    if (this.#isItem(at) || this.#inline.key() !== undefined) {
      this.#column += at - this.#start;
      this.#start = at;
      return this.#collection(depth + 1);
    }
    this.#inline.at = at;
    return this.#value(column, depth, false);
  }

  /** What stands behind a key or a dash, in its line or in the lines below. */
  #value(column: number, depth: number, inMap: boolean): unknown {
    if (this.#inline.isLineEnd()) {
      this.#nextLine();
      const isBelow =
        this.#column > column || (inMap && this.#column === column && this.#isItem(this.#start));
      return isBelow ? this.#collection(depth + 1) : null;
    }
    const value = this.#inline.value();
    if (value === unread) return unread;
    this.#nextLine();
    // Then the value goes on in the next line, or should not.
    return this.#column > column ? unread : value;
  }

  /** The entry or item that starts at an offset, up to the next line that is indented no deeper. */
  #byGrammar(start: number, column: number, depth: number): [string, unknown] {
    const newline = this.#text.indexOf("\n", start);
    this.#lineEnd = newline < 0 ? this.#text.length : newline;
    do this.#nextLine();
    while (
      // A flow collection may be closed where its parent stands.
      this.#column > column ||
      (this.#column >= 0 && "]}".includes(this.#text.charAt(this.#start)))
    );
    const entry = " ".repeat(column) + this.#text.slice(start, this.#lineStart());
    return byGrammar(entry, column, limits.configDepth - depth);
  }

  #lineStart(): number {
    return this.#start - Math.max(0, this.#column);
  }
}

/**
 * The key and value of the one entry, or the index and value of the one item, that starts in a column. Throws
 * {@link NotPlain} for anything else, and for errors, aliases, merges and tags.
 */
function byGrammar(text: string, column: number, depth: number): [string, unknown] {
  const tokens = new YamlTokens(text, depth);
  const [root, second] = new Composer(composerOptions).compose(tokens, true, text.length);
  const node = root?.contents;
  if (!root || second || root.errors.length > 0 || tokens.tooDeepAt !== undefined) throw new NotPlain();
  if (!isCollection(node) || node.flow || node.range?.[0] !== column || node.items.length !== 1)
    throw new NotPlain();
  // A merge is about the other entries of the map.
  if (isMap(node) && isMergeKey(node.items[0]!.key as Node)) throw new NotPlain();
  const values = new YamlValues(0, () => {
    throw new NotPlain();
  });
  return Object.entries(values.read(node) as object)[0]!;
}
