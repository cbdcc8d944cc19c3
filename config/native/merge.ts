// Several parsed sources → one model, with the way back from a place in the model to file, line and column.
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import { createReport, type Locate, type Path, type Report } from "../report.ts";
import type { ParsedSource } from "./source-document.ts";
import { settingKeys, type NativeConfig } from "./schema.ts";

export type MergeInput = ParsedSource & { readonly config: NativeConfig };

/** Lists of named things, whose order means nothing. */
export const listKeys = [
  "listeners",
  "routes",
  "tcpRoutes",
  "tlsRoutes",
  "backends",
  "rateLimitPolicies",
  "errorPages",
  "counterTables",
] as const;
type ListKey = (typeof listKeys)[number];
type SettingKey = (typeof settingKeys)[number];

/** Lists are joined in the order of the files; a setting comes from the first file that has it. Needs at least one file. */
export function mergeFiles(files: readonly MergeInput[]): NativeConfig {
  const setting = <K extends SettingKey>(key: K): NativeConfig[K] =>
    (ownerOf(files, key) ?? files[0]!).config[key];
  return {
    listeners: files.flatMap((file) => file.config.listeners),
    routes: files.flatMap((file) => file.config.routes),
    tcpRoutes: files.flatMap((file) => file.config.tcpRoutes),
    tlsRoutes: files.flatMap((file) => file.config.tlsRoutes),
    backends: files.flatMap((file) => file.config.backends),
    rateLimitPolicies: files.flatMap((file) => file.config.rateLimitPolicies),
    errorPages: files.flatMap((file) => file.config.errorPages),
    counterTables: files.flatMap((file) => file.config.counterTables),
    clientIPDetection: setting("clientIPDetection"),
    accessLog: setting("accessLog"),
    ...definedTracing(setting("tracing")),
  };
}

function definedTracing(tracing: NativeConfig["tracing"]): Pick<NativeConfig, "tracing"> {
  return tracing === undefined ? {} : { tracing };
}

/** A setting in two files: one of them would silently lose. */
export function repeatedSettings(files: readonly MergeInput[]): Diagnostic[] {
  return files.flatMap((file) => {
    const report = createReport(file.locate);
    for (const key of settingKeys) {
      const owner = ownerOf(files, key);
      if (!has(file, key) || owner === file) continue;
      const message = `${JSON.stringify(key)} is already set in ${owner!.name}`;
      report.add({
        code: "setting-repeated",
        path: [key],
        at: "key",
        message,
        remedy: "Keep it in one file.",
      });
    }
    return report.diagnostics();
  });
}

type Lists = Readonly<Partial<Record<ListKey, readonly unknown[] | undefined>>>;

/** The schema bounds each file; this bounds their sum. */
export function checkTotals(config: Lists, report: Report): void {
  for (const key of listKeys) {
    const count = config[key]?.length ?? 0;
    if (count <= limits[key]) continue;
    const message = `${count} ${key} in all files together; expected at most ${limits[key]}`;
    report.add({ code: "limit-exceeded", path: [key, limits[key]], message });
  }
}

/** Everything that is too much. */
export function beyondTotals(config: Lists): Path[] {
  return listKeys.flatMap((key) =>
    (config[key] ?? []).slice(limits[key]).map((_, index): Path => [key, limits[key] + index]),
  );
}

/** Finds places of the merged model in the files. */
export function mergedLocate(files: readonly MergeInput[]): Locate {
  return (path, at) => {
    const { source, local } = sourceOf(files, path);
    return source.locate(local, at);
  };
}

/** The source that a part of the merged model comes from, and its path there. */
export function sourceOf(files: readonly MergeInput[], path: Path): { source: MergeInput; local: Path } {
  const [head, index, ...rest] = path;
  if (typeof index !== "number") return { source: ownerOf(files, String(head)) ?? files[0]!, local: path };
  let local = index;
  for (const source of files) {
    const count = source.config[head as ListKey].length;
    if (local < count) return { source, local: [head!, local, ...rest] };
    local -= count;
  }
  return { source: files[0]!, local: [head!] };
}

function ownerOf(files: readonly MergeInput[], key: string): MergeInput | undefined {
  return files.find((file) => has(file, key));
}

function has(file: MergeInput, key: string): boolean {
  return file.fields.has(key);
}
