// What operators said of endpoints, as rows. Apart from the versions: a publish or rollback does not undo it.
import {
  type AdministeredEndpoint,
  type Administration,
  maxAdministeredEndpoints,
} from "#contract/administration.ts";
import { endpointKey } from "#contract/snapshot.ts";
import { Refusal } from "../refusal.ts";

interface AdministrationRecord extends Record<string, SqlStorageValue> {
  backend: string;
  endpoint: string;
  state: string;
  weight: number | null;
  actor: string;
  reason: string;
  at_ms: number;
}

export function createAdministrationTable(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS administration (
      backend TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL, weight INTEGER, actor TEXT NOT NULL,
      reason TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (backend, endpoint)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS administration_version (
      id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL
    );
  `);
}

export function findAdministered(
  sql: SqlStorage,
  backend: string,
  endpoint: string,
): AdministeredEndpoint | undefined {
  const [row] = sql
    .exec<AdministrationRecord>(
      "SELECT * FROM administration WHERE backend = ? AND endpoint = ?",
      backend,
      endpoint,
    )
    .toArray();
  return row && administeredOf(row);
}

/** By backend and endpoint. */
export function listAdministered(sql: SqlStorage): AdministeredEndpoint[] {
  return sql
    .exec<AdministrationRecord>("SELECT * FROM administration ORDER BY backend, endpoint")
    .toArray()
    .map(administeredOf);
}

/** Call inside a transaction. An endpoint that is ready with the configured weight leaves the table. Throws {@link Refusal} `administration_limit`. */
export function storeAdministered(sql: SqlStorage, entry: AdministeredEndpoint): void {
  const { backend, endpoint, state, weight, actor, reason, atMs } = entry;
  sql.exec("DELETE FROM administration WHERE backend = ? AND endpoint = ?", backend, endpoint);
  if (state !== "ready" || weight !== undefined) {
    const { count } = sql.exec<{ count: number }>("SELECT count(*) AS count FROM administration").one();
    if (count >= maxAdministeredEndpoints) {
      throw new Refusal(
        "administration_limit",
        `${maxAdministeredEndpoints} endpoints are administered already.`,
        {
          remedy:
            "Set some to ready with --weight configured, or change the configuration instead. `isthmus endpoint list` shows them.",
        },
      );
    }
    sql.exec(
      "INSERT INTO administration VALUES (?, ?, ?, ?, ?, ?, ?)",
      backend,
      endpoint,
      state,
      weight ?? null,
      actor,
      reason,
      atMs,
    );
  }
  // At least the time of day, so that a store that was lost and started anew never repeats a version.
  const version = Math.max(administrationVersion(sql) + 1, Math.floor(atMs));
  sql.exec("INSERT OR REPLACE INTO administration_version VALUES (1, ?)", version);
}

/** 0: nobody has said anything yet. */
export function administrationVersion(sql: SqlStorage): number {
  const [row] = sql.exec<{ version: number }>("SELECT version FROM administration_version").toArray();
  return row?.version ?? 0;
}

/** What the regions get: without who and why. */
export function administrationOf(sql: SqlStorage): Administration {
  return {
    version: administrationVersion(sql),
    endpoints: Object.fromEntries(
      listAdministered(sql).map(({ backend, endpoint, state, weight }) => [
        endpointKey(backend, endpoint),
        { state, ...(weight !== undefined && { weight }) },
      ]),
    ),
  };
}

function administeredOf(row: AdministrationRecord): AdministeredEndpoint {
  const { backend, endpoint, actor, reason } = row;
  return {
    backend,
    endpoint,
    state: row.state as AdministeredEndpoint["state"],
    ...(row.weight !== null && { weight: row.weight }),
    actor,
    reason,
    atMs: row.at_ms,
  };
}
