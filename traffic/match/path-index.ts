// All matches of one host, found by path: a hash for exact paths, an ordered list of regular expressions, a trie of
// path elements for prefixes. Cost: the length of the path, however many routes there are.
import type { StepLength, Steps } from "#contract/steps.ts";
import { admits, type Entry, type RuleMatch } from "./entry.ts";
import { foldPath } from "./path-matcher.ts";
import type { Pattern } from "./pattern/pattern.ts";
import type { RequestFacts } from "./request-facts.ts";

/** What it costs to file an entry, of a step's items. */
const indexedEntry = 1 / 16;

interface PrefixNode {
  children: Map<string, PrefixNode> | undefined;
  readonly entries: Entry[];
  readonly parent: PrefixNode | undefined;
}

export class PathIndex {
  readonly #exact = new Map<string, Entry[]>();
  readonly #regexes: { readonly pattern: Pattern; readonly entry: Entry }[] = [];
  readonly #root: PrefixNode = { children: undefined, entries: [], parent: undefined };
  readonly #entries: readonly Entry[];
  /** Some entry ignores case: keys are folded, and entries that do not ignore it look at the path once more. */
  readonly #folds: boolean;

  /** Entries come in order of precedence. Finds nothing before `buildSteps` has ended. */
  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    this.#folds = entries.some(({ rank }) => rank.ignoreCase);
  }

  *buildSteps(step: StepLength): Steps<void> {
    for (const entry of this.#entries) {
      this.#add(entry);
      if (step.isFull(indexedEntry)) yield;
    }
  }

  #add(entry: Entry): void {
    const { path } = entry;
    if (path.type === "RegularExpression") {
      this.#regexes.push({ pattern: path.pattern, entry });
      return;
    }
    const key = this.#folds ? foldPath(path.value) : path.value;
    if (path.type === "PathPrefix") {
      this.#nodeOf(key).entries.push(entry);
      return;
    }
    const entries = this.#exact.get(key);
    if (entries) entries.push(entry);
    else this.#exact.set(key, [entry]);
  }

  /** The winner for a request. */
  find(facts: RequestFacts): RuleMatch | undefined {
    const key = this.#folds ? foldPath(facts.path) : facts.path;
    const exact = this.#exact.get(key);
    const winner = exact && this.#firstOf(exact, facts);
    if (winner) return winner;
    for (const { pattern, entry } of this.#regexes) {
      if (pattern.test(facts.path) && admits(entry, facts)) return entry.result;
    }
    for (let node: PrefixNode | undefined = this.#deepest(key); node; node = node.parent) {
      const winner = this.#firstOf(node.entries, facts);
      if (winner) return winner;
    }
    return undefined;
  }

  #firstOf(entries: readonly Entry[], facts: RequestFacts): RuleMatch | undefined {
    for (const entry of entries) {
      if (this.#folds && !entry.rank.ignoreCase && !facts.path.startsWith(entry.path.value)) continue;
      if (admits(entry, facts)) return entry.result;
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
