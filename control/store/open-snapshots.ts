// Snapshots of the newest versions, unpacked. Unpacking and proving one with 10,000 routes takes 40 ms, and whoever
// publishes, asks or keeps a region up to date wants the same two again and again.
import { SnapshotLines } from "#contract/snapshot-lines.ts";
import type { Snapshot, VersionedSnapshot } from "#contract/snapshot.ts";
import { canonicalLine } from "./canonical-line.ts";
import { type PackedSnapshot, unpackSnapshot } from "./packed-json.ts";

/** The current version, and the one that regions come from. */
const kept = 2;

/** By hash, the one that was used last at the end. */
const open = new Map<string, Snapshot>();

/** Throws where what is packed is damaged. */
export async function openSnapshot(
  version: number,
  hash: string,
  packed: Uint8Array,
): Promise<VersionedSnapshot> {
  const snapshot = open.get(hash) ?? (await unpackSnapshot(version, hash, packed)).snapshot;
  keep(hash, snapshot);
  return { version, hash, snapshot };
}

/** What has just been packed is asked for next. */
export function keepOpen({ hash, snapshot }: PackedSnapshot): void {
  keep(hash, snapshot);
}

/** The same routes and backends give the same strings. */
export function linesOf(snapshot: VersionedSnapshot): SnapshotLines {
  return SnapshotLines.of(snapshot, canonicalLine);
}

function keep(hash: string, snapshot: Snapshot): void {
  open.delete(hash);
  open.set(hash, snapshot);
  for (const oldest of open.keys()) {
    if (open.size <= kept) return;
    open.delete(oldest);
  }
}
