// What the importer says about statements: each once, however many proxies inherit it.
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import { diagnosticCodes, type DiagnosticCode } from "../diagnostic-code.ts";
import { nearestName } from "../native/nearest-name.ts";
import { createReport } from "../report.ts";
import type { Word } from "./split-words.ts";
import { statementText, type Statement } from "./statement.ts";

export interface Note {
  readonly code: DiagnosticCode;
  /** What is wrong or lost; the statement is quoted in front of it. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** In place of a remedy: a name that was not found, and those that there are. */
  readonly mistyped?: { readonly name: string; readonly known: Iterable<string> };
  /** The word in question. Default: the first. */
  readonly word?: Word | undefined;
}

export interface Notes {
  add(statement: Statement, note: Note): void;
  hasErrors(): boolean;
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
  const counts = { error: 0, warning: 0 };
  return {
    add: (statement, { code, message, remedy, mistyped, word = statement.words[0] }) => {
      const { severity } = diagnosticCodes[code];
      counts[severity] += 1;
      // The report only counts these.
      if (counts[severity] > limits.diagnosticsPerSeverity)
        return report.add({ code, path: ["", 0, 0], message: "" });
      const key = `${statement.line}:${word?.column}:${code}:${message}`;
      if (said.has(key)) {
        counts[severity] -= 1;
        return;
      }
      said.add(key);
      report.add({
        code,
        path: [...statement.section, statement.line, word?.column ?? 1],
        message: `\`${statementText(statement)}\`: ${message}`,
        remedy: remedy ?? (mistyped && didYouMean(mistyped.name, mistyped.known)),
      });
    },
    hasErrors: () => counts.error > 0,
    diagnostics: () => report.diagnostics(),
  };
}

export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const near = nearestName(name, [...known]);
  return near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`;
}
