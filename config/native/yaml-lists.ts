// A large document whose bulk is a few long lists (10,000 routes), read a piece of a list at a time, so that neither the
// syntax tree nor the nodes of the whole text ever exist: a third of the memory, and less for the garbage collector to do.
import { Composer, isMap, isSeq, type CST, type Document, type Node, type Pair } from "yaml";
import { limits } from "#contract/limits.ts";
import { YamlTokens } from "./yaml-tokens.ts";
import { isMergeKey, keyText, YamlValues } from "./yaml-values.ts";

/** The tree of a shorter text is no burden. */
const burdenChars = 128 * 1024;
const itemsAtOnce = 32;
/** The parser comes back to the last items when comments or blank lines follow them. */
const itemsLeft = 3;

// Duplicate keys are found by YamlValues: the composer compares each pair of keys, which is quadratic.
export const composerOptions = {
  version: "1.2",
  schema: "core",
  uniqueKeys: false,
  stringKeys: false,
} as const;

/**
 * The value of a text that is one plain document: without errors, directives and aliases, whose meaning hangs on what was
 * read before them. `undefined` for any other, and for a short one: to be read as a whole.
 */
export function readLongLists(
  text: string,
  leastChars = burdenChars,
): { readonly value: unknown } | undefined {
  return text.length < leastChars || /^%/m.test(text) ? undefined : new LongListReader(text).read();
}

class LongListReader {
  readonly #text: string;
  /** Values of items that were taken out of the tree, by the offset of their list. */
  readonly #taken = new Map<number, unknown[]>();
  readonly #values = new YamlValues(0, () => (this.#isPlain = false));
  #isPlain = true;

  constructor(text: string) {
    this.#text = text;
  }

  read(): { readonly value: unknown } | undefined {
    const tokens = new YamlTokens(this.#text, limits.configDepth, (list) => this.#takeItems(list));
    const root = this.#compose(tokens);
    if (tokens.tooDeepAt !== undefined || !root || !this.#isPlain) return undefined;
    const value = this.#values.read(root.contents as Node | null);
    if (isMap(root.contents)) this.#putBack(root.contents.items, value as Record<string, unknown>);
    return this.#isPlain ? { value } : undefined;
  }

  #takeItems(list: CST.BlockSequence): void {
    if (!this.#isPlain || list.items.length < itemsAtOnce + itemsLeft) return;
    const items = list.items.splice(0, itemsAtOnce);
    const offset = items[0]?.start[0]?.offset ?? list.offset;
    const value: CST.BlockSequence = { type: "block-seq", offset, indent: list.indent, items };
    const root = this.#compose([{ type: "document", offset, start: [], value }]);
    const read = this.#values.read((root?.contents ?? null) as Node | null);
    if (!Array.isArray(read)) return void (this.#isPlain = false);
    const taken = this.#taken.get(list.offset);
    if (taken) for (const item of read) taken.push(item);
    else this.#taken.set(list.offset, read);
  }

  #compose(tokens: Iterable<CST.Token>): Document.Parsed | undefined {
    const [root, second] = new Composer(composerOptions).compose(tokens, true, this.#text.length);
    if (!root || second || root.errors.length > 0) this.#isPlain = false;
    return root;
  }

  #putBack(pairs: readonly Pair[], value: Record<string, unknown>): void {
    for (const pair of pairs as Pair<Node, Node | null>[]) {
      const taken = isSeq(pair.value) ? this.#taken.get(pair.value.range?.[0] ?? -1) : undefined;
      if (!taken) continue;
      const key = keyText(pair.key);
      if (key === undefined || isMergeKey(pair.key)) return void (this.#isPlain = false);
      for (const item of value[key] as unknown[]) taken.push(item);
      value[key] = taken;
    }
  }
}
