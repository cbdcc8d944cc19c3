// The golden corpus: `<format>/<case>/` with the input, what it is as native configuration, what is said about it, and
// where requests end up.
import { readdirSync, readFileSync, writeFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "#contract/admin.ts";
import { namedFiles } from "#config/named-files.ts";
import { readTable, type TableLine } from "./request-table.ts";

export interface CorpusCase {
  /** `haproxy/acl-named`. */
  readonly name: string;
  readonly directory: string;
  readonly files: readonly SourceFile[];
  readonly table: readonly TableLine[];
}

/** Files that a case's result is compared with. */
export type Golden = "expected.yaml" | "diagnostics.txt" | "requests.txt" | "status.txt";
const goldens: ReadonlySet<string> = new Set([
  "expected.yaml",
  "diagnostics.txt",
  "requests.txt",
  "status.txt",
] satisfies Golden[]);

/** Set to renew what the cases expect; the difference is then to be reviewed. */
export const isUpdating = process.env["UPDATE_CORPUS"] === "1";

/** Formats that have a corpus. */
export const formats = ["haproxy", "ingress", "gateway-api", "istio"] as const;

export function readCases(format: (typeof formats)[number]): CorpusCase[] {
  const root = join(import.meta.dirname, format);
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const directory = join(root, name);
      const found = readdirSync(directory)
        .filter((file) => !goldens.has(file))
        .map((file): SourceFile => ({ name: file, content: readFileSync(join(directory, file), "utf8") }));
      const named = new Set(namedFiles(found));
      const files = found.map((file) => (named.has(file.name) ? { ...file, role: "named" as const } : file));
      const table = readTable(readGolden(directory, "requests.txt"));
      return { name: `${format}/${name}`, directory, files, table };
    });
}

/** Empty when there is no such file. */
export function readGolden(directory: string, golden: Golden): string {
  const path = join(directory, golden);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

export function writeGolden(directory: string, golden: Golden, content: string): void {
  const path = join(directory, golden);
  if (content === "") rmSync(path, { force: true });
  else writeFileSync(path, content);
}
