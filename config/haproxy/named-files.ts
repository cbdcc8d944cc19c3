// Files that statements of a haproxy.cfg name: lists of patterns (`-f`), maps (§2.7) and pages. They are read beside the
// configuration and handed over with it, for nothing here reads files.
import { createNotes } from "./notes.ts";
import { readSections } from "./read-sections.ts";
import type { Statement } from "./statement.ts";
import { unsupported } from "./statement-problem.ts";

/** A page that is empty; no file to hand over. */
export const nowhere = "/dev/null";

export interface MapEntry {
  readonly key: string;
  readonly value: string;
}

/** All throw `StatementProblem` where the file is not there. */
export interface NamedFiles {
  patterns(name: string): readonly string[];
  entries(name: string): readonly MapEntry[];
  /** All of it, as it is. */
  text(name: string): string;
}

/** `contents`: by the name that the configuration has for them. */
export function createNamedFiles(contents: ReadonlyMap<string, string>): NamedFiles {
  const missing = (name: string): never =>
    unsupported(
      `there is no file ${JSON.stringify(name)}`,
      "Put it where the path says, seen from this file's folder, or write what it has here.",
    );
  const linesOf = (name: string): readonly string[] => {
    const { path, isOptional } = readName(name);
    const content = path === undefined ? "" : contents.get(path);
    if (content !== undefined) return linesWithText(content);
    return isOptional ? [] : missing(name);
  };
  return {
    patterns: linesOf,
    text: (name) => contents.get(name) ?? missing(name),
    entries: (name) =>
      linesOf(name).map((line) => {
        const [key] = /^\S+/.exec(line)!;
        return { key, value: line.slice(key.length).trim() };
      }),
  };
}

/** `opt@file` may be missing, `virt@name` is no file at all. */
function readName(name: string): { path?: string; isOptional: boolean } {
  if (name.startsWith("virt@")) return { isOptional: true };
  if (name.startsWith("opt@")) return { path: name.slice(4), isOptional: true };
  return { path: name.replace(/^file@/, ""), isOptional: false };
}

function linesWithText(content: string): string[] {
  return content
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** More than any configuration names; what is beyond is not there. */
const maxFiles = 256;

/** Names of the files that a haproxy.cfg wants beside it, as it writes them. Never throws. */
export function filesNamedBy(content: string): string[] {
  const sections = readSections(content, createNotes(""));
  const names = new Set(sections.flatMap((section) => section.statements.flatMap(filesOf)));
  return [...names].slice(0, maxFiles);
}

/** Statements whose words may name files of pages. */
const replies = new Set(["http-request", "http-response", "http-after-response", "http-error"]);

function filesOf({ words }: Statement): string[] {
  const texts = words.map(({ text }) => text);
  const [keyword = "", , third] = texts;
  const names = texts.flatMap((text, index) => {
    const next = texts[index + 1];
    const isFollowed = text === "-f" || (replies.has(keyword) && /^(?:lf-|error)?file$/.test(text));
    const followed = isFollowed && next !== undefined ? [next] : [];
    return [...followed, ...[...text.matchAll(/,map(?:_\w+)?\(([^,)]+)/g)].map(([, name]) => name!)];
  });
  if (keyword === "errorfile" && third !== undefined) names.push(third);
  return names.filter((name) => name !== nowhere).flatMap((name) => readName(name).path ?? []);
}
