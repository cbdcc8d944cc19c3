// Collects what checks find, bounded, in the order of the source.
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";

/** Closed and stable: scripts match on these (docs/configuration.md has the table). */
export type DiagnosticCode =
  // the text
  | "file-too-large"
  | "file-empty"
  | "file-repeated"
  | "text-invalid"
  | "yaml-syntax"
  | "yaml-several-documents"
  | "yaml-too-deep"
  | "yaml-key"
  | "key-duplicate"
  | "yaml-alias"
  | "yaml-merge"
  | "yaml-tag"
  // the shape
  | "field-unknown"
  | "field-missing"
  | "field-type"
  | "field-value"
  // the meaning
  | "setting-repeated"
  | "limit-exceeded"
  | "name-duplicate"
  | "reference-unknown"
  | "listener-none"
  | "listener-conflict"
  | "listener-certificates-missing"
  | "listener-tls-unexpected"
  | "route-unattached"
  | "hostname-unattached"
  | "match-path-invalid"
  | "match-regex-invalid"
  | "match-condition-duplicate"
  | "match-unreachable"
  | "rule-unreachable"
  | "reachability-unchecked"
  | "filter-conflict"
  | "filter-prefix-missing"
  | "rule-no-backend"
  | "rule-zero-weight"
  | "timeout-order"
  | "duration-range"
  | "backend-zero-weight"
  | "backend-no-endpoints"
  | "endpoint-address-invalid"
  | "endpoint-duplicate"
  | "endpoint-undialable"
  | "health-check-timeout"
  | "diagnostics-truncated";

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
  /** The configuration is refused. For whatever would send traffic elsewhere, or let others pass, if it were ignored. */
  error(finding: Finding): void;
  /** The configuration works as its standard says, but hardly as its author meant. */
  warning(finding: Finding): void;
}

/** A {@link Report} that can be read. */
export interface DiagnosticReport extends Report {
  readonly hasErrors: boolean;
  diagnostics(): Diagnostic[];
}

/** At most `limits.diagnosticsPerSeverity` findings of each severity are kept; one more line says how many were not. */
export function createReport(locate: Locate): DiagnosticReport {
  const kept: Record<Diagnostic["severity"], Diagnostic[]> = { error: [], warning: [] };
  const counts: Record<Diagnostic["severity"], number> = { error: 0, warning: 0 };

  function add(severity: Diagnostic["severity"], finding: Finding): void {
    counts[severity] += 1;
    if (counts[severity] > limits.diagnosticsPerSeverity) return;
    const { file, line, column, path } = locate(finding.path, finding.at ?? "value");
    kept[severity].push({
      severity,
      code: finding.code,
      file,
      line,
      column,
      path: formatPath(path),
      message: finding.message,
      ...(finding.remedy === undefined ? {} : { remedy: finding.remedy }),
    });
  }

  return {
    error: (finding) => add("error", finding),
    warning: (finding) => add("warning", finding),
    get hasErrors() {
      return counts.error > 0;
    },
    diagnostics: () => [
      ...kept.error,
      ...truncation("error", counts.error, kept.error),
      ...kept.warning,
      ...truncation("warning", counts.warning, kept.warning),
    ],
  };
}

function truncation(severity: Diagnostic["severity"], count: number, kept: Diagnostic[]): Diagnostic[] {
  if (count <= kept.length) return [];
  const message = `${count - kept.length} more ${severity}s are not shown`;
  return [{ severity, code: "diagnostics-truncated", file: "", line: 0, column: 0, path: "", message }];
}

/** `routes[0].rules[1].backendRefs[0].name`; keys that are no identifiers are quoted. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step.length > 64 ? `${step.slice(0, 63)}…` : step)}]`;
  }
  return text;
}
