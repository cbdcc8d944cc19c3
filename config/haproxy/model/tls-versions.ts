// Which versions of TLS a statement asks for, where that is not 1.2 and 1.3, which are spoken in any case.
import type { Notes } from "../notes.ts";
import { wordAt, type Section, type Statement } from "../statement.ts";

const versions = ["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** Of `force-tlsv12`, `no-tlsv13`. */
function versionOf(suffix: string): number {
  return versions.findIndex((version) => version.toLowerCase().replace(".", "") === suffix);
}

/** Indexes into `versions`. */
interface Range {
  readonly min: number;
  readonly max: number;
  readonly without: ReadonlySet<number>;
}

function rangeOf(statement: Statement): Range {
  let range: Range = {
    min: versions.indexOf("TLSv1.2"),
    max: versions.indexOf("TLSv1.3"),
    without: new Set(),
  };
  statement.words.forEach(({ text }, index) => {
    const [, kind, suffix = ""] = /^(force|no)-((?:tls|ssl)v[0-9]+)$/.exec(text) ?? [];
    if (kind === "force") range = { ...range, min: versionOf(suffix), max: versionOf(suffix) };
    if (kind === "no") range = { ...range, without: new Set([...range.without, versionOf(suffix)]) };
    const version = versions.indexOf(wordAt(statement, index + 1));
    if (text === "ssl-min-ver" && version >= 0) range = { ...range, min: version };
    if (text === "ssl-max-ver" && version >= 0) range = { ...range, max: version };
  });
  return range;
}

/** Says so where other versions are wanted: of a bind, of a server, or of all of them. */
export function noteTlsVersions(statement: Statement, notes: Notes): void {
  const { min, max, without } = rangeOf(statement);
  const isWanted = (version: string): boolean => {
    const index = versions.indexOf(version);
    return index >= min && index <= max && !without.has(index);
  };
  const older = versions.slice(0, 3).filter((version) => min < 3 && isWanted(version));
  const refused = versions.slice(3).filter((version) => !isWanted(version));
  if (older.length === 0 && refused.length === 0) return;
  const message =
    refused.length > 0
      ? `TLS 1.2 and 1.3 are both spoken; ${refused.join(" and ")} is not refused`
      : `TLS 1.2 and 1.3 are spoken, ${older.join(", ")} is not`;
  notes.add(statement, { code: "statement-approximated", message });
}

/** `ssl-default-bind-options` and `ssl-default-server-options`. */
export function noteDefaultTlsVersions(sections: readonly Section[], notes: Notes): void {
  for (const { kind, statements } of sections) {
    if (kind !== "global") continue;
    for (const statement of statements) {
      if (/^ssl-default-(?:bind|server)-options$/.test(wordAt(statement, 0)))
        noteTlsVersions(statement, notes);
    }
  }
}
