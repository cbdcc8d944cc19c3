// Values → the YAML that the `yaml` package would print of them, in a tenth of its time, as long as nothing in them needs
// care: no text that is quoted, folded or escaped, apart from the few shapes below that configurations are full of.

const flowChars = 72;

/** The line to write above an item of a list, if any. */
export type CommentOf = (item: unknown) => string | undefined;

/** An item of a block list, with the line ends of all its lines. `undefined`: `yaml` has to write it. */
export function plainItem(item: unknown, indent: string, commentOf: CommentOf): string | undefined {
  const block = new PlainBlock(commentOf);
  // Flat text: V8 would keep what was put together from pieces as a tree of them, several times its size.
  return block.addItem(item, indent, indent) ? block.lines.join("") : undefined;
}

/** Each method says whether the value was plain; `first` stands where the indentation of the first line would. */
class PlainBlock {
  readonly lines: string[] = [];
  readonly #commentOf: CommentOf;

  constructor(commentOf: CommentOf) {
    this.#commentOf = commentOf;
  }

  addItem(item: unknown, indent: string, first: string): boolean {
    const comment = this.#commentOf(item);
    if (comment !== undefined) this.lines.push(`${indent}# ${comment}\n`);
    return this.#add(item, `${indent}  `, `${first}- `);
  }

  #add(value: unknown, indent: string, first: string): boolean {
    const line = inLine(value);
    if (line !== undefined) return this.lines.push(`${first}${line}\n`) > 0;
    if (typeof value !== "object" || value === null || isShort(value)) return false;
    if (Array.isArray(value))
      return value.every((item, index) => this.addItem(item, indent, index === 0 ? first : indent));
    return Object.entries(value).every(([key, inner], index) =>
      this.#addField(key, inner, indent, index === 0 ? first : indent),
    );
  }

  #addField(key: string, value: unknown, indent: string, first: string): boolean {
    if (!isPlain(key)) return false;
    const line = inLine(value);
    if (line !== undefined) return this.lines.push(`${first}${key}: ${line}\n`) > 0;
    if (typeof value === "string" && literalText.test(value))
      return this.lines.push(`${first}${key}: |\n${value.replaceAll(/^(?=.)/gm, `${indent}  `)}`) > 0;
    this.lines.push(`${first}${key}:\n`);
    return this.#add(value, `${indent}  `, `${indent}  `);
  }
}

/** A scalar, or a short collection of them. */
function inLine(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return scalar(value);
  if (!isShort(value)) return undefined;
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) {
      const text = scalar(item);
      if (text === undefined) return undefined;
      parts.push(text);
    }
    return parts.length === 0 ? "[]" : `[ ${parts.join(", ")} ]`;
  }
  for (const [key, inner] of Object.entries(value)) {
    const text = isPlain(key) ? scalar(inner) : undefined;
    if (text === undefined) return undefined;
    parts.push(`${key}: ${text}`);
  }
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

/** Collections of plain values up to this long, as JSON, are written as `{ a: 1 }` and `[ 1, 2 ]`. */
export function isShort(value: object): boolean {
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) return false;
  return JSON.stringify(value).length <= flowChars;
}

/** Text of these is plain wherever it stands, and without a space nothing folds it. */
const plainText = /^[A-Za-z/](?:[\w./*$()|+?~=;%@^:-]*[\w/*$)])?$/;
const addressOrDuration = /^(?:\d+(?:\.\d+){3}(?:\/\d+)?|(?:\d+(?:ms|s|m|h))+)$/;
const otherThanText = /^(?:null|true|false)$/i;
/** Lines that are not folded, as error pages have them. */
const literalText = /^(?:[!-~](?:[ -~]{0,58}[!-~])?\n)+$/;
/** Wildcards, and numbers that are text; quotes of longer ones may be folded. */
const quotedText = /^(?:\*\.[\w.-]+|\d+)$/;
const quotedChars = 48;

function isPlain(text: string): boolean {
  return plainText.test(text) ? !otherThanText.test(text) : addressOrDuration.test(text);
}

function scalar(value: unknown): string | undefined {
  if (typeof value === "boolean") return String(value);
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
  if (typeof value !== "string") return undefined;
  if (isPlain(value)) return value;
  return value.length <= quotedChars && quotedText.test(value) ? `"${value}"` : undefined;
}
