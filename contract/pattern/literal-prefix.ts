// What every text begins with that a pattern matches.
import type { PatternNode } from "./parse-pattern.ts";

interface Prefix {
  readonly text: string;
  /** The node matches this text and no other. */
  readonly isWhole: boolean;
}

/** One comparison with it spares the automaton for most requests. */
export function literalPrefix(node: PatternNode): string {
  return prefixOf(node).text;
}

function prefixOf(node: PatternNode): Prefix {
  switch (node.kind) {
    case "set": {
      const [first, last, ...others] = node.set;
      const isOne = first !== undefined && first === last && others.length === 0;
      return isOne ? { text: String.fromCodePoint(first), isWhole: true } : nothing;
    }
    case "assertion":
      // Elsewhere it may not hold, and then no text is matched.
      return node.assertion === "start" ? { text: "", isWhole: true } : nothing;
    case "group":
      return prefixOf(node.node);
    case "sequence":
      return prefixOfSequence(node.nodes);
    case "choice":
      return node.nodes.map(prefixOf).reduce(commonPrefix);
    case "repeat":
      if (node.min === 0) return nothing;
      return { text: prefixOf(node.node).text, isWhole: false };
  }
}

const nothing: Prefix = { text: "", isWhole: false };

function prefixOfSequence(nodes: readonly PatternNode[]): Prefix {
  let text = "";
  for (const node of nodes) {
    const next = prefixOf(node);
    text += next.text;
    if (!next.isWhole) return { text, isWhole: false };
  }
  return { text, isWhole: true };
}

function commonPrefix(one: Prefix, other: Prefix): Prefix {
  if (one.text === other.text) return { text: one.text, isWhole: one.isWhole && other.isWhole };
  let length = 0;
  while (length < one.text.length && one.text[length] === other.text[length]) length += 1;
  return { text: one.text.slice(0, length), isWhole: false };
}
