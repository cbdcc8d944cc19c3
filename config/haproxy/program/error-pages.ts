// `errorfile`, `errorfiles`, `errorloc`, `http-error` and the sections `http-errors`: the pages that a proxy has in place of
// HAProxy's own.
import { replyOfFile } from "../action/error-file.ts";
import { staticReply, type Reply, type ReplyPages } from "../action/reply.ts";
import { hasStandardReply } from "../action/standard-reply.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Notes } from "../notes.ts";
import type { Proxy, Settings } from "../proxy.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Section, type Statement } from "../statement.ts";
import { readReply, sectionNamed, type ReplySources } from "../action/read-reply.ts";

/** Sections by name. Problems are noted. */
export function readErrorSections(
  sections: readonly Section[],
  files: NamedFiles,
  notes: Notes,
): Map<string, ReplyPages> {
  const named = new Map<string, ReplyPages>();
  for (const section of sections) {
    if (section.kind !== "http-errors") continue;
    const pages = new Map(named.get(section.name));
    for (const statement of section.statements) {
      attempt(statement, notes, () => addFile(pages, statement, files, notes), { harmless: true });
    }
    named.set(section.name, pages);
  }
  return named;
}

/** Inherited pages first; of several for one status the last counts. Problems are noted. */
export function readErrorPages(proxy: Proxy, sources: ReplySources, notes: Notes): ReplyPages {
  const pages = new Map<number, Reply>();
  for (const statement of statementsInOrder(proxy.settings)) {
    // A page that is not there changes nothing for anybody's requests.
    attempt(statement, notes, () => addPages(pages, statement, sources, notes), { harmless: true });
  }
  return pages;
}

const keywords = new Set(["errorfile", "errorfiles", "errorloc", "errorloc302", "errorloc303", "http-error"]);

function statementsInOrder({ inherited, statements }: Settings): Statement[] {
  const own = statements.filter((statement) => keywords.has(wordAt(statement, 0)));
  return inherited ? [...statementsInOrder(inherited), ...own] : own;
}

function addPages(
  pages: Map<number, Reply>,
  statement: Statement,
  sources: ReplySources,
  notes: Notes,
): void {
  const keyword = wordAt(statement, 0);
  switch (keyword) {
    case "errorfile":
      return addFile(pages, statement, sources.files, notes);
    case "errorfiles":
      return addSection(pages, statement, sources);
    case "http-error":
      return addReply(pages, statement, sources, notes);
    default: {
      const status = readErrorStatus(statement, 1);
      const location = wordAt(statement, 2) || invalid(`expected \`${keyword} <code> <url>\``);
      const headers = [
        { name: "Cache-Control", value: "no-cache" },
        { name: "Location", value: location },
      ];
      pages.set(status, staticReply({ status: keyword === "errorloc303" ? 303 : 302, headers }));
    }
  }
}

function addFile(pages: Map<number, Reply>, statement: Statement, files: NamedFiles, notes: Notes): void {
  const status = readErrorStatus(statement, 1);
  const name = wordAt(statement, 2) || invalid("expected `errorfile <code> <file>`");
  pages.set(status, replyOfFile(name, files) ?? silence(status, statement, notes));
}

/** An empty page. HTTP has no such answer here. */
export function silence(status: number, statement: Statement, notes: Notes): Reply {
  const message = "HAProxy closes the connection without a word; here the status is answered without a body";
  notes.add(statement, { code: "statement-approximated", message });
  return { status, headers: [] };
}

/** `errorfiles <section> [<code> …]`. */
function addSection(pages: Map<number, Reply>, statement: Statement, sources: ReplySources): void {
  const section = sectionNamed(wordAt(statement, 1), sources, statement.words[1]);
  const wanted = wordsFrom(statement, 2).map((_, index) => readErrorStatus(statement, index + 2));
  for (const [status, reply] of section) {
    if (wanted.length === 0 || wanted.includes(status)) pages.set(status, reply);
  }
}

/** `http-error status <code> …`. */
function addReply(
  pages: Map<number, Reply>,
  statement: Statement,
  sources: ReplySources,
  notes: Notes,
): void {
  if (wordAt(statement, 1) !== "status") invalid("expected `http-error status <code> …`");
  const status = readErrorStatus(statement, 2);
  const range = [1, statement.words.length] as const;
  const choice = readReply(statement, range, { status, hasPage: false }, sources);
  if (choice.kind === "page") pages.delete(status);
  else pages.set(status, choice.kind === "reply" ? choice.reply : silence(status, statement, notes));
}

function readErrorStatus(statement: Statement, index: number): number {
  const text = wordAt(statement, index);
  if (/^[0-9]{3}$/.test(text) && hasStandardReply(Number(text))) return Number(text);
  return invalid(`there is no page for the status ${JSON.stringify(text)}`, { word: statement.words[index] });
}
