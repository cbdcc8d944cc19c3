// The snapshot of a region as it came from the control, as it is stored and as gateways get it: for whoever holds one of the
// versions before, what has changed since.
import { SnapshotLines } from "#contract/snapshot-lines.ts";
import { SnapshotReader } from "#contract/snapshot-reader.ts";
import type { VersionedSnapshot } from "#contract/snapshot.ts";
import type { Steps } from "#contract/steps.ts";

/** Versions before that gateways may be told the change of; their lines are mostly the same text in memory. */
const keptVersions = 8;

export class RegionSnapshot {
  readonly #reader = new SnapshotReader();
  /** The newest first. */
  #versions: readonly SnapshotLines[] = [];
  /** Changes that have been asked for, by the hash of their base. */
  readonly #changes = new Map<string, string>();

  get #current(): SnapshotLines | undefined {
    return this.#versions[0];
  }

  /** Of the snapshot that is held; absent where the next text is to be a whole one. */
  get hash(): string | undefined {
    const { hash } = this.#reader;
    return hash === this.#current?.hash ? hash : undefined;
  }

  /** Whether it came as a change of the one before. */
  get isChange(): boolean {
    return this.#current?.base !== undefined;
  }

  /** Throws for a text that is not a snapshot, nor a change of the one that is held. That one stays. */
  *read(text: string): Steps<VersionedSnapshot> {
    const snapshot = yield* this.#reader.read(text);
    if (snapshot.version <= (this.#current?.version ?? 0)) return snapshot;
    const lines = SnapshotLines.parse(text, this.#current);
    // Texts of wholes have no line in common in memory.
    const before = lines.base === undefined ? [] : this.#versions;
    this.#versions = [lines, ...before].slice(0, keptVersions + 1);
    this.#changes.clear();
    return snapshot;
  }

  /** For a gateway that holds the snapshot of that hash, or none. Absent: there is nothing to tell. */
  textFor(hash: string | undefined): string | undefined {
    const base = this.#versions.find((held) => held.hash === hash);
    if (!base || !hash) return this.wholeText();
    let change = this.#changes.get(hash);
    if (change === undefined) {
      change = this.#current!.changeText(base);
      this.#changes.set(hash, change);
    }
    return change;
  }

  wholeText(): string | undefined {
    return this.#current?.text();
  }
}
