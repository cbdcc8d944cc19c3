// Files and environment variables that configurations name and that have to be handed over with them.
import type { SourceFile } from "#contract/admin.ts";
import { variablesNamedBy } from "./haproxy/environment.ts";
import { filesNamedBy } from "./haproxy/named-files.ts";
import { isHaproxy } from "./haproxy/parse-haproxy.ts";
import { linesOf } from "./haproxy/read-sections.ts";

/** Names as the configurations write them; certificates are not among them. Never throws. */
export function namedFiles(
  files: readonly SourceFile[],
  environment: ReadonlyMap<string, string> = new Map(),
): string[] {
  return [...new Set(files.filter(isHaproxy).flatMap(({ content }) => filesNamedBy(content, environment)))];
}

/** Never throws. */
export function namedVariables(files: readonly SourceFile[]): string[] {
  return [...new Set(files.filter(isHaproxy).flatMap(({ content }) => variablesNamedBy(linesOf(content))))];
}
