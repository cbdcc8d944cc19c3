// Values as compressed JSON, which is how versions are stored and how they cross RPC (32 MiB a message).
import type { SourceFile } from "#contract/admin.ts";
import { canonicalHash, canonicalJson } from "#contract/canonical-json.ts";
import type { Snapshot, VersionedSnapshot } from "#contract/snapshot.ts";
import { canonicalLine } from "./canonical-line.ts";

export interface PackedSnapshot {
  readonly hash: string;
  readonly packed: Uint8Array;
  readonly snapshot: Snapshot;
}

export async function packSnapshot(snapshot: Snapshot): Promise<PackedSnapshot> {
  const json = canonicalSnapshot(snapshot);
  return { hash: await canonicalHash(json), packed: await pack(json), snapshot };
}

/** What `canonicalJson` gives, put together from the lines of routes and backends. */
function canonicalSnapshot(snapshot: Snapshot): string {
  const fields = Object.entries(snapshot).sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = fields.flatMap(([key, value]) => {
    if (value === undefined) return [];
    const isLong = key === "routes" || key === "backends";
    const items = isLong ? (value as readonly object[]).map(canonicalLine) : undefined;
    return `${JSON.stringify(key)}:${items ? `[${items.join(",")}]` : canonicalJson(value)}`;
  });
  return `{${texts.join(",")}}`;
}

/** The snapshot, proved to be the one that was published. Throws where the text or the hash is not whole. */
export async function unpackSnapshot(
  version: number,
  hash: string,
  packed: Uint8Array,
): Promise<VersionedSnapshot> {
  const json = await unpack(packed);
  const found = await canonicalHash(json);
  if (found !== hash)
    throw new Error(`version ${version} is damaged: its hash is ${found}, stored was ${hash}`);
  return { version, hash, snapshot: JSON.parse(json) as Snapshot };
}

export function packFiles(files: readonly SourceFile[]): Promise<Uint8Array> {
  return pack(JSON.stringify(files));
}

export async function unpackFiles(packed: Uint8Array): Promise<SourceFile[]> {
  return JSON.parse(await unpack(packed)) as SourceFile[];
}

async function pack(json: string): Promise<Uint8Array> {
  const stream = new Blob([json]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unpack(packed: Uint8Array): Promise<string> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
