// Values of plain YAML within one line: scalars in quotes and without, and flow collections. What may be anything else is
// left to the whole grammar, so each rule here errs on the side of not understanding.

/** The value is not one of those that are understood here. */
export const unread = Symbol("unread");

/** YAML 1.2.2 §10.3.2, without the numbers. */
const words = new Map<string, boolean | null>([
  ...["~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);
const plainInteger = /^-?(?:0|[1-9][0-9]{0,14})$/;
const otherNumber =
  /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

const plainKey = /[A-Za-z0-9_/][A-Za-z0-9_./-]*/y;
const blockPlain = /(?:[A-Za-z0-9_/.$~^(+=;<\\]|-(?=[A-Za-z0-9.]))[^\n\t]*/y;
const flowPlain = /(?:[A-Za-z0-9_/.$~^(+=;<\\]|-(?=[A-Za-z0-9.]))[^\n\t,[\]{}]*/y;
const doubleQuoted = /"[^"\\\n]*"/y;
const singleQuoted = /'[^'\n]*'(?!')/y;

/** Reads from `at` on, and leaves it behind what it has read. */
export class InlineYaml {
  at = 0;
  readonly #text: string;
  readonly #maxDepth: number;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  /** A key and its colon, with the spaces behind it. `undefined`: none that is understood. */
  key(): string | undefined {
    const key = this.#quoted() ?? this.#match(plainKey);
    if (key === undefined || this.#text[this.at] !== ":") return undefined;
    this.at += 1;
    const next = this.#text[this.at];
    if (next !== " " && next !== "\n" && next !== undefined) return undefined;
    this.skipSpaces();
    return key;
  }

  /** {@link unread} where the value does not end in its line. */
  value(): unknown {
    const value = this.#quoted() ?? this.#collection(0) ?? this.#plain(blockPlain);
    return this.isLineEnd() ? value : unread;
  }

  /** True where only a comment follows in the line, or nothing. */
  isLineEnd(): boolean {
    const start = this.at;
    this.skipSpaces();
    const char = this.#text[this.at];
    if (char === undefined || char === "\n") return true;
    return char === "#" && (this.at > start || this.#text[start - 1] === " ");
  }

  skipSpaces(): void {
    while (this.#text.charCodeAt(this.at) === 32) this.at += 1;
  }

  /** What a sticky pattern finds here. */
  #match(pattern: RegExp): string | undefined {
    const start = this.at;
    pattern.lastIndex = start;
    if (!pattern.test(this.#text)) return undefined;
    this.at = pattern.lastIndex;
    return this.#text.slice(start, this.at);
  }

  #quoted(): string | undefined {
    const char = this.#text[this.at];
    if (char !== '"' && char !== "'") return undefined;
    return this.#match(char === '"' ? doubleQuoted : singleQuoted)?.slice(1, -1);
  }

  #plain(pattern: RegExp): unknown {
    const start = this.at;
    const found = this.#match(pattern);
    if (found === undefined) return unread;
    const comment = pattern === blockPlain ? found.indexOf(" #") : -1;
    let length = comment < 0 ? found.length : comment;
    while (found.charCodeAt(length - 1) === 32) length -= 1;
    const text = found.slice(0, length);
    this.at = start + length;
    if (text.endsWith(":") || text.includes(": ") || text.includes(" #")) return unread;
    return scalar(text);
  }

  /** `undefined`: not the start of a collection. */
  #collection(depth: number): unknown {
    const char = this.#text[this.at];
    if (char !== "[" && char !== "{") return undefined;
    if (depth >= this.#maxDepth) return unread;
    this.at += 1;
    this.skipSpaces();
    return char === "[" ? this.#flowList(depth) : this.#flowMap(depth);
  }

  #flowValue(depth: number): unknown {
    return this.#quoted() ?? this.#collection(depth + 1) ?? this.#plain(flowPlain);
  }

  #flowList(depth: number): unknown {
    const list: unknown[] = [];
    if (this.#take("]")) return list;
    do {
      const value = this.#flowValue(depth);
      if (value === unread) return unread;
      list.push(value);
    } while (this.#takeComma());
    return this.#take("]") ? list : unread;
  }

  #flowMap(depth: number): unknown {
    const map: Record<string, unknown> = {};
    if (this.#take("}")) return map;
    do {
      const key = this.key();
      if (key === undefined || !isNew(map, key)) return unread;
      const value = this.#flowValue(depth);
      if (value === unread) return unread;
      map[key] = value;
    } while (this.#takeComma());
    return this.#take("}") ? map : unread;
  }

  #take(char: string): boolean {
    if (this.#text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  #takeComma(): boolean {
    this.skipSpaces();
    if (!this.#take(",")) return false;
    this.skipSpaces();
    return true;
  }
}

/** False as well for the one name that cannot be assigned. */
export function isNew(map: Record<string, unknown>, key: string): boolean {
  return key !== "__proto__" && !Object.hasOwn(map, key);
}

function scalar(text: string): unknown {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (plainInteger.test(text)) return Number(text);
  return otherNumber.test(text) ? unread : text;
}
