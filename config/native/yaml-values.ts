// YAML nodes → plain values in one pass in source order, with the checks that the format leaves to its readers:
// keys are scalars and unique, aliases are known and bounded, `<<` merges maps, no tags.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { DiagnosticCode } from "../diagnostic-code.ts";

export interface YamlProblem {
  readonly code: DiagnosticCode;
  /** Offset in the text. */
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string;
}

interface Anchored {
  readonly node: Node;
  /** Absent while the node is being read: an alias to it would be inside of it. */
  result?: { readonly value: unknown; readonly size: number };
}

/** Tags of the core schema (YAML 1.2.2 §10.3), which say what is so without them. */
const coreTags = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

type MapPair = Pair<Node, Node | null>;

/** Reads one document; each instance once. */
export class YamlValues {
  readonly #maxAliasValues: number;
  readonly #report: (problem: YamlProblem) => void;
  readonly #anchors = new Map<string, Anchored>();
  readonly #targets = new WeakMap<Alias, Node>();
  /** Values so far, with those of aliases counted at each use. */
  #size = 0;
  #aliasValues = 0;
  #problems = 0;

  /** @param maxAliasValues how many values aliases may add in all. An alias shares memory, but readers visit each use. */
  constructor(maxAliasValues: number, report: (problem: YamlProblem) => void) {
    this.#maxAliasValues = maxAliasValues;
    this.#report = report;
  }

  /** Values that aliases have added so far. */
  get aliasValues(): number {
    return this.#aliasValues;
  }

  /** What an alias stands for; known once the alias has been read. */
  target(alias: Alias): Node | undefined {
    return this.#targets.get(alias);
  }

  read(node: Node | null): unknown {
    if (!node) return null;
    if (isAlias(node)) return this.#readAlias(node);
    this.#checkTag(node);
    const sizeBefore = this.#size;
    this.#size += 1;
    const { anchor } = node as Scalar | YAMLMap;
    const anchored: Anchored = { node };
    if (anchor) this.#anchors.set(anchor, anchored);
    const value = this.#readContent(node);
    anchored.result = { value, size: this.#size - sizeBefore };
    return value;
  }

  #readContent(node: Node): unknown {
    if (isMap(node)) return this.#readMap(node);
    if (isSeq(node)) return node.items.map((item) => this.read(item as Node | null));
    return (node as Scalar).value;
  }

  #checkTag(node: Node): void {
    if (node.tag === undefined || coreTags.test(node.tag)) return;
    const message = `tags have no meaning here; found ${short(node.tag)}`;
    this.#problem("yaml-tag", node, message, "Remove the tag.");
  }

  #readAlias(alias: Alias): unknown {
    const anchored = this.#anchors.get(alias.source);
    if (!anchored?.result) {
      const reason = anchored ? "is inside of its own anchor" : "has no anchor before it";
      this.#problem("yaml-alias", alias, `the alias *${short(alias.source)} ${reason}`);
      return null;
    }
    this.#targets.set(alias, anchored.node);
    const { value, size } = anchored.result;
    const wasWithinBound = this.#aliasValues <= this.#maxAliasValues;
    this.#size += size;
    this.#aliasValues += size;
    if (this.#aliasValues <= this.#maxAliasValues) return value;
    if (wasWithinBound) {
      const message = `aliases add more than ${this.#maxAliasValues} values to the document`;
      this.#problem("yaml-alias", alias, message, "Use fewer or smaller aliases.");
    }
    return null;
  }

  #readMap(map: YAMLMap): Record<string, unknown> {
    const merged: Record<string, unknown> = {};
    const own = new Map<string, unknown>();
    for (const pair of map.items as MapPair[]) {
      if (isMergeKey(pair.key)) {
        this.#readMerge(pair, merged);
        continue;
      }
      this.#checkTag(pair.key);
      const key = keyText(pair.key);
      if (key === undefined) {
        this.#problem("yaml-key", pair.key, "expected a name as key, found a list, a map or an alias");
      } else if (own.has(key)) {
        const message = `the key ${JSON.stringify(short(key))} is already in this map`;
        this.#problem("key-duplicate", pair.key, message, "Keep one of them; the others would be lost.");
      }
      const value = this.read(pair.value);
      if (key !== undefined) own.set(key, value);
    }
    for (const [key, value] of own) putOwn(merged, key, value);
    return merged;
  }

  /** `<<: *a` or `<<: [*a, *b]`: keys of the map win, then those of the first in the list (YAML 1.1 merge type). */
  #readMerge(pair: MapPair, into: Record<string, unknown>): void {
    const before = this.#problems;
    const value = this.read(pair.value);
    // What is wrong with the alias has been said, of those beyond the bound by the first one.
    if (this.#problems > before || this.#aliasValues > this.#maxAliasValues) return;
    for (const source of Array.isArray(value) ? value : [value]) {
      if (source === null || typeof source !== "object" || Array.isArray(source)) {
        this.#problem("yaml-merge", pair.key, "<< expects a map, or a list of maps");
        return;
      }
      for (const [key, inner] of Object.entries(source)) {
        if (!Object.hasOwn(into, key)) putOwn(into, key, inner);
      }
    }
  }

  #problem(code: DiagnosticCode, node: Node, message: string, remedy?: string): void {
    this.#problems += 1;
    const offset = node.range?.[0] ?? 0;
    this.#report({ code, offset, message, ...(remedy === undefined ? {} : { remedy }) });
  }
}

/** An own property whatever the name: assigning to `__proto__` would not make one. */
export function putOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

export function isMergeKey(key: Node): boolean {
  return isScalar(key) && key.value === "<<" && key.type === "PLAIN";
}

/** Keys as text: `80: x` has the key "80", as in JSON. */
export function keyText(key: Node): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

function short(text: string): string {
  return text.length > 64 ? `${text.slice(0, 63)}…` : text;
}
