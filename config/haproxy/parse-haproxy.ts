// One haproxy.cfg → validated model, or findings with their places.
import type { SourceFile } from "#contract/admin.ts";
import { createReport, formatPath, type Locate } from "../report.ts";
import { nativeConfigSchema } from "../native/schema.ts";
import { schemaFindings } from "../native/schema-finding.ts";
import { unreadableSource, type ParsedSource } from "../native/source-document.ts";
import { createNamedFiles } from "./named-files.ts";
import { createNotes } from "./notes.ts";
import { looksLikeHaproxy, readSections } from "./read-sections.ts";
import { translate, type Translation } from "./translate.ts";

/** By name (`*.cfg`), or by its first word: every haproxy.cfg begins with a section. */
export function isHaproxy({ name, content }: SourceFile): boolean {
  return name.toLowerCase().endsWith(".cfg") || looksLikeHaproxy(content);
}

/** What a configuration names that is no part of its text. */
export interface Surroundings {
  /** Contents of files. */
  readonly named: ReadonlyMap<string, string>;
  /** Values of environment variables. */
  readonly environment: ReadonlyMap<string, string>;
}

/** Never throws; time and memory are bounded by the length of the texts and by `limits`. */
export function parseHaproxy(
  { name, content }: SourceFile,
  { named, environment }: Surroundings,
): ParsedSource {
  const notes = createNotes(name);
  const sections = readSections(content, notes, environment);
  if (sections.length === 0 && notes.diagnostics().length === 0) {
    const message = "the file has no configuration in it";
    return unreadableSource(name, [
      { severity: "error", code: "file-empty", file: name, line: 1, column: 1, path: "", message },
    ]);
  }
  const translation = translate(sections, createNamedFiles(named), notes);
  const diagnostics = notes.diagnostics();
  if (diagnostics.some(({ severity }) => severity === "error")) return unreadableSource(name, diagnostics);
  const locate = locateIn(name, translation);
  const result = nativeConfigSchema.safeParse(translation.config);
  if (result.success) {
    const fields = new Set(Object.keys(translation.config));
    return { name, config: result.data, fields, locate, diagnostics };
  }
  const report = createReport(locate);
  for (const finding of schemaFindings(nativeConfigSchema, translation.config, result.error.issues)) {
    report.add(finding);
  }
  return unreadableSource(name, [...diagnostics, ...report.diagnostics()]);
}

/** Places of the model's parts are those of the statements they come from, in the words of their sections. */
function locateIn(file: string, { origins }: Translation): Locate {
  const statements = new Map(origins.map(({ path, statement }) => [formatPath(path), statement]));
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const statement = statements.get(formatPath(path.slice(0, length)));
      if (!statement) continue;
      return { file, path: statement.section, line: statement.line, column: statement.words[0]!.column };
    }
    return { file, path: [], line: 1, column: 1 };
  };
}
