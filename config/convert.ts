// Any source format → the native one: the text that `isthmus convert` prints. Each part says in a comment where it is
// from, and keeps that comment when it is converted again.
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { formatConfig } from "./format.ts";
import { isHaproxy } from "./haproxy/parse-haproxy.ts";
import { isKubernetes } from "./kubernetes/read-objects.ts";
import { loadConfig, type LoadOptions } from "./load.ts";
import { listKeys } from "./native/merge.ts";
import type { NativeConfig } from "./native/schema.ts";
import { formatPath, type Locate, type Origin, type Path } from "./report.ts";

export interface Conversion {
  /** YAML. Absent where the configuration is not valid. */
  readonly text?: string;
  readonly diagnostics: Diagnostic[];
}

/** Equal configurations give equal texts, whatever the order of files. Pure; never throws on any input. */
export function convertConfig(files: readonly SourceFile[], options: LoadOptions = {}): Conversion {
  const { model, snapshot, locate, diagnostics } = loadConfig(files, options);
  if (!model || !snapshot || !locate) return { diagnostics };
  const { config, sourceOf } = inOrder(model);
  const comment = createComments(files, locate);
  return { text: formatConfig(config, (path) => comment(sourceOf(path))), diagnostics };
}

/** The model with those lists in order of name, and the way back to where its parts stood. */
function inOrder(model: NativeConfig): { config: NativeConfig; sourceOf: (path: Path) => Path } {
  const config: Record<string, unknown> = { ...model };
  const indexes = new Map<string, readonly number[]>();
  for (const list of listKeys) {
    const items: readonly { readonly name: string }[] = model[list];
    const order = [...items.keys()].sort((a, b) => (items[a]!.name < items[b]!.name ? -1 : 1));
    config[list] = order.map((index) => items[index]!);
    indexes.set(list, order);
  }
  const sourceOf = ([list, index, ...rest]: Path): Path => [
    list!,
    indexes.get(String(list))![index as number]!,
    ...rest,
  ];
  return { config: config as NativeConfig, sourceOf };
}

/** What to write above a part of the model, if anything. */
function createComments(files: readonly SourceFile[], locate: Locate): (path: Path) => string | undefined {
  const byName = new Map(
    files.map((file) => [file.name, { ...file, isNative: !isHaproxy(file) && !isKubernetes(file) }]),
  );
  const linesOf = new Map<string, string[]>();
  const keptComment = ({ name, content }: SourceFile, line: number): string | undefined => {
    const lines = linesOf.get(name) ?? content.split(/\r?\n/);
    linesOf.set(name, lines);
    return /^\s*# (from .+)$/.exec(lines[line - 2] ?? "")?.[1];
  };
  // A part without a place of its own would only repeat its parent's.
  let last = "";
  return (path) => {
    const origin = locate(path, "value");
    const file = byName.get(origin.file);
    if (!file) return undefined;
    if (file.isNative) return keptComment(file, origin.line);
    const text = originText(origin);
    const isNew = text !== last;
    last = text;
    return isNew ? text : undefined;
  };
}

/** `from haproxy.cfg:12 frontend.web`. */
function originText({ file, line, path }: Origin): string {
  return `from ${file}:${line} ${formatPath(path)}`.trimEnd().replaceAll(/[\r\n]/g, " ");
}
