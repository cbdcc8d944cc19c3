// The one way in: source files → model, snapshot and diagnostics.
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { allAtOnce, type Steps } from "#contract/steps.ts";
import { checkConfig, type Target } from "./check/check-config.ts";
import { listenerCertificates, type CertificateSource } from "./check/listener-certificates.ts";
import { sharedHosts } from "./check/shared-hosts.ts";
import { compileSnapshot } from "./compile.ts";
import { diagnosticCodes, type DiagnosticCode } from "./diagnostic-code.ts";
import { parseHaproxy, isHaproxy, type Surroundings } from "./haproxy/parse-haproxy.ts";
import { parseKubernetes, readManifests, type ParsedKubernetes } from "./kubernetes/parse-kubernetes.ts";
import type { ObjectStatus } from "./kubernetes/object-status.ts";
import { isKubernetes, type ReadObjects } from "./kubernetes/read-objects.ts";
import {
  beyondTotals,
  checkTotals,
  mergedLocate,
  mergeFiles,
  repeatedSettings,
  sourceOf,
  type MergeInput,
} from "./native/merge.ts";
import { nativeSteps, textDiagnostic, textProblem } from "./native/parse.ts";
import type { NativeConfig } from "./native/schema.ts";
import { unreadableSource, type ParsedSource } from "./native/source-document.ts";
import { createReport, type Locate, type Path, type Report } from "./report.ts";

export interface LoadResult {
  /** Absent when a file could not be read or has not the schema's shape. */
  readonly model?: NativeConfig;
  /** Absent if and only if a diagnostic is an error, unless broken objects were left out. */
  readonly snapshot?: Snapshot;
  /** Where the parts of the model are from. */
  readonly locate?: Locate;
  /** In the order of files and lines. */
  readonly diagnostics: Diagnostic[];
  /** What a controller would say of the Kubernetes objects in their own `status`. Absent: none was read. */
  readonly statuses?: readonly ObjectStatus[];
}

export interface LoadOptions {
  /** Adds warnings about what cannot run there. Default: serve. */
  readonly target?: Target;
  /**
   * Kubernetes objects with errors are reported and left out, and all others are served as if those were not there. So are
   * documents that are no YAML, or have no name, where it is certain that others are not served otherwise without them
   * (`isConfined`). Default: an error anywhere and nothing is served.
   */
  readonly isolate?: boolean;
  /** Also looks at the certificates themselves. Default: not at all. */
  readonly certificates?: CertificateSource;
}

/**
 * Several files are one configuration: their lists are joined, names are unique across them, and each setting stands in
 * one of them. Kubernetes manifests refer to each other across files. Pure; never throws on any input.
 */
export function loadConfig(files: readonly SourceFile[], options: LoadOptions = {}): LoadResult {
  return allAtOnce(loadSteps(files, options));
}

/** The same for who has others to answer meanwhile. A step is a file read, its shape checked, a check of the whole, or the compiling. */
export function* loadSteps(files: readonly SourceFile[], options: LoadOptions = {}): Steps<LoadResult> {
  const problem = fileListProblem(files);
  if (problem) return { diagnostics: [problem] };
  const surroundings: Surroundings = {
    named: contentsOf(files, "named"),
    environment: contentsOf(files, "environment"),
  };
  const sources = files.filter(({ role }) => role === undefined);
  const manifestFiles = sources.filter(isKubernetes);
  const others: ParsedSource[] = [];
  for (const file of sources) {
    if (manifestFiles.includes(file)) continue;
    others.push(yield* parseFile(file, surroundings));
    yield;
  }
  const read = manifestFiles.length > 0 ? readManifests(manifestFiles, options.isolate ?? false) : undefined;
  const inputs: Inputs = {
    order: new Map(sources.map((file, index) => [file.name, index])),
    others,
    manifests: read && (options.isolate ? read : withConfined(read)),
  };
  yield;
  const { result, broken } = yield* build(inputs, options, new Set());
  if (!options.isolate) return result;
  const isolated = broken.size > 0 ? yield* isolate(inputs, options, result, broken) : result;
  const unread = read?.confined ?? [];
  return { ...isolated, diagnostics: sorted([...unread, ...isolated.diagnostics], inputs.order) };
}

/** Where nothing is left out, a file that cannot be read is an error like any other. */
function withConfined(read: ReadObjects): ReadObjects {
  return { ...read, diagnostics: [...read.diagnostics, ...read.confined] };
}

interface Inputs {
  readonly order: ReadonlyMap<string, number>;
  readonly others: readonly ParsedSource[];
  readonly manifests: ReadObjects | undefined;
}

interface Built {
  readonly result: LoadResult;
  /** Ids of the Kubernetes objects that have an error. */
  readonly broken: ReadonlySet<string>;
}

/** Leaves broken objects out until none is found; what is said of them stays said. */
function* isolate(
  inputs: Inputs,
  options: LoadOptions,
  first: LoadResult,
  found: ReadonlySet<string>,
): Steps<LoadResult> {
  const without = new Set(found);
  const errors = first.diagnostics.filter(({ severity }) => severity === "error");
  for (;;) {
    const { result, broken } = yield* build(inputs, options, without);
    const left = [...broken].filter((id) => !without.has(id));
    if (left.length === 0) {
      return { ...result, diagnostics: sorted([...errors, ...result.diagnostics], inputs.order) };
    }
    // Each turn leaves out more of a finite number of objects.
    for (const id of left) without.add(id);
    errors.push(...result.diagnostics.filter(({ severity }) => severity === "error"));
  }
}

function* build(
  { order, others, manifests }: Inputs,
  { target = "serve", certificates }: LoadOptions,
  without: ReadonlySet<string>,
): Steps<Built> {
  const kubernetes = manifests && parseKubernetes(manifests, without);
  yield;
  const broken = new Set(kubernetes?.broken);
  const parsed: ParsedSource[] = kubernetes ? [...others, kubernetes] : [...others];
  const imported = parsed.flatMap(({ diagnostics }) => diagnostics);
  const complete = parsed.filter((source): source is MergeInput => source.config !== undefined);
  const said = kubernetes && kubernetes.statuses.length > 0 ? { statuses: kubernetes.statuses } : {};
  // References into a file that could not be read would look dangling.
  if (complete.length < parsed.length) {
    return { result: { diagnostics: sorted(imported, order), ...said }, broken };
  }

  const model = mergeFiles(complete);
  const locate = mergedLocate(complete);
  const report = createReport(locate);
  const noted: Report = {
    ...report,
    add: (finding) => {
      report.add(finding);
      const id =
        diagnosticCodes[finding.code].severity === "error" && objectAt(complete, kubernetes, finding.path);
      if (id) broken.add(id);
    },
  };
  checkTotals(model, report);
  for (const path of beyondTotals(model)) {
    const id = objectAt(complete, kubernetes, path);
    if (id) broken.add(id);
  }
  yield* checkConfig(model, noted, target);
  // Asks for the place of every host, which makes a long file be read a second time.
  if (order.size > 1) sharedHosts(model, locate, noted);
  if (certificates) listenerCertificates(model, noted, certificates);
  const diagnostics = sorted([...imported, ...repeatedSettings(complete), ...report.diagnostics()], order);
  if (diagnostics.some(({ severity }) => severity === "error"))
    return { result: { model, locate, diagnostics, ...said }, broken };

  const snapshot = compileSnapshot(model);
  yield;
  const tooLarge = sizeProblem(snapshot);
  const result = tooLarge
    ? { model, locate, diagnostics: [tooLarge, ...diagnostics], ...said }
    : { model, snapshot, locate, diagnostics, ...said };
  return { result, broken };
}

/** The Kubernetes object that a part of the merged model comes from, if any. */
function objectAt(
  sources: readonly MergeInput[],
  kubernetes: ParsedKubernetes | undefined,
  path: Path,
): string | undefined {
  const { source, local } = sourceOf(sources, path);
  return source === kubernetes ? kubernetes?.objectAt(local) : undefined;
}

/** Each format that describes one file by its own reader. */
function* parseFile(file: SourceFile, surroundings: Surroundings): Steps<ParsedSource> {
  if (!isHaproxy(file)) return yield* nativeSteps(file);
  const unreadable = textProblem(file.content);
  return unreadable
    ? unreadableSource(file.name, [textDiagnostic(file.name, unreadable)])
    : parseHaproxy(file, surroundings);
}

function contentsOf(files: readonly SourceFile[], wanted: SourceFile["role"]): Map<string, string> {
  return new Map(files.filter(({ role }) => role === wanted).map(({ name, content }) => [name, content]));
}

function fileListProblem(files: readonly SourceFile[]): Diagnostic | undefined {
  if (files.every(({ role }) => role !== undefined))
    return problemWith("", "file-empty", "no configuration file was given");
  const names = new Set<string>();
  let chars = 0;
  for (const { name, content, role = "" } of files) {
    if (names.has(`${role}:${name}`)) return problemWith(name, "file-repeated", "the file is given twice");
    names.add(`${role}:${name}`);
    chars += content.length;
  }
  if (chars <= limits.configBytes) return undefined;
  return problemWith("", "file-too-large", `all files together are longer than ${limits.configBytes} bytes`);
}

function sizeProblem({ routes, backends, ...rest }: Snapshot): Diagnostic | undefined {
  const encoder = new TextEncoder();
  // Piece by piece: the text of everything at once would be the largest thing in memory.
  const bytes = [rest, ...routes, ...backends].reduce(
    (sum, part) => sum + encoder.encode(JSON.stringify(part)).length,
    0,
  );
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
