// Writes Cap'n Proto text, the language of workerd's configuration files, from plain values.

/** A bare word: an enumerant, a constant's name, an `embed` expression. */
export class CapnpSymbol {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type CapnpValue =
  | string
  | number
  | boolean
  | CapnpSymbol
  | readonly CapnpValue[]
  | { readonly [field: string]: CapnpValue | undefined };

/** The contents of a file, by a path relative to the configuration's. */
export function embed(path: string): CapnpSymbol {
  return new CapnpSymbol(`embed ${quote(path)}`);
}

/** Fields that are undefined are left out; an empty object is the empty group `()`. */
export function capnpText(value: CapnpValue, indent = ""): string {
  const inner = `${indent}  `;
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof CapnpSymbol) return value.text;
  if (isList(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + capnpText(item, inner)).join(",\n")}\n${indent}]`;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const flat = `(${fields.map(([name, field]) => `${name} = ${capnpText(field!, inner)}`).join(", ")})`;
  if (flat.length <= 100 && !flat.includes("\n")) return flat;
  return `(\n${fields.map(([name, field]) => `${inner}${name} = ${capnpText(field!, inner)}`).join(",\n")}\n${indent})`;
}

function isList(value: CapnpValue): value is readonly CapnpValue[] {
  return Array.isArray(value);
}

/** Cap'n Proto strings know C's escapes; every byte outside printable ASCII is written as `\xNN` of its UTF-8. */
function quote(text: string): string {
  let quoted = '"';
  for (const byte of Buffer.from(text, "utf8")) {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (byte < 0x20 || byte > 0x7e) quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
    else quoted += character;
  }
  return `${quoted}"`;
}
