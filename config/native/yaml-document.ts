// YAML text → SourceDocument, in time and memory bounded by the length of the text.
import { Composer, isAlias, isMap, isSeq, type Document, type Node, type Pair, type YAMLMap } from "yaml";
import { limits } from "#contract/limits.ts";
import type { Path, Place } from "../report.ts";
import { lineIndex } from "./line-index.ts";
import type { DocumentResult, SourceDocument, TextProblem } from "./source-document.ts";
import { isTooLarge, readPlainYaml, type TextSpan } from "./yaml-events.ts";
import { yamlPlaces } from "./yaml-places.ts";
import { YamlTokens } from "./yaml-tokens.ts";
import { isMergeKey, keyText, YamlValues, type YamlProblem } from "./yaml-values.ts";

// Duplicate keys are found by YamlValues: the composer compares each pair of keys, which is quadratic.
const composerOptions = { version: "1.2", schema: "core", uniqueKeys: false, stringKeys: false } as const;

const tooMany = {
  code: "limit-exceeded",
  message: `more values than are read at once, ${limits.configMarksAtOnce} with the marks between them, or than ${limits.configValues} in all`,
  remedy:
    "Write each item of a long list on lines of its own, without anchors, aliases and tags, or split the file.",
} as const;

/** One syntax error makes the parser stumble again and again; only the first ones tell something. */
const maxSyntaxProblems = 5;
const maxProblems = 100;

/** A text that has to be one document. Takes JSON, too, and what is almost JSON. */
export function readYaml(original: string): DocumentResult {
  const text = withLineFeeds(original);
  const document = readPlain(text);
  return document ? { document, problems: [] } : readWhole(text);
}

function readPlain(text: string): SourceDocument | undefined {
  const documents = readPlainStream(text);
  return documents?.length === 1 ? documents[0] : undefined;
}

function readWhole(text: string): DocumentResult {
  const reader = new YamlReader(text);
  const roots = reader.roots();
  const root = roots.next().value as Document.Parsed | undefined;
  if (root && roots.next().value) {
    const message = "expected one document, found a second one";
    const remedy = "Put each document into a file of its own; several files are merged.";
    reader.problem({ code: "yaml-several-documents", offset: root.range[2], message, remedy });
  }
  const { problems } = reader;
  if (!root || problems.length > 0) return { problems };
  const document = reader.read(root);
  return problems.length > 0 ? { problems } : { document, problems };
}

/** Every document of a stream (YAML 1.2.2 §9.2), as Kubernetes manifests come; the empty ones are left out. */
export function readYamlStream(original: string): StreamResult {
  const text = withLineFeeds(original);
  const plain = readPlainStream(text);
  return plain ? { documents: plain.filter(hasValue), problems: [] } : readWholeStream(text);
}

/**
 * A carriage return alone ends a line, too (YAML 1.2.2 §5.4), which neither package knows: a comment would be all that follows.
 * Nothing moves.
 */
function withLineFeeds(text: string): string {
  return text.replaceAll(/\r(?!\n)/g, "\n");
}

export interface StreamResult {
  /** None where there are problems. */
  readonly documents: SourceDocument[];
  readonly problems: TextProblem[];
}

/** Of a document only its values are kept: manifests of 10,000 routes have nodes of hundreds of megabytes. */
export function readWholeStream(text: string): StreamResult {
  const reader = new YamlReader(text);
  const places = new TextPlaces(text, false);
  const documents: SourceDocument[] = [];
  for (const root of reader.roots()) {
    const { value } = reader.read(root);
    const [start, , end] = root.range;
    documents.push({ value, locate: (path, at) => places.locate({ start, end }, path, at) });
  }
  return {
    documents: reader.problems.length > 0 ? [] : documents.filter(hasValue),
    problems: reader.problems,
  };
}

function readPlainStream(original: string): SourceDocument[] | undefined {
  // A line end is no part of any line, so lines and columns stay what they are.
  const text = original.replaceAll("\r\n", "\n");
  const places = new TextPlaces(text, true);
  return readPlainYaml(text)?.map(({ value, span, itemSpan }) => ({
    value,
    locate(path, at) {
      const item = itemSpan(path);
      return item ? places.locate(item, [0, ...path.slice(2)], at) : places.locate(span, path, at);
    },
  }));
}

function hasValue({ value }: SourceDocument): boolean {
  return value !== null;
}

/** Documents, or items of lists, whose places are kept when they were asked for; longer ones only weakly. */
const keptParts = 4;
const keptPartChars = 64 * 1024;

interface KeptPart {
  readonly start: number;
  readonly part: { deref(): SourceDocument["locate"] | undefined };
}

/**
 * Places in parts of a text. Something is to be said about few of them, so a part is read once more when it is first asked
 * about, and kept while not too many others were asked about since. (Weak references alone keep whatever they have given
 * until the end of the job that asked, which may be all of a conversion.)
 */
class TextPlaces {
  readonly #text: string;
  readonly #isPlain: boolean;
  readonly #placeOf: (offset: number) => Place;
  /** By turns. From a map, what has left it would live on until V8 collects its old objects. */
  readonly #kept: KeptPart[] = [];
  #turn = 0;

  constructor(text: string, isPlain: boolean) {
    this.#text = text;
    this.#isPlain = isPlain;
    this.#placeOf = lineIndex(text);
  }

  locate(span: TextSpan, path: Path, at: "key" | "value"): Place {
    return this.#part(span)(path, at);
  }

  #part(span: TextSpan): SourceDocument["locate"] {
    const { start, end } = span;
    const known = this.#kept.find((kept) => kept.start === start)?.part.deref();
    if (known) return known;
    const part = this.#read(span);
    const held = end - start > keptPartChars ? new WeakRef(part) : { deref: () => part };
    this.#kept[this.#turn] = { start, part: held };
    this.#turn = (this.#turn + 1) % keptParts;
    return part;
  }

  #read({ start, end }: TextSpan): SourceDocument["locate"] {
    const text = this.#text.slice(start, end);
    const isTooLong = this.#isPlain && isTooLarge(text);
    const plain = this.#isPlain ? yamlPlaces(text) : undefined;
    let whole: SourceDocument | undefined;
    return (path, at) => {
      const offset = plain?.offsetOf(path, at);
      if (offset !== undefined) return this.#placeOf(start + offset);
      if (isTooLong) return this.#placeOf(start + rootKeyOffset(text, path));
      whole ??= readWhole(text).document;
      const before = this.#placeOf(start);
      const { line, column } = whole?.locate(path, at) ?? firstPlace;
      return { line: before.line + line - 1, column: line === 1 ? before.column + column - 1 : column };
    };
  }
}

/** Of a document that is too large to be read at once: the line of a key of its map. */
function rootKeyOffset(text: string, [key]: Path): number {
  const line = typeof key === "string" ? `\n${key}:` : "\n";
  return Math.max(0, `\n${text}`.indexOf(line));
}

const firstPlace: Place = { line: 1, column: 1 };

class YamlReader {
  readonly problems: TextProblem[] = [];
  readonly #text: string;
  readonly placeOf: (offset: number) => Place;
  /** What aliases may still add, to all documents of the text together. */
  #aliasValues: number = limits.configAliasValues;

  constructor(text: string) {
    this.#text = text;
    this.placeOf = lineIndex(text);
  }

  problem({ offset, ...rest }: YamlProblem): void {
    if (this.problems.length < maxProblems) this.problems.push({ ...rest, ...this.placeOf(offset) });
  }

  /** Document after document, none of them read yet, up to the first one with a problem. */
  *roots(): Generator<Document.Parsed> {
    const tokens = new YamlTokens(this.#text);
    for (const root of new Composer(composerOptions).compose(tokens, true, this.#text.length)) {
      if (tokens.tooDeepAt !== undefined) {
        const message = `nested deeper than ${limits.configDepth} levels`;
        this.problem({ code: "yaml-too-deep", offset: tokens.tooDeepAt, message });
        return;
      }
      if (tokens.tooManyAt !== undefined) {
        this.problem({ ...tooMany, offset: tokens.tooManyAt });
        return;
      }
      reportSyntax(root, (problem) => this.problem(problem));
      if (this.problems.length > 0) return;
      yield root;
      if (this.problems.length > 0) return;
    }
  }

  read(root: Document.Parsed): SourceDocument {
    const contents = root.contents as Node | null;
    const values = new YamlValues(this.#aliasValues, (problem) => this.problem(problem));
    const value = values.read(contents);
    this.#aliasValues -= values.aliasValues;
    const locate = (path: Path, at: "key" | "value"): Place =>
      this.placeOf(offsetOf(contents, values, path, at));
    return { value, locate };
  }
}

function reportSyntax(document: Document.Parsed, problem: (problem: YamlProblem) => void): void {
  const { explicit, version } = document.directives.yaml;
  if (explicit && version !== "1.2") {
    const message = `expected YAML 1.2; found ${version}, in which "yes" and "on" mean true`;
    problem({ code: "yaml-syntax", offset: 0, message, remedy: "Remove the %YAML line." });
  }
  for (const error of document.errors.slice(0, maxSyntaxProblems)) {
    problem({ code: "yaml-syntax", offset: error.pos[0], message: sentence(error.message) });
  }
}

/** The package's messages start with a capital letter; ours go on after `error: `. */
function sentence(message: string): string {
  const firstLine = message.split("\n", 1)[0]!;
  return `not valid YAML: ${firstLine.charAt(0).toLowerCase()}${firstLine.slice(1)}`;
}

function offsetOf(root: Node | null, values: YamlValues, path: Path, at: "key" | "value"): number {
  let offset = root?.range?.[0] ?? 0;
  let node = root;
  for (const [index, step] of path.entries()) {
    const container = isAlias(node) ? values.target(node) : node;
    if (isSeq(container) && typeof step === "number" && step < container.items.length) {
      node = container.items[step] as Node;
      offset = node.range?.[0] ?? offset;
      continue;
    }
    const pair = isMap(container) ? findPair(container, values, String(step)) : undefined;
    if (!pair) break;
    node = pair.value;
    const wantsKey = (at === "key" && index === path.length - 1) || isEmpty(pair.value);
    offset = (wantsKey ? pair.key : pair.value)?.range?.[0] ?? offset;
  }
  return offset;
}

/** `key:` with nothing after it. */
function isEmpty(node: Node | null): boolean {
  return !node?.range || node.range[0] === node.range[1];
}

/** The pair that gave the map this key: its own, or that of the first merged map which has it. */
function findPair(map: YAMLMap, values: YamlValues, key: string): Pair<Node, Node | null> | undefined {
  const pairs = map.items as Pair<Node, Node | null>[];
  const own = pairs.find((pair) => !isMergeKey(pair.key) && keyText(pair.key) === key);
  if (own) return own;
  for (const merge of pairs.filter((pair) => isMergeKey(pair.key))) {
    const source = isAlias(merge.value) ? values.target(merge.value) : merge.value;
    for (const item of isSeq(source) ? source.items : [source]) {
      const merged = isAlias(item) ? values.target(item) : item;
      const found = isMap(merged) ? findPair(merged as YAMLMap, values, key) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}
