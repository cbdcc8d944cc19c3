// Reads the configuration files that a command names; what they mean is the business of config/.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { namedFiles, namedVariables } from "#config/named-files.ts";
import type { Readable } from "node:stream";
import type { CertificateSource } from "#config/check/listener-certificates.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { limits } from "#contract/limits.ts";
import type { SourceFile } from "#contract/admin.ts";
import { CommandError, systemCode } from "./command-error.ts";

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory; name the files in it",
  EACCES: "this user may not read it",
  ELOOP: "its links lead in a circle",
  ENOTDIR: "a part of its path is no folder",
};

/** Files that a command was given, with `-f` or without. Throws `CommandError` `invalid` when there is none. */
export function chosenFiles(positional: readonly string[], flagged: readonly string[] = []): string[] {
  const files = [...flagged, ...positional];
  if (files.length > 0) return files;
  throw new CommandError("invalid", "no configuration file was named", { remedy: "Name one with -f FILE." });
}

/**
 * Reads each file, `-` from standard input, those of a directory, and those that they name as far as they are there, with the
 * environment variables that they name as far as they are set. Throws `CommandError` `invalid` for one that cannot be read
 * or is too long.
 */
export async function readConfigFiles(paths: readonly string[]): Promise<SourceFile[]> {
  keepYoungGenerationSmall();
  const files = await Promise.all(paths.map(configFilesAt));
  const sources = await Promise.all(files.flat().map(readConfigFile));
  const find = fileFinder(paths);
  const variables = namedVariables(sources).flatMap((name): SourceFile[] => {
    const content = process.env[name];
    return content === undefined ? [] : [{ name, content, role: "environment" }];
  });
  const environment = new Map(variables.map(({ name, content }) => [name, content]));
  const named = namedFiles(sources, environment).map((name) => readNamedFile(name, find(name)));
  return [...sources, ...(await Promise.all(named)).filter((file) => file !== undefined), ...variables];
}

/** Of a directory its files with a name of a configuration, in the order of their letters; not those of directories in it. */
async function configFilesAt(path: string): Promise<string[]> {
  if (path === "-" || !isDirectory(path)) return [path];
  const names = ((await filesIn(path)) ?? []).filter((name) => /^[^.].*[.](?:ya?ml|json|cfg)$/.test(name));
  if (names.length > 0) return names.map((name) => join(path, name));
  const message = `cannot read ${path}: ${unreadable["EISDIR"]}: no name ends in .yaml, .yml, .json or .cfg`;
  throw new CommandError("invalid", message);
}

/**
 * What a configuration is read into either stays or is dead at once, so a young generation that grows to its 48 MiB makes
 * the peak a third higher and saves next to nothing. For programs that end when they have read it.
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** `undefined`: it is not there, which the configuration is told about. */
async function readNamedFile(name: string, path: string): Promise<SourceFile | undefined> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (name.endsWith("/")) {
    const files = await filesIn(path);
    return files && { name, content: files.join("\n"), role: "named" };
  }
  // Nobody may ever write to a pipe that a configuration names; `-f` takes one, for shells make them.
  if (found.isFIFO() || found.isSocket()) {
    throw new CommandError("invalid", `cannot read ${path}: it is no file`, {
      remedy: `The configuration names it as ${JSON.stringify(name)}; put a file there.`,
    });
  }
  const { content } = await readConfigFile(path);
  return { name, content, role: "named" };
}

/** Names in the order of their letters, as HAProxy takes them; `undefined`: it is no folder. */
async function filesIn(path: string): Promise<string[] | undefined> {
  if (!statSync(path).isDirectory()) return undefined;
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

async function readConfigFile(path: string): Promise<SourceFile> {
  try {
    const content = await readBounded(path === "-" ? process.stdin : createReadStream(path));
    if (content !== undefined) return { name: path === "-" ? "<stdin>" : path, content };
  } catch (error) {
    const code = systemCode(error);
    throw new CommandError(
      "invalid",
      `cannot read ${path}: ${(code && unreadable[code]) ?? code ?? String(error)}`,
      { cause: error },
    );
  }
  throw new CommandError("invalid", `${path} is longer than ${limits.configBytes} bytes`);
}

/** UTF-8 text; `undefined`: longer than a configuration may be, of which no more is read than that. */
async function readBounded(stream: Readable): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.configBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Where a file is that the configuration names: a relative path counts from the configuration file; with several of
 * those, from the first beside which it exists.
 */
export function fileFinder(configFiles: readonly string[]): (file: string) => string {
  const folders = configFiles.map((file) => (file === "-" ? process.cwd() : folderOf(resolve(file))));
  return (file) => {
    const candidates = folders.map((folder) => resolve(folder, file));
    return candidates.find((candidate) => existsSync(candidate)) ?? candidates[0] ?? resolve(file);
  };
}

function folderOf(path: string): string {
  return isDirectory(path) ? path : dirname(path);
}

/** What cannot be looked at is none: reading it says why. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Certificates as the checks of `config/` look at them. */
export function certificateSource(configFiles: readonly string[]): CertificateSource {
  const find = fileFinder(configFiles);
  const read = (certFile: string): string | undefined => {
    try {
      return readFileSync(find(certFile), "utf8");
    } catch {
      return undefined;
    }
  };
  return { nowMs: Date.now(), read };
}

/** One line per diagnostic, errors first, for standard error. */
export function diagnosticText(diagnostics: readonly Diagnostic[]): string {
  const rank = { error: 0, warning: 1 };
  return diagnostics
    .toSorted((a, b) => rank[a.severity] - rank[b.severity])
    .map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`)
    .join("");
}

/** `2 errors, 1 warning`. */
export function diagnosticCount(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Diagnostic["severity"]): string => {
    const found = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return `${found} ${severity}${found === 1 ? "" : "s"}`;
  };
  return `${count("error")}, ${count("warning")}`;
}
