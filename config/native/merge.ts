// Several parsed files → one model, with the way back from a place in the model to file, line and column.
import type { Diagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import { createReport, type Locate, type Report } from "../report.ts";
import { fileLocate, type SourceDocument } from "./source-document.ts";
import { settingKeys, type NativeConfig } from "./schema.ts";

export interface MergeInput {
  readonly name: string;
  readonly document: SourceDocument;
  readonly config: NativeConfig;
}

const listKeys = ["listeners", "routes", "tcpRoutes", "tlsRoutes", "backends", "rateLimitPolicies"] as const;
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
    const report = createReport(fileLocate(file.name, file.document));
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

/** The schema bounds each file; this bounds their sum. */
export function checkTotals(config: NativeConfig, report: Report): void {
  for (const key of listKeys) {
    const count = config[key].length;
    if (count <= limits[key]) continue;
    const message = `${count} ${key} in all files together; expected at most ${limits[key]}`;
    report.add({ code: "limit-exceeded", path: [key, limits[key]], message });
  }
}

/** Finds places of the merged model in the files. */
export function mergedLocate(files: readonly MergeInput[]): Locate {
  return (path, at) => {
    const [head, index, ...rest] = path;
    if (typeof index !== "number") {
      const file = ownerOf(files, String(head)) ?? files[0]!;
      return fileLocate(file.name, file.document)(path, at);
    }
    let local = index;
    for (const { name, document, config } of files) {
      const count = config[head as ListKey].length;
      if (local < count) return fileLocate(name, document)([head!, local, ...rest], at);
      local -= count;
    }
    return fileLocate(files[0]!.name, files[0]!.document)([head!], at);
  };
}

function ownerOf(files: readonly MergeInput[], key: string): MergeInput | undefined {
  return files.find((file) => has(file, key));
}

function has(file: MergeInput, key: string): boolean {
  return Object.hasOwn(file.document.value as object, key);
}
