// Files that configurations name and that have to be handed over with them.
import type { SourceFile } from "#contract/admin.ts";
import { filesNamedBy } from "./haproxy/named-files.ts";
import { isHaproxy } from "./haproxy/parse-haproxy.ts";

/** Names as the configurations write them; certificates are not among them. Never throws. */
export function namedFiles(files: readonly SourceFile[]): string[] {
  return [...new Set(files.filter(isHaproxy).flatMap(({ content }) => filesNamedBy(content)))];
}
