// Values of annotations and of the controller's ConfigMap by their names: read by type, with what is said about them.
import { isCidr } from "../native/address.ts";
import type { Note, Notes } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";

export interface Values {
  /** Without white space around it; `undefined`: not there, or empty, which is the same to ingress-nginx. */
  text(name: string): string | undefined;
  /** As Go's `strconv.ParseBool`. */
  flag(name: string): boolean | undefined;
  /** A whole number of at least `least`. */
  integer(name: string, least?: number): number | undefined;
  /** Elements between commas. */
  list(name: string): string[];
  /** One of several words; a value that is none of them is noted. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined;
  /** Networks; single addresses become networks of one. */
  networks(name: string): string[];
  field(name: string): ObjectField;
  /** The value is one that ingress-nginx would not take. */
  invalid(name: string, expected: string): void;
  /** What the value names is not there: an error. */
  missing(name: string, message: string): void;
  /** What decides over traffic and has no equivalent: an error. */
  unsupported(name: string, message: string, remedy?: string): void;
  /** Honoured, but not to the letter: a warning. */
  approximated(name: string, message: string, remedy?: string): void;
  /** It leaves endpoints unverified. */
  unverified(name: string, message: string, remedy: string): void;
  /** Without equivalent, and no request goes elsewhere for it: a warning. */
  ignored(name: string, message: string, remedy?: string): void;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

/** `text`: without white space around it; `undefined`: not there, or empty. */
export function readValues(
  text: (name: string) => string | undefined,
  field: (name: string) => ObjectField,
  notes: Notes,
  /** Who has an error that is not in the value itself. */
  asker: (name: string) => ObjectField = field,
): Values {
  const noteAt = (place: ObjectField, name: string, code: Note["code"], message: string, remedy?: string) =>
    notes.add(place, { code, message: `${name}: ${message}`, remedy });
  const note = (name: string, code: Note["code"], message: string, remedy?: string): void =>
    noteAt(field(name), name, code, message, remedy);
  const invalid = (name: string, expected: string): void => {
    const found = JSON.stringify((text(name) ?? "").slice(0, 80));
    note(name, "argument-invalid", `expected ${expected}; found ${found}`);
  };
  const list = (name: string): string[] =>
    (text(name) ?? "")
      .split(",")
      .map((element) => element.trim())
      .filter((element) => element !== "");
  return {
    text,
    list,
    field,
    invalid,
    flag: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!booleans.has(value)) invalid(name, `"true" or "false"`);
      return booleans.get(value);
    },
    integer: (name, least = 0) => {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (/^[+-]?\d{1,15}$/.test(value) && number >= least) return number;
      invalid(name, `a whole number of at least ${least}`);
      return undefined;
    },
    word: (name, words) => {
      const value = text(name);
      if (value === undefined) return undefined;
      const found = words.find((word) => word === value);
      if (found === undefined) invalid(name, words.map((word) => JSON.stringify(word)).join(" or "));
      return found;
    },
    networks: (name) =>
      list(name).flatMap((element) => {
        const network = element.includes("/") ? element : `${element}/${element.includes(":") ? 128 : 32}`;
        if (isCidr(network)) return [network];
        invalid(name, "networks such as 10.0.0.0/8, separated by commas");
        return [];
      }),
    missing: (name, message) => noteAt(asker(name), name, "reference-unknown", message),
    unsupported: (name, message, remedy) =>
      noteAt(asker(name), name, "statement-unsupported", message, remedy),
    approximated: (name, message, remedy) => note(name, "statement-approximated", message, remedy),
    unverified: (name, message, remedy) => note(name, "endpoint-unverified", message, remedy),
    ignored: (name, message, remedy) => note(name, "statement-ignored", message, remedy),
  };
}
