// What importers and validation say about a configuration: where, what is wrong, and what to do.
import { z } from "zod";

export const diagnosticSchema = z.strictObject({
  severity: z.enum(["error", "warning"]),
  /** Closed, kebab-case, stable: scripts match on it. */
  code: z.string(),
  /** File as the user named it; empty for a document that came over the API. */
  file: z.string(),
  /** 1-based; 0 where the place is unknown. */
  line: z.int().min(0),
  column: z.int().min(0),
  /** Place within the document, e.g. `routes[0].rules[1].backendRefs[0].name`. */
  path: z.string(),
  /** What is wrong and what was expected. */
  message: z.string(),
  /** What to do about it. */
  remedy: z.string().optional(),
});

export type Diagnostic = z.infer<typeof diagnosticSchema>;

/** `file:line:column: severity: message (path) [code]`, the form editors and CI logs link. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, path, code, remedy } = diagnostic;
  const place = line > 0 ? `${file || "<config>"}:${line}:${column}` : file || "<config>";
  return `${place}: ${severity}: ${message}${path ? ` (at ${path})` : ""} [${code}]${remedy ? `\n    ${remedy}` : ""}`;
}
