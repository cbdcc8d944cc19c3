// Files that statements of a haproxy.cfg name: lists of patterns (`-f`) and maps (§2.7). They are read beside the
// configuration and handed over with it, for nothing here reads files.
import { createNotes } from "./notes.ts";
import { readSections } from "./read-sections.ts";
import type { Statement } from "./statement.ts";
import { unsupported } from "./statement-problem.ts";

export interface MapEntry {
  readonly key: string;
  readonly value: string;
}

/** Both throw `StatementProblem` where the file is not there. */
export interface NamedFiles {
  patterns(name: string): readonly string[];
  entries(name: string): readonly MapEntry[];
}

/** `contents`: by the name that the configuration has for them. */
export function createNamedFiles(contents: ReadonlyMap<string, string>): NamedFiles {
  const linesOf = (name: string): readonly string[] => {
    const { path, isOptional } = readName(name);
    const content = path === undefined ? "" : contents.get(path);
    if (content !== undefined) return linesWithText(content);
    if (isOptional) return [];
    return unsupported(
      `there is no file ${JSON.stringify(name)}`,
      "Put it where the path says, seen from this file's folder, or write its lines here.",
    );
  };
  return {
    patterns: linesOf,
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

function filesOf({ words }: Statement): string[] {
  const names = words.flatMap(({ text }, index) => {
    const next = words[index + 1]?.text;
    const patterns = text === "-f" && next !== undefined ? [next] : [];
    return [...patterns, ...[...text.matchAll(/,map(?:_\w+)?\(([^,)]+)/g)].map(([, name]) => name!)];
  });
  return names.flatMap((name) => readName(name).path ?? []);
}
