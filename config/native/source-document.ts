// A parsed source text: plain values, and where each of them stands.
import type { DiagnosticCode } from "../diagnostic-code.ts";
import type { Locate, Path, Place } from "../report.ts";

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

/** Places of one file, as reports want them. */
export function fileLocate(file: string, document: SourceDocument): Locate {
  return (path, at) => ({ file, path, ...document.locate(path, at) });
}
