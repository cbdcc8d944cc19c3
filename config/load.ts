// The one way in: source files → model, snapshot and diagnostics.
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { checkConfig, type Target } from "./check/check-config.ts";
import { compileSnapshot } from "./compile.ts";
import type { DiagnosticCode } from "./diagnostic-code.ts";
import { checkTotals, mergedLocate, mergeFiles, repeatedSettings, type MergeInput } from "./native/merge.ts";
import { parseHaproxy, isHaproxy } from "./haproxy/parse-haproxy.ts";
import { parseNative, textDiagnostic, textProblem, type ParsedFile } from "./native/parse.ts";
import type { NativeConfig } from "./native/schema.ts";
import { createReport } from "./report.ts";

export interface LoadResult {
  /** Absent when a file could not be read or has not the schema's shape. */
  readonly model?: NativeConfig;
  /** Absent if and only if a diagnostic is an error. */
  readonly snapshot?: Snapshot;
  /** In the order of files and lines. */
  readonly diagnostics: Diagnostic[];
}

/**
 * Several files are one configuration: their lists are joined, names are unique across them, and each setting stands in
 * one of them. Pure; never throws on any input. `target` adds warnings about what cannot run there.
 */
export function loadConfig(files: readonly SourceFile[], target: Target = "serve"): LoadResult {
  const problem = fileListProblem(files);
  if (problem) return { diagnostics: [problem] };

  const parsed = files.map(parseFile);
  const order = new Map(files.map((file, index) => [file.name, index]));
  const complete = parsed.filter((file): file is typeof file & MergeInput => file.config !== undefined);
  // References into a file that could not be read would look dangling.
  if (complete.length < parsed.length) {
    return {
      diagnostics: sorted(
        parsed.flatMap((file) => file.diagnostics),
        order,
      ),
    };
  }

  const model = mergeFiles(complete);
  const report = createReport(mergedLocate(complete));
  checkTotals(model, report);
  checkConfig(model, report, target);
  const imported = parsed.flatMap((file) => file.diagnostics);
  const diagnostics = sorted([...imported, ...repeatedSettings(complete), ...report.diagnostics()], order);
  if (diagnostics.some(({ severity }) => severity === "error")) return { model, diagnostics };

  const snapshot = compileSnapshot(model);
  const tooLarge = sizeProblem(snapshot);
  return tooLarge ? { model, diagnostics: [tooLarge, ...diagnostics] } : { model, snapshot, diagnostics };
}

/** Each format by its own reader. */
function parseFile(file: SourceFile): ParsedFile {
  if (!isHaproxy(file)) return parseNative(file);
  const unreadable = textProblem(file.content);
  return unreadable
    ? { name: file.name, diagnostics: [textDiagnostic(file.name, unreadable)] }
    : parseHaproxy(file);
}

function fileListProblem(files: readonly SourceFile[]): Diagnostic | undefined {
  if (files.length === 0) return problemWith("", "file-empty", "no configuration file was given");
  const names = new Set<string>();
  let chars = 0;
  for (const { name, content } of files) {
    if (names.has(name)) return problemWith(name, "file-repeated", "the file is given twice");
    names.add(name);
    chars += content.length;
  }
  if (chars <= limits.configBytes) return undefined;
  return problemWith("", "file-too-large", `all files together are longer than ${limits.configBytes} bytes`);
}

function sizeProblem(snapshot: Snapshot): Diagnostic | undefined {
  const bytes = new TextEncoder().encode(JSON.stringify(snapshot)).length;
  if (bytes <= limits.snapshotBytes) return undefined;
  const message = `compiled, the configuration has ${bytes} bytes; expected at most ${limits.snapshotBytes}`;
  return problemWith("", "limit-exceeded", message);
}

function problemWith(file: string, code: DiagnosticCode, message: string): Diagnostic {
  return { severity: "error", code, file, line: 0, column: 0, path: "", message };
}

function sorted(diagnostics: Diagnostic[], order: ReadonlyMap<string, number>): Diagnostic[] {
  // What belongs to no file comes last.
  const rank = ({ file }: Diagnostic) => order.get(file) ?? order.size;
  return diagnostics.sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}
