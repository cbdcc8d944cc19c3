// What the importer says about statements: each once, however many proxies inherit it.
import type { Diagnostic } from "#contract/diagnostic.ts";
import type { DiagnosticCode } from "../diagnostic-code.ts";
import { createReport } from "../report.ts";
import type { Word } from "./split-words.ts";
import { statementText, type Statement } from "./statement.ts";

export interface Note {
  readonly code: DiagnosticCode;
  /** What is wrong or lost; the statement is quoted in front of it. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** The word in question. Default: the first. */
  readonly word?: Word | undefined;
}

/** Beyond this many the report only counts, so that repeats do no harm. */
const maxRemembered = 10_000;

export interface Notes {
  add(statement: Statement, note: Note): void;
  diagnostics(): Diagnostic[];
}

export function createNotes(file: string): Notes {
  // A path of this report is the section's, then line and column.
  const report = createReport((path) => ({
    file,
    line: path.at(-2) as number,
    column: path.at(-1) as number,
    path: path.slice(0, -2),
  }));
  const said = new Set<string>();
  return {
    add: (statement, { code, message, remedy, word = statement.words[0] }) => {
      const key = `${statement.line}:${word?.column}:${code}:${message}`;
      if (said.has(key)) return;
      if (said.size < maxRemembered) said.add(key);
      report.add({
        code,
        path: [...statement.section, statement.line, word?.column ?? 1],
        message: `\`${statementText(statement)}\`: ${message}`,
        remedy,
      });
    },
    diagnostics: () => report.diagnostics(),
  };
}
