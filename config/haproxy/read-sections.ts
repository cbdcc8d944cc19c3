// Text of a haproxy.cfg → sections of statements. Time and memory are bounded by the length of the text.
import { limits } from "#contract/limits.ts";
import { ConditionalBlocks } from "./conditional-blocks.ts";
import { changeEnvironment, ownVariables } from "./environment.ts";
import type { Note, Notes } from "./notes.ts";
import { splitWords, type Word } from "./split-words.ts";
import { attempt } from "./statement-problem.ts";
import { sectionKinds, type Section, type SectionKind, type Statement } from "./statement.ts";

const kinds: ReadonlySet<string> = new Set(sectionKinds);

/** Messages of the preprocessor (§2.4); `.alert` stops HAProxy. */
const messages = new Set([".diag", ".notice", ".warning"]);

/** HAProxy itself reads lines of some thousand characters. */
const maxLineChars = 65_536;

/** Reads as far as the bounds allow; what cannot be read is in the notes. */
export function readSections(
  text: string,
  notes: Notes,
  surrounding: ReadonlyMap<string, string> = new Map(),
): Section[] {
  const sections: Section[] = [];
  const environment = new Map([...ownVariables, ...surrounding]);
  const blocks = new ConditionalBlocks();
  let count = 0;
  let line = 0;
  for (const content of linesOf(text)) {
    line += 1;
    const place = sections.at(-1)?.heading.section ?? [];
    const words = readLine(content, { line, place, environment, isSkipped: !blocks.active }, notes);
    const first = words?.[0];
    if (!words || !first) continue;
    if (blocks.isDirective(first.text)) {
      const directive = first.text;
      const condition = words.slice(1).map((word) => word.text);
      const statement = { words, line, section: place };
      attempt(statement, notes, () => blocks.read(directive, condition.join(" "), environment, line));
      continue;
    }
    if (!blocks.active || messages.has(first.text)) continue;
    count += 1;
    if (count > limits.statements) {
      const message = `more than ${limits.statements} statements`;
      notes.add({ words, line, section: place }, { code: "limit-exceeded", message });
      break;
    }
    if (kinds.has(first.text)) sections.push(openSection(words, line, notes));
    else addStatement(sections.at(-1), words, line, notes);
    if (sections.at(-1)?.kind === "global") changeEnvironment(environment, words);
  }
  noteOpenBlock(blocks, notes);
  return sections;
}

interface LineContext {
  readonly line: number;
  readonly place: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  /** In a branch that does not count nothing is said of variables. */
  readonly isSkipped: boolean;
}

/** `undefined`: the line cannot be read, which has been said. */
function readLine(
  content: string,
  { line, place, environment, isSkipped }: LineContext,
  notes: Notes,
): readonly Word[] | undefined {
  if (content.length > maxLineChars) {
    const start = { text: content.slice(0, 80), column: 1 };
    const message = `the line is longer than ${maxLineChars} characters`;
    notes.add({ words: [start], line, section: place }, { code: "haproxy-syntax", message });
    return undefined;
  }
  const { words, problem, assumed } = splitWords(content, environment);
  if (problem) {
    if (isSkipped && problem.code === "environment-variable") return words;
    const { code, message, remedy } = problem;
    const word = { text: "", column: problem.column };
    notes.add({ words, line, section: place }, { code, message, remedy, word });
    return undefined;
  }
  if (assumed !== undefined && !isSkipped) {
    const message = `the environment variable ${JSON.stringify(assumed)} is not set: its default is taken`;
    notes.add({ words, line, section: place }, { code: "statement-approximated", message });
  }
  return words;
}

function noteOpenBlock({ openSince }: ConditionalBlocks, notes: Notes): void {
  if (openSince === undefined) return;
  const words = [{ text: ".if", column: 1 }];
  const message = "the block has no .endif";
  notes.add({ words, line: openSince, section: [] }, { code: "haproxy-syntax", message });
}

export function* linesOf(text: string): Generator<string> {
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  while (start <= text.length) {
    const end = text.indexOf("\n", start);
    yield text.slice(start, end < 0 ? text.length : end);
    if (end < 0) return;
    start = end + 1;
  }
}

function openSection(words: readonly Word[], line: number, notes: Notes): Section {
  const kind = words[0]!.text as SectionKind;
  const rest = words.slice(1);
  // `defaults [name] [from name]`, `frontend name [from name]`.
  const from = rest.findIndex((word, index) => word.text === "from" && (index > 0 || kind === "defaults"));
  const names = from < 0 ? rest : rest.slice(0, from);
  const name = names[0]?.text ?? "";
  const heading: Statement = { words, line, section: name === "" ? [kind] : [kind, name] };
  const parent = from < 0 ? undefined : rest[from + 1];
  const surplus = from < 0 ? names[1] : (names[1] ?? rest[from + 2]);
  if (surplus) {
    const message = `unexpected ${JSON.stringify(surplus.text)} after the section's name`;
    // HAProxy passes over what stands there in `defaults`, and refuses it elsewhere.
    const code = kind === "defaults" ? "statement-ignored" : "argument-invalid";
    notes.add(heading, { code, message, word: surplus });
  }
  if (name === "" && (kind === "frontend" || kind === "backend" || kind === "listen")) {
    notes.add(heading, { code: "argument-invalid", message: "the section has no name" });
  }
  return { kind, name, heading, statements: [], ...(parent && { from: parent }) };
}

function addStatement(
  section: Section | undefined,
  words: readonly Word[],
  line: number,
  notes: Notes,
): void {
  const place = section?.heading.section ?? [];
  const [first] = words;
  const prefixed = words.length > 1 && (first!.text === "no" || first!.text === "default");
  const statement: Statement = {
    words: prefixed ? words.slice(1) : words,
    line,
    section: place,
    ...(prefixed && { prefix: first!.text as "no" | "default" }),
  };
  const problem = misplaced(section, first!);
  if (problem) notes.add(statement, problem);
  else section!.statements.push(statement);
}

function misplaced(section: Section | undefined, first: Word): Note | undefined {
  if (first.text === ".alert") {
    return { code: "argument-invalid", message: "the file itself says that it is not to be used like this" };
  }
  if (section) return undefined;
  return {
    code: "keyword-unknown",
    message: `expected a section such as "frontend" first`,
    mistyped: { name: first.text, known: sectionKinds },
  };
}

/** Whether a text is a haproxy.cfg: its first word opens a section. (In YAML a colon would follow.) */
export function looksLikeHaproxy(text: string): boolean {
  for (const line of linesOf(text.slice(0, 65_536))) {
    const first = /^[\t ]*([^\s#]+)/.exec(line)?.[1];
    if (first !== undefined) return kinds.has(first);
  }
  return false;
}
