// One audit log out of two: each object writes its own, because an entry belongs into the transaction of its change.
import type { auditPageSchema } from "#contract/admin.ts";
import type { z } from "zod";
import type { AuditRow } from "../audit-log.ts";
import { Refusal } from "../refusal.ts";

/** Ids below which the next page takes its entries, one for each log. */
export interface AuditCursor {
  readonly config: number;
  readonly identity: number;
}

/** Throws {@link Refusal} `request_invalid`. */
export function auditCursorFrom(before: string | undefined): AuditCursor {
  if (before === undefined) return { config: Number.MAX_SAFE_INTEGER, identity: Number.MAX_SAFE_INTEGER };
  const match = /^([0-9]{1,16})-([0-9]{1,16})$/.exec(before);
  if (!match) throw new Refusal("request_invalid", "query.before: expected the `next` of an earlier page");
  return { config: Number(match[1]), identity: Number(match[2]) };
}

/** The newest `limit` entries of both logs (each newest first), and where the following page starts. */
export function mergeAudit(
  config: readonly AuditRow[],
  identity: readonly AuditRow[],
  limit: number,
  cursor: AuditCursor,
): z.infer<typeof auditPageSchema> {
  const tagged = [
    ...config.map((row) => ({ ...row, log: "config" as const })),
    ...identity.map((row) => ({ ...row, log: "identity" as const })),
  ].sort((a, b) => b.atMs - a.atMs || b.id - a.id);
  const entries = tagged.slice(0, limit);
  const lowest = (log: "config" | "identity"): number =>
    Math.min(cursor[log], ...entries.filter((entry) => entry.log === log).map((entry) => entry.id));
  const more = entries.length === limit;
  return { entries, ...(more && { next: `${lowest("config")}-${lowest("identity")}` }) };
}
