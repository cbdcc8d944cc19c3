// The certificate authority's rows: roots, issued certificates, join tokens and the version of the trust document.
import type { certificateSummarySchema } from "#contract/admin.ts";
import type { Trust } from "#contract/sync.ts";
import type { z } from "zod";
import { keyIdentifierOf, rootsPem } from "./root-key.ts";

type CertificateSummary = z.infer<typeof certificateSummarySchema>;

/** Expired certificates stay listed this long. */
const listedAfterExpiryMs = 7 * 86_400_000;
/** A hub's clock may be behind by as much: until then it could take an expired, revoked certificate for a valid one. */
const clockSkewMs = 10 * 60_000;
/** Join tokens that wait to be used. */
export const maxJoinTokens = 10_000;
/** Unexpired certificates of one SPIFFE id: an agent that renews in a loop stops here. */
export const maxCertificatesPerId = 1_000;

export interface RootRow {
  readonly id: string;
  readonly pem: string;
  readonly sealedKey: Uint8Array;
  readonly notAfterMs: number;
  /** From then on it signs, unless a newer root does. */
  readonly signsFromMs: number;
  /** Of the operator's own authority (decision 0016): the intermediates below the root, PEM, issuing one first; may be empty. */
  readonly intermediatesPem?: string;
}

export interface CertificateRow {
  readonly serial: string;
  readonly spiffeId: string;
  readonly names: readonly string[];
  readonly rootId: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly revokedAtMs?: number;
}

export interface JoinTokenRow {
  readonly hash: Uint8Array;
  readonly tunnel: string;
  readonly expiresAtMs: number;
}

export function createAuthorityTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS roots (
      id TEXT PRIMARY KEY, pem TEXT NOT NULL, sealed_key BLOB NOT NULL,
      not_after_ms INTEGER NOT NULL, signs_from_ms INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS imported_roots (root_id TEXT PRIMARY KEY, intermediates_pem TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS certificates (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL UNIQUE, spiffe_id TEXT NOT NULL,
      names TEXT NOT NULL, root_id TEXT NOT NULL, not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL,
      revoked_at_ms INTEGER
    );
    CREATE INDEX IF NOT EXISTS certificates_by_id ON certificates (spiffe_id, not_after_ms);
    CREATE INDEX IF NOT EXISTS certificates_by_end ON certificates (not_after_ms);
    CREATE INDEX IF NOT EXISTS certificates_revoked ON certificates (not_after_ms) WHERE revoked_at_ms IS NOT NULL;
    CREATE TABLE IF NOT EXISTS join_tokens (
      id TEXT PRIMARY KEY, hash BLOB NOT NULL, tunnel TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS trust (
      one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, pruned_to_ms INTEGER NOT NULL
    );
  `);
}

// --- roots and trust -----------------------------------------------------------------------------------------------

/** Oldest first. */
export function listRoots(sql: SqlStorage): RootRow[] {
  return sql
    .exec<{
      id: string;
      pem: string;
      sealed_key: ArrayBuffer;
      not_after_ms: number;
      signs_from_ms: number;
      intermediates_pem: string | null;
    }>(
      "SELECT roots.*, intermediates_pem FROM roots LEFT JOIN imported_roots ON root_id = id ORDER BY signs_from_ms, id",
    )
    .toArray()
    .map((row) => ({
      id: row.id,
      pem: row.pem,
      sealedKey: new Uint8Array(row.sealed_key),
      notAfterMs: row.not_after_ms,
      signsFromMs: row.signs_from_ms,
      ...(row.intermediates_pem !== null && { intermediatesPem: row.intermediates_pem }),
    }));
}

export function insertRoot(sql: SqlStorage, root: RootRow): void {
  const { id, pem, sealedKey, notAfterMs, signsFromMs, intermediatesPem } = root;
  sql.exec("INSERT INTO roots VALUES (?, ?, ?, ?, ?)", id, pem, sealedKey, notAfterMs, signsFromMs);
  if (intermediatesPem !== undefined)
    sql.exec("INSERT INTO imported_roots VALUES (?, ?)", id, intermediatesPem);
}

/** Takes a root out with everything that it issued. */
export function deleteRoot(sql: SqlStorage, id: string, nowMs: number): void {
  sql.exec("DELETE FROM roots WHERE id = ?", id);
  sql.exec("DELETE FROM imported_roots WHERE root_id = ?", id);
  // Another authority may descend from the same root, which then stays trusted.
  sql.exec(
    "UPDATE certificates SET revoked_at_ms = ?1 WHERE root_id = ?2 AND revoked_at_ms IS NULL AND not_after_ms >= ?1",
    nowMs,
    id,
  );
}

export function raiseTrustVersion(sql: SqlStorage): void {
  sql.exec("INSERT INTO trust VALUES (1, 1, 0) ON CONFLICT (one) DO UPDATE SET version = version + 1");
}

/** 0 before the first root. */
export function trustVersion(sql: SqlStorage): number {
  return sql.exec<{ version: number }>("SELECT version FROM trust").toArray()[0]?.version ?? 0;
}

/** What one version says never changes: an expired serial leaves the list only by {@link pruneAuthority}. */
export function readTrust(sql: SqlStorage, trustDomain: string): Trust {
  const revoked = sql
    .exec<{ serial: string }>(
      `SELECT serial FROM certificates
        WHERE revoked_at_ms IS NOT NULL AND not_after_ms >= (SELECT pruned_to_ms FROM trust)`,
    )
    .toArray();
  const roots = listRoots(sql);
  const signer = roots.at(-1);
  return {
    version: trustVersion(sql),
    trustDomain,
    rootsPem: rootsPem(roots),
    ...(signer && { signer: { keyIdentifier: keyIdentifierOf(signer), fromMs: signer.signsFromMs } }),
    revokedSerials: revoked.map((row) => row.serial),
  };
}

/** Forgets what has lost its meaning; raises the trust version where a root or a revoked serial went. */
export function pruneAuthority(sql: SqlStorage, signerId: string, nowMs: number): void {
  sql.exec("DELETE FROM join_tokens WHERE expires_at_ms < ?", nowMs);
  const rootsGone = sql.exec(
    `DELETE FROM roots WHERE signs_from_ms < (SELECT signs_from_ms FROM roots WHERE id = ?1)
      AND NOT EXISTS (SELECT 1 FROM certificates WHERE root_id = roots.id AND not_after_ms >= ?2)`,
    signerId,
    nowMs,
  ).rowsWritten;
  const prunedToMs = nowMs - clockSkewMs;
  const { count: serialsGone } = sql
    .exec<{ count: number }>(
      `SELECT count(*) AS count FROM certificates WHERE revoked_at_ms IS NOT NULL
        AND not_after_ms >= (SELECT pruned_to_ms FROM trust) AND not_after_ms < ?`,
      prunedToMs,
    )
    .one();
  sql.exec("UPDATE trust SET pruned_to_ms = ?", prunedToMs);
  sql.exec("DELETE FROM certificates WHERE not_after_ms < ?", nowMs - listedAfterExpiryMs);
  if (rootsGone > 0) sql.exec("DELETE FROM imported_roots WHERE root_id NOT IN (SELECT id FROM roots)");
  if (rootsGone > 0 || serialsGone > 0) raiseTrustVersion(sql);
}

// --- certificates --------------------------------------------------------------------------------------------------

interface CertificateRecord extends Record<string, SqlStorageValue> {
  sequence: number;
  serial: string;
  spiffe_id: string;
  names: string;
  root_id: string;
  not_before_ms: number;
  not_after_ms: number;
  revoked_at_ms: number | null;
}

export function insertCertificate(sql: SqlStorage, row: CertificateRow): void {
  sql.exec(
    `INSERT INTO certificates (serial, spiffe_id, names, root_id, not_before_ms, not_after_ms)
      VALUES (?, ?, ?, ?, ?, ?)`,
    row.serial,
    row.spiffeId,
    JSON.stringify(row.names),
    row.rootId,
    row.notBeforeMs,
    row.notAfterMs,
  );
}

export function findCertificate(sql: SqlStorage, serial: string): CertificateSummary | undefined {
  const [row] = sql.exec<CertificateRecord>("SELECT * FROM certificates WHERE serial = ?", serial).toArray();
  return row && summaryOf(row);
}

/** Newest first, with the cursor of the last one. */
export function listCertificates(
  sql: SqlStorage,
  limit: number,
  beforeSequence: number,
): { certificates: CertificateSummary[]; lastSequence: number } {
  const rows = sql
    .exec<CertificateRecord>(
      "SELECT * FROM certificates WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
      beforeSequence,
      limit,
    )
    .toArray();
  return { certificates: rows.map(summaryOf), lastSequence: rows.at(-1)?.sequence ?? 0 };
}

export function countValidCertificates(sql: SqlStorage, spiffeId: string, nowMs: number): number {
  return sql
    .exec<{ count: number }>(
      "SELECT count(*) AS count FROM certificates WHERE spiffe_id = ? AND not_after_ms >= ?",
      spiffeId,
      nowMs,
    )
    .one().count;
}

export function countCertificatesOfRoot(sql: SqlStorage, rootId: string, nowMs: number): number {
  return sql
    .exec<{ count: number }>(
      "SELECT count(*) AS count FROM certificates WHERE root_id = ? AND not_after_ms >= ?",
      rootId,
      nowMs,
    )
    .one().count;
}

/** Of these serials, and of the newest server certificate, how many are of the root. */
export function countUses(sql: SqlStorage, rootId: string, serials: readonly string[]): number {
  const agents = serials.filter((serial) => rootOf(sql, serial) === rootId).length;
  const [server] = sql
    .exec<{ root_id: string }>(
      "SELECT root_id FROM certificates WHERE spiffe_id = '' ORDER BY sequence DESC LIMIT 1",
    )
    .toArray();
  return agents + (server?.root_id === rootId ? 1 : 0);
}

function rootOf(sql: SqlStorage, serial: string): string | undefined {
  return sql
    .exec<{ root_id: string }>("SELECT root_id FROM certificates WHERE serial = ?", serial)
    .toArray()[0]?.root_id;
}

export function markRevoked(sql: SqlStorage, serial: string, nowMs: number): void {
  sql.exec("UPDATE certificates SET revoked_at_ms = ? WHERE serial = ?", nowMs, serial);
}

function summaryOf(row: CertificateRecord): CertificateSummary {
  const names = JSON.parse(row.names) as string[];
  return {
    serial: row.serial,
    spiffeId: row.spiffe_id,
    ...(names.length > 0 && { names }),
    notBeforeMs: row.not_before_ms,
    notAfterMs: row.not_after_ms,
    ...(row.revoked_at_ms !== null && { revokedAtMs: row.revoked_at_ms }),
  };
}

// --- join tokens ---------------------------------------------------------------------------------------------------

export function insertJoinToken(sql: SqlStorage, id: string, row: JoinTokenRow): void {
  sql.exec("INSERT INTO join_tokens VALUES (?, ?, ?, ?)", id, row.hash, row.tunnel, row.expiresAtMs);
}

export function findJoinToken(sql: SqlStorage, id: string): JoinTokenRow | undefined {
  const [row] = sql
    .exec<{
      hash: ArrayBuffer;
      tunnel: string;
      expires_at_ms: number;
    }>("SELECT hash, tunnel, expires_at_ms FROM join_tokens WHERE id = ?", id)
    .toArray();
  return row && { hash: new Uint8Array(row.hash), tunnel: row.tunnel, expiresAtMs: row.expires_at_ms };
}

export function countJoinTokens(sql: SqlStorage): number {
  return sql.exec<{ count: number }>("SELECT count(*) AS count FROM join_tokens").one().count;
}

export function deleteJoinToken(sql: SqlStorage, id: string): void {
  sql.exec("DELETE FROM join_tokens WHERE id = ?", id);
}
