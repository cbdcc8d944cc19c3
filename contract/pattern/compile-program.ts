// A parsed pattern as instructions of a Thompson automaton (R. Cox, "Regular Expression Matching: the Virtual Machine
// Approach"), and the partition of all characters into classes that no set of the pattern tells apart.
import type { CharacterSet } from "./character-set.ts";
import { includesCodePoint, lastCodePoint } from "./character-set.ts";
import type { Assertion, ParsedPattern, PatternNode } from "./parse-pattern.ts";

/** Instruction at index `pc`; it continues at `pc + 1` unless it says otherwise. */
export type Instruction =
  | { readonly op: "character"; readonly classes: Uint8Array }
  | { readonly op: "assert"; readonly assertion: Assertion }
  | { readonly op: "save"; readonly slot: number }
  | { readonly op: "jump"; readonly to: number }
  /** Both ways; the first is preferred. */
  | { readonly op: "split"; readonly first: number; readonly second: number }
  | { readonly op: "accept" };

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly groups: number;
  readonly classCount: number;
  /** First code point of each class, ascending. */
  readonly classStarts: readonly number[];
  /** Class of a code point, 0 ≤ class < classCount. */
  readonly classOf: (codePoint: number) => number;
  /** True when an assertion needs to know both neighbours of a position. */
  readonly hasWordBoundary: boolean;
}

/** The instructions before they are complete: jumps are patched once their target is known. */
type Draft = Instruction | { op: "jump"; to: number } | { op: "split"; first: number; second: number };

export function compileProgram(pattern: ParsedPattern): Program {
  const boundaries = classBoundaries(pattern.node);
  const classOf = classifier(boundaries);
  const drafts: Draft[] = [];
  emit(pattern.node, drafts, (set) => membership(set, boundaries));
  drafts.push({ op: "accept" });
  return {
    instructions: drafts,
    groups: pattern.groups,
    classCount: boundaries.length,
    classStarts: boundaries,
    classOf,
    hasWordBoundary: drafts.some(
      (draft) =>
        draft.op === "assert" &&
        (draft.assertion === "wordBoundary" || draft.assertion === "notWordBoundary"),
    ),
  };
}

type Membership = (set: CharacterSet) => Uint8Array;

function emit(node: PatternNode, into: Draft[], membership: Membership): void {
  switch (node.kind) {
    case "set":
      into.push({ op: "character", classes: membership(node.set) });
      return;
    case "assertion":
      into.push({ op: "assert", assertion: node.assertion });
      return;
    case "group":
      into.push({ op: "save", slot: node.index * 2 });
      emit(node.node, into, membership);
      into.push({ op: "save", slot: node.index * 2 + 1 });
      return;
    case "sequence":
      for (const child of node.nodes) emit(child, into, membership);
      return;
    case "choice":
      emitChoice(node.nodes, into, membership);
      return;
    case "repeat":
      emitRepeat(node, into, membership);
      return;
  }
}

function emitChoice(nodes: readonly PatternNode[], into: Draft[], membership: Membership): void {
  const exits: { op: "jump"; to: number }[] = [];
  for (const [index, child] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(child, into, membership);
      break;
    }
    const split = { op: "split" as const, first: into.length + 1, second: 0 };
    into.push(split);
    emit(child, into, membership);
    const exit = { op: "jump" as const, to: 0 };
    exits.push(exit);
    into.push(exit);
    split.second = into.length;
  }
  for (const exit of exits) exit.to = into.length;
}

function emitRepeat(node: PatternNode & { kind: "repeat" }, into: Draft[], membership: Membership): void {
  for (let count = 0; count < node.min; count += 1) emit(node.node, into, membership);
  if (node.max === Number.POSITIVE_INFINITY) {
    const start = into.length;
    const split = pushSplit(into);
    emit(node.node, into, membership);
    into.push({ op: "jump", to: start });
    direct(split, start + 1, into.length, node.greedy);
    return;
  }
  const splits: { at: number; split: { op: "split"; first: number; second: number } }[] = [];
  for (let count = node.min; count < node.max; count += 1) {
    splits.push({ at: into.length, split: pushSplit(into) });
    emit(node.node, into, membership);
  }
  for (const { at, split } of splits) direct(split, at + 1, into.length, node.greedy);
}

function pushSplit(into: Draft[]): { op: "split"; first: number; second: number } {
  const split = { op: "split" as const, first: 0, second: 0 };
  into.push(split);
  return split;
}

function direct(split: { first: number; second: number }, body: number, exit: number, greedy: boolean): void {
  split.first = greedy ? body : exit;
  split.second = greedy ? exit : body;
}

/** First code point of every class, ascending. Sets of the pattern begin and end only at these. */
function classBoundaries(root: PatternNode): number[] {
  const starts = new Set<number>([0]);
  const visit = (node: PatternNode): void => {
    switch (node.kind) {
      case "set":
        for (let index = 0; index < node.set.length; index += 2) {
          starts.add(node.set[index]!);
          if (node.set[index + 1]! < lastCodePoint) starts.add(node.set[index + 1]! + 1);
        }
        return;
      case "group":
      case "repeat":
        visit(node.node);
        return;
      case "sequence":
      case "choice":
        node.nodes.forEach(visit);
        return;
      case "assertion":
        return;
    }
  };
  visit(root);
  return [...starts].sort((a, b) => a - b);
}

function membership(set: CharacterSet, boundaries: readonly number[]): Uint8Array {
  return Uint8Array.from(boundaries, (start) => (includesCodePoint(set, start) ? 1 : 0));
}

function classifier(boundaries: readonly number[]): (codePoint: number) => number {
  const search = (codePoint: number): number => {
    let low = 0;
    let high = boundaries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (boundaries[middle]! <= codePoint) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const ascii = Uint16Array.from({ length: 128 }, (_, codePoint) => search(codePoint));
  return (codePoint) => (codePoint < 128 ? ascii[codePoint]! : search(codePoint));
}
