// One source file of the native format → validated model, or findings with their places.
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import { allAtOnce, type Steps } from "#contract/steps.ts";
import { createReport } from "../report.ts";
import { readJson } from "./json-document.ts";
import { lineIndex } from "./line-index.ts";
import { nativeConfigSchema } from "./schema.ts";
import { schemaFindings } from "./schema-finding.ts";
import { fileLocate, unreadableSource, type ParsedSource, type TextProblem } from "./source-document.ts";
import { readYaml } from "./yaml-document.ts";

/** YAML or JSON. Never throws; time and memory are bounded by the length of the text. */
export function parseNative(file: SourceFile): ParsedSource {
  return allAtOnce(nativeSteps(file));
}

/** The same, reading and validating apart. */
export function* nativeSteps(file: SourceFile): Steps<ParsedSource> {
  const { name } = file;
  const unreadable = textProblem(file.content);
  if (unreadable) return unreadableSource(name, [textDiagnostic(name, unreadable)]);

  const { document, problems } = readJson(file.content) ?? readYaml(file.content);
  if (!document) {
    return unreadableSource(
      name,
      problems.map((problem) => textDiagnostic(name, problem)),
    );
  }
  if (document.value === null) {
    const problem = {
      code: "file-empty",
      message: "the file has no configuration in it",
      line: 1,
      column: 1,
    } as const;
    return unreadableSource(name, [textDiagnostic(name, problem)]);
  }

  yield;
  const result = nativeConfigSchema.safeParse(document.value);
  const locate = fileLocate(name, document);
  if (result.success) {
    const fields = new Set(Object.keys(document.value as object));
    return { name, config: result.data, fields, locate, diagnostics: [] };
  }
  const report = createReport(locate);
  for (const finding of schemaFindings(nativeConfigSchema, document.value, result.error.issues)) {
    report.add(finding);
  }
  return unreadableSource(name, report.diagnostics());
}

/** What cannot be a configuration at all, found before anything reads it. */
export function textProblem(text: string): TextProblem | undefined {
  if (text.length > limits.configBytes || new TextEncoder().encode(text).length > limits.configBytes) {
    const message = `longer than ${limits.configBytes} bytes`;
    return { code: "file-too-large", message, remedy: "Split it into several files.", line: 0, column: 0 };
  }
  // YAML 1.2.2 §5.1 allows no other control characters; U+FFFD is what decoders put for bytes that are not UTF-8.
  // oxlint-disable-next-line no-control-regex
  const offset = text.search(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\uFFFD]|\p{Surrogate}/u);
  if (offset < 0) return undefined;
  const codePoint = text.codePointAt(offset)!.toString(16).toUpperCase().padStart(4, "0");
  // Neither byte of the mark that such files begin with is one of UTF-8.
  const isUtf16 = text.startsWith("\uFFFD\uFFFD");
  const message = `not a text file in UTF-8: ${isUtf16 ? "it looks like UTF-16" : `found the character U+${codePoint}`}`;
  const remedy = isUtf16 ? "Save it as UTF-8." : "Save it as UTF-8, without control characters.";
  return { code: "text-invalid", message, remedy, ...lineIndex(text)(offset) };
}

export function textDiagnostic(file: string, problem: TextProblem): Diagnostic {
  return { severity: "error", file, path: "", ...problem };
}
