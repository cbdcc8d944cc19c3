// `crt`, `default-crt` and `crt-list` of a bind → the files that its certificates are in (§5.1).
import { inFolder, type NamedFiles } from "../named-files.ts";
import type { Notes } from "../notes.ts";
import { unsupported } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import type { Names } from "./names.ts";

/** Folders that relative names of certificates are in. */
export interface CertificateFolders {
  readonly crt: string;
  readonly ca: string;
}

export interface BindContext {
  readonly folders: CertificateFolders;
  readonly listenerNames: Names;
  readonly files: NamedFiles;
  readonly notes: Notes;
}

/** The first one is for clients that ask for no name, or another. */
export function readCertificates(
  statement: Statement,
  options: ReadonlyMap<string, readonly string[]>,
  context: BindContext,
): string[] {
  const named = [...(options.get("default-crt") ?? []), ...(options.get("crt") ?? [])];
  const listed = (options.get("crt-list") ?? []).flatMap((list) => readList(statement, list, context));
  return [...named.flatMap((file) => certificatesIn(file, context)), ...listed];
}

/** What HAProxy takes for something else than a certificate in a folder of them. */
const otherFiles = /^\.|\.(?:key|issuer|ocsp|sctl)$/;

function certificatesIn(file: string, { folders, files }: BindContext): string[] {
  const folder = inFolder(folders.crt, file);
  const found = files.folder(folder);
  if (!found && file.endsWith("/")) {
    unsupported(
      `there is no folder ${JSON.stringify(folder)}`,
      "Put it there, or write `crt` with each file.",
    );
  }
  if (!found) return [certificateFile(folders.crt, file)];
  return found
    .filter((name) => !otherFiles.test(name))
    .map((name) => `${folder.replace(/\/+$/, "")}/${name}`);
}

/** Lines of a file: a certificate, options in brackets, and names that it is for in place of its own. */
function readList(statement: Statement, list: string, { folders, files, notes }: BindContext): string[] {
  const lines = files.patterns(list);
  const texts = lines.map((line) => line.replace(/\s+#.*$/, ""));
  const who = texts.find((text) => /\[[^\]]*\b(?:verify|ca-file|ca-verify-file|crl-file)\b/.test(text));
  if (who !== undefined) {
    unsupported(
      `who gets in depends on the certificate in ${JSON.stringify(list)}`,
      "Give these names a bind of another port.",
    );
  }
  if (texts.some((text) => /\s\S/.test(text))) {
    const message = `certificates of ${JSON.stringify(list)} are for the names in them; options and names of the list do not count`;
    notes.add(statement, { code: "statement-approximated", message });
  }
  return texts.map((text) => certificateFile(folders.crt, /^\S+/.exec(text)![0]));
}

/** One file; folders are for binds alone. */
export function certificateFile(folder: string, file: string): string {
  if (file.endsWith("/")) unsupported(`${file} is a folder`, "Write `crt` with each file in it.");
  if (file.startsWith("@")) unsupported(`${file} stands in a crt-store`, "Write `crt` with the file.");
  return inFolder(folder, file);
}
