// Files that statements of a haproxy.cfg name: lists of patterns (`-f`), maps (§2.7) and pages. They are read beside the
// configuration and handed over with it, for nothing here reads files.
import { createNotes } from "./notes.ts";
import { readSections } from "./read-sections.ts";
import { wordAt, type Section, type Statement } from "./statement.ts";
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
  /** Names of the files in a folder; `undefined`: it is not there, or is none. */
  folder(name: string): readonly string[] | undefined;
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
    folder: (name) =>
      contents
        .get(folderName(name))
        ?.split("\n")
        .filter((file) => file !== ""),
    entries: (name) =>
      linesOf(name).map((line) => {
        const [key] = /^\S+/.exec(line)!;
        return { key, value: line.slice(key.length).trim() };
      }),
  };
}

/** A folder's content is a line for each of its files. */
function folderName(name: string): string {
  return `${name.replace(/\/+$/, "")}/`;
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
export function filesNamedBy(content: string, environment: ReadonlyMap<string, string>): string[] {
  const sections = readSections(content, createNotes(""), environment);
  const folder = crtBase(sections);
  const names = new Set(
    sections.flatMap((section) =>
      section.statements.flatMap((statement) => [
        ...filesOf(statement),
        ...certificatesOf(statement, folder),
      ]),
    ),
  );
  return [...names].slice(0, maxFiles);
}

/** Relative names of certificates start here. */
export function crtBase(sections: readonly Section[]): string {
  const statements = sections.flatMap((section) => (section.kind === "global" ? section.statements : []));
  const last = statements.findLast((statement) => wordAt(statement, 0) === "crt-base");
  return last ? wordAt(last, 1) : "";
}

export function inFolder(folder: string, file: string): string {
  return folder === "" || file.startsWith("/") ? file : `${folder.replace(/\/+$/, "")}/${file}`;
}

/** Lists of certificates, and what may be folders of them. The certificates themselves are not handed over. */
function certificatesOf({ words }: Statement, folder: string): string[] {
  if (words[0]?.text !== "bind") return [];
  return words.flatMap(({ text }, index) => {
    const next = words[index + 1]?.text;
    if (next === undefined) return [];
    if (text === "crt-list") return [next];
    return text === "crt" && !/\.[^/]+$/.test(next) ? [folderName(inFolder(folder, next))] : [];
  });
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
    const maps = text.includes(",map") ? [...text.matchAll(/,map(?:_\w+)?\(([^,)]+)/g)] : [];
    return [...followed, ...maps.map(([, name]) => name!)];
  });
  if (keyword === "errorfile" && third !== undefined) names.push(third);
  return names.filter((name) => name !== nowhere).flatMap((name) => readName(name).path ?? []);
}
