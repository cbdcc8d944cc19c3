// What a haproxy.cfg consists of: sections, and in them statements with their places.
import type { Word } from "./split-words.ts";

export const sectionKinds = [
  "global",
  "defaults",
  "frontend",
  "backend",
  "listen",
  "userlist",
  "http-errors",
  "peers",
  "resolvers",
  "mailers",
  "cache",
  "ring",
  "log-forward",
  "program",
  "fcgi-app",
  "crt-store",
  "healthcheck",
  "traces",
  "log-profile",
  "acme",
] as const;
export type SectionKind = (typeof sectionKinds)[number];

export interface Section {
  readonly kind: SectionKind;
  /** Empty where there is none. */
  readonly name: string;
  /** The `defaults` section that a proxy names with `from`. */
  readonly from?: Word;
  /** The line that opens the section. */
  readonly heading: Statement;
  readonly statements: Statement[];
}

export interface Statement {
  /** At least one; `no` and `default` in front are in `prefix`. */
  readonly words: readonly Word[];
  readonly prefix?: "no" | "default";
  /** 1-based. */
  readonly line: number;
  /** For places in messages: `frontend`, `web`. */
  readonly section: readonly string[];
}

/** Longest part of a statement that a message repeats. */
const quotedChars = 80;

/** The statement's words as a message quotes them. */
export function statementText({ words, prefix }: Statement): string {
  const text = [...(prefix ? [prefix] : []), ...words.slice(0, 40).map((word) => word.text)].join(" ");
  return text.length > quotedChars ? `${text.slice(0, quotedChars - 1)}…` : text;
}

/** Text of a word; empty where there is none. */
export function wordAt(statement: Statement, index: number): string {
  return statement.words[index]?.text ?? "";
}

/** Texts of the words from `index` on. */
export function wordsFrom(statement: Statement, index: number): string[] {
  return statement.words.slice(index).map((word) => word.text);
}
