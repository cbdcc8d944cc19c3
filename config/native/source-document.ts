// A parsed source text: plain values, and where each of them stands.
import type { Diagnostic } from "#contract/diagnostic.ts";
import type { DiagnosticCode } from "../diagnostic-code.ts";
import type { Locate, Path, Place } from "../report.ts";
import type { NativeConfig } from "./schema.ts";

export interface SourceDocument {
  /** Null, booleans, numbers, strings, arrays and plain objects; aliases and merge keys are resolved. */
  readonly value: unknown;
  /** Place of the value at `path`, or of its key. Where nothing is, the nearest parent that exists. */
  locate(path: Path, at: "key" | "value"): Place;
}

/** What is wrong with a text, before anything is known of its fields. */
export interface TextProblem extends Place {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy?: string;
}

export interface DocumentResult {
  /** Absent when there is a problem. */
  readonly document?: SourceDocument;
  readonly problems: TextProblem[];
}

/** What a reader makes of one file, or of several that only make sense together. */
export interface ParsedSource {
  /** File, or what the files hold. */
  readonly name: string;
  /** Absent when a diagnostic is an error. */
  readonly config?: NativeConfig;
  /** Fields of the top level that the source itself sets. */
  readonly fields: ReadonlySet<string>;
  readonly locate: Locate;
  readonly diagnostics: Diagnostic[];
}

/** A file of which nothing could be read. */
export function unreadableSource(name: string, diagnostics: Diagnostic[]): ParsedSource {
  const locate: Locate = (path) => ({ file: name, path, line: 0, column: 0 });
  return { name, fields: new Set(), locate, diagnostics };
}

/** Places of one file, as reports want them. */
export function fileLocate(file: string, document: SourceDocument): Locate {
  return (path, at) => ({ file, path, ...document.locate(path, at) });
}
