// Bearer tokens of the admin API as rows: hashes only.
import type { Role, tokenSummarySchema } from "#contract/admin.ts";
import type { z } from "zod";

/** Tokens that exist at a time. */
export const maxTokens = 1_000;

export type TokenSummary = z.infer<typeof tokenSummarySchema>;
export interface TokenRow extends TokenSummary {
  readonly hash: Uint8Array;
}

interface TokenRecord extends Record<string, SqlStorageValue> {
  id: string;
  name: string;
  role: string;
  hash: ArrayBuffer;
  created_at_ms: number;
  expires_at_ms: number | null;
}

export function createTokenTable(sql: SqlStorage): void {
  sql.exec(`CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER
  ) WITHOUT ROWID`);
}

export function insertToken(sql: SqlStorage, row: TokenRow): void {
  const { id, name, role, hash, createdAtMs, expiresAtMs } = row;
  sql.exec(
    "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
    id,
    name,
    role,
    hash,
    createdAtMs,
    expiresAtMs ?? null,
  );
}

export function findToken(sql: SqlStorage, id: string): TokenRow | undefined {
  const [row] = sql.exec<TokenRecord>("SELECT * FROM tokens WHERE id = ?", id).toArray();
  return row && { ...summaryOf(row), hash: new Uint8Array(row.hash) };
}

/** Newest first, expired ones included until they are pruned. */
export function listTokens(sql: SqlStorage): TokenSummary[] {
  return sql
    .exec<TokenRecord>("SELECT * FROM tokens ORDER BY created_at_ms DESC, id")
    .toArray()
    .map(summaryOf);
}

export function pruneTokens(sql: SqlStorage, nowMs: number): void {
  sql.exec("DELETE FROM tokens WHERE expires_at_ms <= ?", nowMs);
}

export function deleteToken(sql: SqlStorage, id: string): void {
  sql.exec("DELETE FROM tokens WHERE id = ?", id);
}

function summaryOf(row: TokenRecord): TokenSummary {
  return {
    id: row.id,
    name: row.name,
    role: row.role as Role,
    createdAtMs: row.created_at_ms,
    ...(row.expires_at_ms !== null && { expiresAtMs: row.expires_at_ms }),
  };
}
