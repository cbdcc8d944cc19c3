// What RegionState keeps on disk. Documents are stored in parts, because a value of SQLite in a Durable Object holds at
// most 2 MB; a document is replaced in one transaction.
import { administrationSchema } from "#contract/administration.ts";
import type { VersionedSnapshot } from "#contract/snapshot.ts";
import { trustSchema } from "#contract/sync.ts";
import type { CheckState } from "#traffic/health/active-check.ts";
import type { StoredRegion } from "#traffic/region/region-machine.ts";
import type { RegionSnapshot } from "./region-snapshot.ts";

/** In UTF-16 code units, of which UTF-8 makes at most three bytes each. */
const partChars = 512 * 1024;

export type DocumentKind = "snapshot" | "trust" | "administration" | "checks";

/** Changes that are kept beside the snapshot that the first of them is of. */
const maxChanges = 64;

export class RegionStorage {
  readonly #storage: DurableObjectStorage;
  /** Of the snapshot: changes that are stored, and their length. */
  #changes = 0;
  #changesChars = 0;
  #wholeChars = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS part (kind TEXT, number INTEGER, text TEXT NOT NULL, PRIMARY KEY (kind, number))",
    );
    storage.sql.exec("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, total REAL NOT NULL)");
    storage.sql.exec("CREATE TABLE IF NOT EXISTS histogram (name TEXT PRIMARY KEY, totals TEXT NOT NULL)");
  }

  /** What cannot be read is left out and named in `problems`: the control has it, too. */
  load(readSnapshot: (text: string) => VersionedSnapshot): {
    readonly stored: StoredRegion;
    readonly problems: readonly string[];
  } {
    const problems: string[] = [];
    const readText = <T>(kind: DocumentKind, parse: (text: string) => T): T | undefined => {
      try {
        const text = this.text(kind);
        return text === undefined ? undefined : parse(text);
      } catch (error) {
        problems.push(`${kind}: ${String(error)}`);
        return undefined;
      }
    };
    const read = <T>(kind: DocumentKind, parse: (value: unknown) => T): T | undefined =>
      readText(kind, (text) => parse(JSON.parse(text)));
    const stored: StoredRegion = {
      snapshot: readText("snapshot", (text) =>
        this.#withChanges(readSnapshot(text), text, readSnapshot, problems),
      ),
      trust: read("trust", (value) => trustSchema.parse(value)),
      administration: read("administration", (value) => administrationSchema.parse(value)),
      checks: read("checks", (value) => value as [string, CheckState][]) ?? [],
      counters: this.#storage.sql
        .exec<{ name: string; total: number }>("SELECT name, total FROM counter")
        .toArray()
        .map(({ name, total }) => [name, total] as const),
      histograms: this.#storage.sql
        .exec<{ name: string; totals: string }>("SELECT name, totals FROM histogram")
        .toArray()
        .map(({ name, totals }) => [name, JSON.parse(totals) as number[]] as const),
    };
    return { stored, problems };
  }

  /** The snapshot after all changes, or after those before one that cannot be read. */
  #withChanges(
    whole: VersionedSnapshot,
    wholeText: string,
    readSnapshot: (text: string) => VersionedSnapshot,
    problems: string[],
  ): VersionedSnapshot {
    let snapshot = whole;
    this.#wholeChars = wholeText.length;
    try {
      for (;;) {
        const change = this.text(changeKind(this.#changes + 1));
        if (change === undefined) return snapshot;
        snapshot = readSnapshot(change);
        this.#changes += 1;
        this.#changesChars += change.length;
      }
    } catch (error) {
      problems.push(`change of the snapshot: ${String(error)}`);
      // The next one is stored as a whole.
      this.#changes = maxChanges;
      return snapshot;
    }
  }

  text(kind: string): string | undefined {
    const parts = this.#storage.sql
      .exec<{ text: string }>("SELECT text FROM part WHERE kind = ? ORDER BY number", kind)
      .toArray();
    return parts.length === 0 ? undefined : parts.map(({ text }) => text).join("");
  }

  store(kind: DocumentKind, text: string): void {
    this.#storage.transactionSync(() => this.#replace(kind, text));
  }

  /** `text`: as it came. A change is stored as one, until all of them are half as long as the whole. */
  storeSnapshot(text: string, snapshot: RegionSnapshot): void {
    const changesChars = this.#changesChars + text.length;
    if (snapshot.isChange && this.#changes < maxChanges && changesChars <= this.#wholeChars / 2) {
      this.#storage.transactionSync(() => this.#replace(changeKind(this.#changes + 1), text));
      this.#changes += 1;
      this.#changesChars = changesChars;
      return;
    }
    const whole = snapshot.wholeText() ?? text;
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM part WHERE kind LIKE 'snapshot+%'");
      this.#replace("snapshot", whole);
    });
    [this.#changes, this.#changesChars, this.#wholeChars] = [0, 0, whole.length];
  }

  #replace(kind: string, text: string): void {
    const { sql } = this.#storage;
    sql.exec("DELETE FROM part WHERE kind = ?", kind);
    for (let start = 0, number = 0; start < text.length; start += partChars, number += 1) {
      const part = text.slice(start, start + partChars);
      sql.exec("INSERT INTO part (kind, number, text) VALUES (?, ?, ?)", kind, number, part);
    }
  }

  storeCounters(
    counters: readonly (readonly [string, number])[],
    histograms: readonly (readonly [string, readonly number[]])[],
  ): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const [name, total] of counters) {
        sql.exec("INSERT OR REPLACE INTO counter (name, total) VALUES (?, ?)", name, total);
      }
      for (const [name, totals] of histograms) {
        sql.exec(
          "INSERT OR REPLACE INTO histogram (name, totals) VALUES (?, ?)",
          name,
          JSON.stringify(totals),
        );
      }
    });
  }
}

function changeKind(number: number): string {
  return `snapshot+${number}`;
}
