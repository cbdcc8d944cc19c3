// YAML text → values from the events of `js-yaml`'s parser: a quarter of the time that the tree of the `yaml` package
// takes, and little of its memory. A text with something whose meaning hangs on the rest (an alias, a tag, a directive, a
// merge, a key twice), with what the two packages read differently, or with an error is not read here: `yaml` has the word.
import {
  boolCoreTag,
  COLLECTION_STYLE,
  EVENT_ID,
  type Event,
  type MappingEvent,
  type SequenceEvent,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from "js-yaml";
import { limits } from "#contract/limits.ts";
import type { Path } from "../report.ts";
import { hasMoreMarks } from "./text-marks.ts";
import { putOwn } from "./yaml-values.ts";

/** Part of a text, by offsets. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface PlainDocument {
  readonly value: unknown;
  /** Lines of the document, without its marks. */
  readonly span: TextSpan;
  /** Lines of the item that a path leads into, of a block list under a key of the document's map. */
  itemSpan(path: Path): TextSpan | undefined;
}

/** Thrown where `yaml` has to read. */
class NotPlain extends Error {}

/** Longer lists are read in pieces of about this length: their events would be the most of all memory in use. */
const pieceChars = 64 * 1024;

/** What is left of `limits.configValues`. */
interface Budget {
  values: number;
}

/** The documents of a stream, empty ones included. `undefined`: not plain. For tests, `charsAtOnce`. */
export function readPlainYaml(text: string, charsAtOnce = pieceChars): PlainDocument[] | undefined {
  if (differing.test(text)) return undefined;
  const budget = { values: limits.configValues };
  try {
    return documentSpans(text).map((span): PlainDocument => {
      const { value, items } = readDocument(text.slice(span.start, span.end), charsAtOnce, budget);
      return { value, span, itemSpan: (path) => itemSpan(text, items, path, span) };
    });
  } catch (error) {
    if (error instanceof NotPlain || error instanceof YAMLException) return undefined;
    throw error;
  }
}

/**
 * Line ends and marks that need care, directives, ends of documents, documents that begin in the line of their mark. What
 * the two packages read differently: tabs and marks where indentation is due; keys of several lines; block scalars that
 * tell their indentation. And, which only events tell (`#expectLineEnd`), more text in the line behind the end of a flow
 * collection or of a quoted scalar.
 */
const differing = new RegExp(
  [/\r|\uFEFF|^%|^ *\.\.\.|^---[ \t]*[^\s]|^ +---/, /^ *\t|^[ -]*\?(?:[ \t]|$)|[|>][-+]?\d/]
    .map(({ source }) => source)
    .join("|"),
  "m",
);

/** What is between the marks. Nothing but comments before the first one is no document. */
function documentSpans(text: string): TextSpan[] {
  const spans: TextSpan[] = [];
  let start = 0;
  for (const { index, 0: line } of text.matchAll(/^---[ \t]*$/gm)) {
    if (start > 0 || /^ *[^ #\n]/m.test(text.slice(0, index))) spans.push({ start, end: index });
    start = index + line.length;
  }
  return [...spans, { start, end: text.length }];
}

/** By key of a document's map: offset of each item of the block list there, and of what follows the list, or -1. */
type ItemStarts = Map<string, number[]>;

interface ReadText {
  readonly value: unknown;
  readonly items: ItemStarts;
}

function readDocument(text: string, charsAtOnce: number, budget: Budget): ReadText {
  const isLongMap = text.length > charsAtOnce && /^\w/m.test(text) && !/^[^\w\s#-]/m.test(text);
  return isLongMap ? readInPieces(text, charsAtOnce, budget) : readEvents(text, budget);
}

/** A map whose keys stand at the start of lines, key by key, and a long list under one in several pieces. */
function readInPieces(text: string, charsAtOnce: number, budget: Budget): ReadText {
  const value: Record<string, unknown> = {};
  const items: ItemStarts = new Map();
  const starts = [...text.matchAll(/^\w/gm)].map(({ index }) => index);
  if (/^ *[^ #\n]/m.test(text.slice(0, starts[0]))) throw new NotPlain();
  for (const [index, start] of starts.entries()) {
    const part = text.slice(start, starts[index + 1]);
    const read =
      part.length > charsAtOnce ? readLongList(part, charsAtOnce, budget) : readEvents(part, budget);
    if (!isMap(read.value)) throw new NotPlain();
    for (const [key, inner] of Object.entries(read.value)) {
      if (Object.hasOwn(value, key)) throw new NotPlain();
      putOwn(value, key, inner);
    }
    for (const [key, list] of read.items)
      items.set(
        key,
        list.map((at) => (at < 0 ? start + part.length : at + start)),
      );
  }
  return { value, items };
}

/** One key of a map; where there is no list under it, as a whole. */
function readLongList(text: string, charsAtOnce: number, budget: Budget): ReadText {
  const [head, indent] = /^[^\n]*:[ \t]*(?:#[^\n]*)?\n(?: *(?:#[^\n]*)?\n)*(?=( *)- )/.exec(text) ?? [];
  if (head === undefined) return readEvents(text, budget);
  const { value: outer } = readEvents(head, budget);
  const [[key, nothing] = [], ...others] = isMap(outer) ? Object.entries(outer) : [];
  if (key === undefined || nothing !== null || others.length > 0) throw new NotPlain();
  const list: unknown[] = [];
  const starts: number[] = [];
  const item = new RegExp(`^${indent}- `, "gm");
  for (let start = head.length; start < text.length;) {
    item.lastIndex = start + 1 + charsAtOnce;
    const end = item.exec(text)?.index ?? text.length;
    const piece = readEvents(`list:\n${text.slice(start, end)}`, budget);
    const { list: read, ...more } = piece.value as { list?: unknown };
    if (!Array.isArray(read) || Object.keys(more).length > 0) throw new NotPlain();
    for (const one of read) list.push(one);
    const before = start - "list:\n".length;
    for (const at of piece.items.get("list")!.slice(0, -1)) starts.push(at < 0 ? -1 : at + before);
    start = end;
  }
  const value: Record<string, unknown> = {};
  putOwn(value, key, list);
  return { value, items: new Map([[key, [...starts, -1]]]) };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readEvents(text: string, budget: Budget): ReadText {
  const events = boundedEvents(text);
  if (!events) throw new NotPlain();
  budget.values -= events.length;
  if (budget.values < 0) throw new NotPlain();
  return new EventReader(text, events).read();
}

/** Events are made all at once, and each is larger than its text: `undefined` where there may be too many. */
export function boundedEvents(text: string): readonly Event[] | undefined {
  return isTooLarge(text) ? undefined : parseEvents(text, { maxDepth: limits.configDepth });
}

export function isTooLarge(text: string): boolean {
  return hasMoreMarks(text, ",:\n[{-", limits.configMarksAtOnce);
}

const coreTags = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag];
/** Whatever else a plain scalar begins with, it is text. */
const beginsSpecial = new Set(coreTags.flatMap(({ implicitFirstChars }) => implicitFirstChars ?? []));

const separators = /(?:[\s,:]|#[^\n]*\n)*/y;
const lineEnd = / *(?:[\n,\]}:#]|$)/y;

/** Reads one document. */
class EventReader {
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #items: ItemStarts = new Map();
  #next = 0;
  /** Behind the last scalar or bracket; nothing but separators stands between it and what is next. */
  #end = 0;

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
  }

  read(): ReadText {
    if (this.#events.length === 0) return { value: null, items: this.#items };
    this.#take();
    const value = this.#value(true);
    this.#take();
    if (this.#next < this.#events.length) throw new NotPlain();
    return { value, items: this.#items };
  }

  #take(): Event {
    const event = this.#events[this.#next];
    if (!event) throw new NotPlain();
    this.#next += 1;
    return event;
  }

  #startOfNext(): number {
    const event = this.#events[this.#next];
    if (event && "valueStart" in event) return event.valueStart;
    return event && "start" in event ? event.start : -1;
  }

  #value(isRoot: boolean): unknown {
    const event = this.#take();
    if (event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) throw new NotPlain();
    if (event.type === EVENT_ID.ALIAS || event.anchorStart >= 0 || event.tagStart >= 0) throw new NotPlain();
    if (event.type === EVENT_ID.SCALAR) return this.#scalar(event);
    this.#end = event.start + 1;
    const value = event.type === EVENT_ID.MAPPING ? this.#map(isRoot) : this.#list();
    if (event.style === COLLECTION_STYLE.FLOW) this.#endFlow(event);
    return value;
  }

  #scalarText(event: ScalarEvent): string {
    if (event.valueEnd >= 0) this.#end = event.valueEnd;
    if (event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED) {
      this.#end += 1;
      this.#expectLineEnd();
    }
    return getScalarValue(this.#text, event);
  }

  /** The event of the end does not say where it is. */
  #endFlow({ start }: MappingEvent | SequenceEvent): void {
    const closing = { "[": "]", "{": "}" }[this.#text.charAt(start)];
    // The one pair of `[a: b]` has no brackets of its own.
    if (closing === undefined) return;
    separators.lastIndex = this.#end;
    separators.test(this.#text);
    if (this.#text[separators.lastIndex] !== closing) throw new NotPlain();
    this.#end = separators.lastIndex + 1;
    this.#expectLineEnd();
  }

  #expectLineEnd(): void {
    lineEnd.lastIndex = this.#end;
    if (!lineEnd.test(this.#text)) throw new NotPlain();
  }

  #scalar(event: ScalarEvent): unknown {
    const text = this.#scalarText(event);
    if (event.style !== SCALAR_STYLE.PLAIN) return text;
    if (text !== "" && !beginsSpecial.has(text[0]!)) return text;
    for (const tag of coreTags) {
      const value: unknown = tag.resolve(text, false, tag.tagName);
      if (value !== NOT_RESOLVED) return value;
    }
    return text;
  }

  #map(isRoot: boolean): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let event = this.#take(); event.type !== EVENT_ID.POP; event = this.#take()) {
      if (event.type !== EVENT_ID.SCALAR || event.anchorStart >= 0 || event.tagStart >= 0)
        throw new NotPlain();
      const key = this.#scalarText(event);
      if (key === "" || key === "<<" || Object.hasOwn(map, key)) throw new NotPlain();
      const value = this.#events[this.#next];
      if (isRoot && value?.type === EVENT_ID.SEQUENCE && value.anchorStart < 0 && value.tagStart < 0) {
        this.#next += 1;
        this.#end = value.start + 1;
        const starts: number[] = [];
        putOwn(map, key, this.#list(starts));
        if (value.style === COLLECTION_STYLE.FLOW) this.#endFlow(value);
        this.#items.set(key, [...starts, this.#startOfNext()]);
      } else putOwn(map, key, this.#value(false));
    }
    return map;
  }

  #list(starts?: number[]): unknown[] {
    const list: unknown[] = [];
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) {
      starts?.push(this.#startOfNext());
      list.push(this.#value(false));
    }
    this.#next += 1;
    return list;
  }
}

function itemSpan(
  text: string,
  items: ItemStarts,
  [key, index]: Path,
  { start: base, end: documentEnd }: TextSpan,
): TextSpan | undefined {
  const [from, to] = typeof index === "number" ? (items.get(String(key))?.slice(index, index + 2) ?? []) : [];
  if (from === undefined || from < 0 || to === undefined) return undefined;
  const start = lineStart(text, base + from);
  const end = to < 0 ? documentEnd : lineStart(text, base + to);
  return /^ *- /.test(text.slice(start, base + from + 1)) && end > start ? { start, end } : undefined;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}
