// What a RateLimiter keeps on disk: counts of long windows, so that a restart does not hand out a day's quota twice.
import { limits } from "#contract/limits.ts";
import type { StoredCount } from "#traffic/limit/limiter-machine.ts";
import type { LimitState } from "#traffic/limit/spend.ts";

export class LimiterStorage {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS count (key TEXT PRIMARY KEY, state TEXT NOT NULL, expires_ms REAL NOT NULL)",
    );
    storage.sql.exec("CREATE INDEX IF NOT EXISTS count_expiry ON count (expires_ms)");
  }

  read(key: string): LimitState | undefined {
    const [row] = this.#storage.sql
      .exec<{ state: string }>("SELECT state FROM count WHERE key = ?", key)
      .toArray();
    return row && (JSON.parse(row.state) as LimitState);
  }

  /** Counts whose units have come back go; of the others, those that come back soonest when there are too many. */
  write(counts: readonly StoredCount[], nowMs: number): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const { key, state, expiresMs } of counts) {
        sql.exec(
          "INSERT OR REPLACE INTO count (key, state, expires_ms) VALUES (?, ?, ?)",
          key,
          JSON.stringify(state),
          expiresMs,
        );
      }
      sql.exec("DELETE FROM count WHERE expires_ms <= ?", nowMs);
      const rows = sql.exec<{ rows: number }>("SELECT COUNT(*) AS rows FROM count").one().rows;
      if (rows <= limits.storedLimitKeys) return;
      sql.exec(
        "DELETE FROM count WHERE key IN (SELECT key FROM count ORDER BY expires_ms LIMIT ?)",
        rows - limits.storedLimitKeys,
      );
    });
  }
}
