// The audit log of one object: who did what and when, appended in the same transaction as the change itself.

/** Entries kept; the oldest go first. */
const keptEntries = 10_000;

export interface AuditRow {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly detail: string;
}

export function createAuditTable(sql: SqlStorage): void {
  sql.exec(`CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
  )`);
}

/** Call inside the transaction that makes the change. */
export function appendAudit(sql: SqlStorage, entry: Omit<AuditRow, "id">): void {
  const { atMs, actor, action, detail } = entry;
  sql.exec(
    "INSERT INTO audit (at_ms, actor, action, detail) VALUES (?, ?, ?, ?)",
    atMs,
    actor,
    action,
    detail.slice(0, 2048),
  );
  sql.exec("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", keptEntries);
}

/** Newest first, ids below `beforeId`. */
export function listAudit(sql: SqlStorage, limit: number, beforeId: number): AuditRow[] {
  return sql
    .exec<{ id: number; at_ms: number; actor: string; action: string; detail: string }>(
      "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
      beforeId,
      limit,
    )
    .toArray()
    .map(({ id, at_ms: atMs, actor, action, detail }) => ({ id, atMs, actor, action, detail }));
}
