// Cursor over the source of a pattern, with the one place that reads escapes of single characters.

/** The pattern is not valid or asks for what linear time cannot give. The message is complete for a person. */
export class PatternSyntaxError extends Error {
  override readonly name = "PatternSyntaxError";

  constructor(problem: string, position: number) {
    super(`not a valid regular expression: ${problem} (at character ${position + 1})`);
  }
}

const controlEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

export class PatternReader {
  readonly #source: string;
  #position = 0;
  /** Capturing groups opened so far. */
  groups = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get done(): boolean {
    return this.#position >= this.#source.length;
  }

  peek(): string | undefined {
    return this.#source[this.#position];
  }

  /** The next code point, as text. */
  next(): string {
    const codePoint = this.#source.codePointAt(this.#position);
    if (codePoint === undefined) return this.fail("it ends too early");
    const text = String.fromCodePoint(codePoint);
    this.#position += text.length;
    return text;
  }

  take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#position)) return false;
    this.#position += text.length;
    return true;
  }

  /** Consumes a sticky expression, if it matches here. */
  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#position;
    const found = sticky.exec(this.#source);
    if (found) this.#position += found[0].length;
    return found;
  }

  nextGroup(): number {
    this.groups += 1;
    return this.groups;
  }

  fail(problem: string): never {
    throw new PatternSyntaxError(problem, Math.min(this.#position, this.#source.length));
  }

  /** What follows a backslash, where it stands for one character. */
  escapedCodePoint(): number {
    const hex = this.match(/x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/y);
    if (hex) {
      const codePoint = Number.parseInt(hex[1] ?? hex[2]!, 16);
      return codePoint <= 0x10ffff ? codePoint : this.fail("code point above 10FFFF");
    }
    if (this.done) this.fail("it ends in a backslash");
    const letter = this.next();
    const control = controlEscapes[letter];
    if (control !== undefined) return control;
    if (/^[1-9]$/.test(letter)) {
      this.fail("back-references are not supported: they cannot be matched in linear time");
    }
    if (/^[A-Za-z0-9]$/.test(letter)) this.fail(`escape '\\${letter}' is not supported`);
    return letter.codePointAt(0)!;
  }
}
