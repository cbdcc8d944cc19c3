// What no input may do to the importers, whatever it is.
import { isDeepStrictEqual } from "node:util";
import { convertConfig } from "#config/convert.ts";
import { loadConfig } from "#config/load.ts";
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { compileMatcher } from "#traffic/match/matcher.ts";

export interface ImportVerdict {
  readonly served: boolean;
  readonly problem?: string;
}

export function problemOf(files: readonly SourceFile[]): ImportVerdict {
  let served = false;
  try {
    const { snapshot, diagnostics } = loadConfig(files);
    served = snapshot !== undefined;
    const isValid = !diagnostics.some(({ severity }) => severity === "error");
    const problem =
      (served === isValid ? undefined : "errors, and a snapshot; or neither") ??
      placeProblem(files, diagnostics) ??
      (snapshot && servedProblem(files, snapshot)) ??
      isolationProblem(files, snapshot);
    return { served, ...(problem !== undefined && { problem }) };
  } catch (error) {
    return { served, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function placeProblem(files: readonly SourceFile[], diagnostics: readonly Diagnostic[]): string | undefined {
  const lines = new Map(files.map(({ name, content }) => [name, content.split(/\r\n|\r|\n/).length]));
  const wrong = diagnostics.find(({ file, line, message }) => {
    // What is said of the whole has no place.
    if (file === "") return message === "";
    return message === "" || line < 1 || line > (lines.get(file) ?? 0);
  });
  return wrong && `no place in the file: ${JSON.stringify(wrong)}`;
}

function servedProblem(files: readonly SourceFile[], snapshot: Snapshot): string | undefined {
  const { problems } = compileMatcher(snapshot);
  if (problems.length > 0) return `the gateway cannot compile it: ${JSON.stringify(problems[0])}`;
  const { text } = convertConfig(files);
  if (text === undefined) return "is served, and cannot be converted";
  const converted = [{ name: "isthmus.yaml", content: text }];
  const again = loadConfig(converted);
  if (!isDeepStrictEqual(again.snapshot, snapshot))
    return `converted it is another snapshot: ${again.diagnostics.map(({ message }) => message).join("; ")}\n${text}`;
  if (convertConfig(converted).text !== text) return `converted twice it is another text\n${text}`;
  if (convertConfig(files.toReversed()).text !== text) return `the order of files counts\n${text}`;
  return undefined;
}

/** What is left without broken objects is served as if those were not there, and all of it where nothing is broken. */
function isolationProblem(files: readonly SourceFile[], snapshot: Snapshot | undefined): string | undefined {
  const isolated = loadConfig(files, { isolate: true });
  if (snapshot && !isDeepStrictEqual(isolated.snapshot, snapshot)) return "isolated it is another snapshot";
  return placeProblem(files, isolated.diagnostics);
}
