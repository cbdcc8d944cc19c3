// All matches of one host, found by path: a hash for exact paths, an ordered list of regular expressions, a trie of
// path elements for prefixes. Cost: the length of the path, however many routes there are.
import { admits, type Entry, type RuleMatch } from "./entry.ts";
import type { Pattern } from "./pattern/pattern.ts";
import type { RequestFacts } from "./request-facts.ts";

interface PrefixNode {
  children: Map<string, PrefixNode> | undefined;
  readonly entries: Entry[];
  readonly parent: PrefixNode | undefined;
}

export class PathIndex {
  readonly #exact = new Map<string, Entry[]>();
  readonly #regexes: { readonly pattern: Pattern; readonly entry: Entry }[] = [];
  readonly #root: PrefixNode = { children: undefined, entries: [], parent: undefined };

  /** Entries are added in order of precedence. */
  add(entry: Entry): void {
    switch (entry.path.type) {
      case "Exact": {
        const entries = this.#exact.get(entry.path.value);
        if (entries) entries.push(entry);
        else this.#exact.set(entry.path.value, [entry]);
        return;
      }
      case "RegularExpression":
        this.#regexes.push({ pattern: entry.path.pattern, entry });
        return;
      case "PathPrefix":
        this.#nodeOf(entry.path.value).entries.push(entry);
        return;
    }
  }

  /** The winner for a normalised path. */
  find(path: string, facts: RequestFacts): RuleMatch | undefined {
    const exact = this.#exact.get(path);
    if (exact) {
      const winner = firstOf(exact, facts);
      if (winner) return winner;
    }
    for (const { pattern, entry } of this.#regexes) {
      if (pattern.test(path) && admits(entry, facts)) return entry.result;
    }
    for (let node: PrefixNode | undefined = this.#deepest(path); node; node = node.parent) {
      const winner = firstOf(node.entries, facts);
      if (winner) return winner;
    }
    return undefined;
  }

  #nodeOf(prefix: string): PrefixNode {
    let node = this.#root;
    for (const element of prefix === "" ? [] : prefix.slice(1).split("/")) {
      node.children ??= new Map();
      let child = node.children.get(element);
      if (!child) {
        child = { children: undefined, entries: [], parent: node };
        node.children.set(element, child);
      }
      node = child;
    }
    return node;
  }

  /** Follows the elements of a path as far as there are prefixes. */
  #deepest(path: string): PrefixNode {
    let node = this.#root;
    let start = 1;
    while (node.children && start < path.length) {
      const slash = path.indexOf("/", start);
      const end = slash < 0 ? path.length : slash;
      const child = node.children.get(path.slice(start, end));
      if (!child) break;
      node = child;
      start = end + 1;
    }
    return node;
  }
}

function firstOf(entries: readonly Entry[], facts: RequestFacts): RuleMatch | undefined {
  for (const entry of entries) {
    if (admits(entry, facts)) return entry.result;
  }
  return undefined;
}
