// Versions of the configuration as rows. The newest row is the current version: there is no pointer to go wrong.
import type { VersionSummary } from "#contract/admin.ts";

/** Cloudflare bounds a row at 2 MB, so packed documents are cut into pieces. */
const pieceBytes = 1024 * 1024;

/** A version that is about to be written. */
export interface VersionRow {
  readonly hash: string;
  /** SHA-256 over the sources' contents, without their names. */
  readonly contentsHash: string;
  readonly author: string;
  readonly reason: string;
  readonly createdAtMs: number;
  readonly rollbackOf?: number;
  readonly packedSnapshot: Uint8Array;
  readonly packedFiles: Uint8Array;
}

export type StoredVersion = Omit<VersionSummary, "current"> & { readonly contentsHash: string };
export type Document = "snapshot" | "files";

interface VersionRecord extends Record<string, SqlStorageValue> {
  version: number;
  hash: string;
  contents_hash: string;
  author: string;
  reason: string;
  created_at_ms: number;
  rollback_of: number | null;
}

export function createVersionTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS versions (
      version INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL, contents_hash TEXT NOT NULL, author TEXT NOT NULL,
      reason TEXT NOT NULL, created_at_ms INTEGER NOT NULL, rollback_of INTEGER, bytes INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS pieces (
      version INTEGER NOT NULL, document TEXT NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL,
      PRIMARY KEY (version, document, position)
    ) WITHOUT ROWID;
  `);
}

/** Call inside a transaction. Returns the number of the new version. */
export function insertVersion(sql: SqlStorage, row: VersionRow): number {
  const { version } = sql
    .exec<{ version: number }>(
      `INSERT INTO versions (hash, contents_hash, author, reason, created_at_ms, rollback_of, bytes)
        VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING version`,
      row.hash,
      row.contentsHash,
      row.author,
      row.reason,
      row.createdAtMs,
      row.rollbackOf ?? null,
      row.packedSnapshot.length + row.packedFiles.length,
    )
    .one();
  insertPieces(sql, version, "snapshot", row.packedSnapshot);
  insertPieces(sql, version, "files", row.packedFiles);
  return version;
}

function insertPieces(sql: SqlStorage, version: number, document: Document, packed: Uint8Array): void {
  for (let start = 0; start < packed.length; start += pieceBytes) {
    const piece = packed.slice(start, start + pieceBytes);
    sql.exec("INSERT INTO pieces VALUES (?, ?, ?, ?)", version, document, start / pieceBytes, piece);
  }
}

export function readDocument(sql: SqlStorage, version: number, document: Document): Uint8Array {
  const pieces = sql
    .exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM pieces WHERE version = ? AND document = ? ORDER BY position",
      version,
      document,
    )
    .toArray();
  const packed = new Uint8Array(pieces.reduce((total, { bytes }) => total + bytes.byteLength, 0));
  let offset = 0;
  for (const { bytes } of pieces) {
    packed.set(new Uint8Array(bytes), offset);
    offset += bytes.byteLength;
  }
  return packed;
}

export function findVersion(sql: SqlStorage, version: number): StoredVersion | undefined {
  const [row] = sql.exec<VersionRecord>("SELECT * FROM versions WHERE version = ?", version).toArray();
  return row && storedVersion(row);
}

/** Newest first, versions below `before`. */
export function listVersions(sql: SqlStorage, limit: number, before: number): StoredVersion[] {
  return sql
    .exec<VersionRecord>(
      "SELECT * FROM versions WHERE version < ? ORDER BY version DESC LIMIT ?",
      before,
      limit,
    )
    .toArray()
    .map(storedVersion);
}

/** Newest first, with what retention needs to know. */
export function versionSizes(sql: SqlStorage): { version: number; bytes: number }[] {
  return sql
    .exec<{ version: number; bytes: number }>("SELECT version, bytes FROM versions ORDER BY version DESC")
    .toArray();
}

export function deleteVersions(sql: SqlStorage, versions: readonly number[]): void {
  for (const version of versions) {
    sql.exec("DELETE FROM pieces WHERE version = ?", version);
    sql.exec("DELETE FROM versions WHERE version = ?", version);
  }
}

function storedVersion(row: VersionRecord): StoredVersion {
  return {
    version: row.version,
    hash: row.hash,
    contentsHash: row.contents_hash,
    author: row.author,
    reason: row.reason,
    createdAtMs: row.created_at_ms,
    ...(row.rollback_of !== null && { rollbackOf: row.rollback_of }),
  };
}
