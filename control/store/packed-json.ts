// Values as compressed JSON, which is how versions are stored and how they cross RPC (32 MiB a message).
import type { SourceFile } from "#contract/admin.ts";
import { type Snapshot, type VersionedSnapshot, canonicalJson, snapshotHash } from "#contract/snapshot.ts";

export async function packJson(value: unknown): Promise<Uint8Array> {
  const stream = new Blob([canonicalJson(value)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpackJson(packed: Uint8Array): Promise<unknown> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

export async function unpackFiles(packed: Uint8Array): Promise<SourceFile[]> {
  return (await unpackJson(packed)) as SourceFile[];
}

/** The snapshot, proved to be the one that was published. Throws where the bytes or the hash are not whole. */
export async function unpackSnapshot(
  version: number,
  hash: string,
  packed: Uint8Array,
): Promise<VersionedSnapshot> {
  const snapshot = (await unpackJson(packed)) as Snapshot;
  const found = await snapshotHash(snapshot);
  if (found !== hash)
    throw new Error(`version ${version} is damaged: its hash is ${found}, stored was ${hash}`);
  return { version, hash, snapshot };
}
