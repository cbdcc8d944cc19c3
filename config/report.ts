// Collects what checks find, bounded, with the places in the sources.
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import { diagnosticCodes, type DiagnosticCode } from "./diagnostic-code.ts";

/** Steps from the root of a document to one of its values. */
export type Path = readonly (string | number)[];

/** 1-based; column in UTF-16 code units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A {@link Place} with its file, and the path as that file's reader counts it. */
export interface Origin extends Place {
  readonly file: string;
  readonly path: Path;
}

/** Finds a value in the sources; `key` asks for its key instead. The nearest existing parent stands in for an absent value. */
export type Locate = (path: Path, at: "key" | "value") => Origin;

export interface Finding {
  readonly code: DiagnosticCode;
  readonly path: Path;
  /** What is wrong and what was expected. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
  /** Point at the key rather than at its value. */
  readonly at?: "key" | "value";
}

export interface Report {
  /** The code decides on the severity. */
  add(finding: Finding): void;
  /** For messages about two places. Not for free: a long file is read again. */
  originOf(path: Path): Origin;
}

/** A {@link Report} that can be read. */
export interface DiagnosticReport extends Report {
  diagnostics(): Diagnostic[];
}

/** Several times what any message needs that quotes no name or value of thousands of characters. */
const maxTextChars = 1_000;

/** At most `limits.diagnosticsPerSeverity` findings of each severity are kept; one more entry counts the others. */
export function createReport(locate: Locate): DiagnosticReport {
  const kept: Record<Diagnostic["severity"], Diagnostic[]> = { error: [], warning: [] };
  const counts: Record<Diagnostic["severity"], number> = { error: 0, warning: 0 };

  function add({ code, message, remedy, ...finding }: Finding): void {
    const { severity } = diagnosticCodes[code];
    counts[severity] += 1;
    if (counts[severity] > limits.diagnosticsPerSeverity) return;
    const { file, line, column, path } = locate(finding.path, finding.at ?? "value");
    const place = { file, line, column, path: formatPath(path) };
    const texts = { message: bounded(message), ...(remedy === undefined ? {} : { remedy: bounded(remedy) }) };
    kept[severity].push({ severity, code, ...place, ...texts });
  }

  return {
    add,
    originOf: (path) => locate(path, "value"),
    diagnostics: () => [
      ...kept.error,
      ...truncation("error", counts.error - kept.error.length),
      ...kept.warning,
      ...truncation("warning", counts.warning - kept.warning.length),
    ],
  };
}

function bounded(text: string): string {
  return text.length > maxTextChars ? `${text.slice(0, maxTextChars - 1)}…` : text;
}

function truncation(severity: Diagnostic["severity"], count: number): Diagnostic[] {
  if (count === 0) return [];
  const message = `${count} more ${severity}s are not shown`;
  return [{ severity, code: "diagnostics-truncated", file: "", line: 0, column: 0, path: "", message }];
}

/** `routes[0].rules[1].backendRefs[0].name`; keys that are no identifiers are quoted, long ones cut. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (step.length > 64) text += `[${JSON.stringify(`${step.slice(0, 63)}…`)}]`;
    else if (/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
