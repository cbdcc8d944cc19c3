// The configuration store: versions, admin tokens, audit log, and what the regions report.
// A shell: rows are in *-table.ts; documents are compiled and packed before they come here (admin/publish.ts).
import { DurableObject } from "cloudflare:workers";
import type { Role, VersionSummary } from "#contract/admin.ts";
import type { AdministerRequest, AdministeredEndpoint, Administration } from "#contract/administration.ts";
import { HeldCalls } from "#contract/held-calls.ts";
import type { ControlSyncRequest } from "#contract/sync.ts";
import { type AuditRow, appendAudit, createAuditTable, listAudit } from "../audit-log.ts";
import { type Outcome, Refusal, outcomeOf } from "../refusal.ts";
import { secretHash, secretTokenFrom } from "../token/secret-token.ts";
import {
  administrationOf,
  administrationVersion,
  createAdministrationTable,
  findAdministered,
  listAdministered,
  storeAdministered,
} from "./administration-table.ts";
import { unpackSnapshot } from "./packed-json.ts";
import { RegionReports, type RegionTraffic } from "./region-reports.ts";
import { retention, versionsToForget } from "./retention.ts";
import {
  type TokenRow,
  type TokenSummary,
  createTokenTable,
  deleteToken,
  findToken,
  insertToken,
  listTokens,
  maxTokens,
  pruneTokens,
} from "./token-table.ts";
import {
  type Document,
  type StoredVersion,
  type VersionRow,
  createVersionTables,
  deleteVersions,
  findVersion,
  insertVersion,
  listVersions,
  readDocument,
  versionSizes,
} from "./version-table.ts";

/** A version as the caller prepared it; the store adds number and time. */
export type Candidate = Omit<VersionRow, "createdAtMs"> & {
  /** The version it was made against; 0 for none. */
  readonly expectedVersion: number;
};

export interface PackedVersion {
  readonly summary: VersionSummary;
  readonly contentsHash: string;
  readonly packed: Uint8Array;
}

/** What a region does not know yet. */
export interface RegionNews {
  readonly newer?: PackedVersion;
  readonly administration?: Administration;
}

export class ConfigStore extends DurableObject {
  readonly #sql = this.ctx.storage.sql;
  readonly #regions = new RegionReports();
  /** Regions that wait for news (decision 0019). */
  readonly #held = new HeldCalls();
  #current: StoredVersion | undefined;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as never);
    createVersionTables(this.#sql);
    createTokenTable(this.#sql);
    createAuditTable(this.#sql);
    createAdministrationTable(this.#sql);
    void ctx.blockConcurrencyWhile(async () => {
      this.#current = await this.#newestWhole();
    });
  }

  // --- versions ----------------------------------------------------------------------------------------------------

  /** Stores a version and makes it current. Refused with `version_conflict` when another came first. */
  publish(candidate: Candidate): Promise<Outcome<VersionSummary>> {
    return outcomeOf(async () => {
      const { expectedVersion, ...row } = candidate;
      const createdAtMs = Date.now();
      const stored = this.ctx.storage.transactionSync(() => {
        const currentVersion = this.#current?.version ?? 0;
        if (currentVersion !== expectedVersion) {
          throw new Refusal(
            "version_conflict",
            `Version ${currentVersion} is current, not ${expectedVersion}.`,
          );
        }
        const version = insertVersion(this.#sql, { ...row, createdAtMs });
        deleteVersions(this.#sql, versionsToForget(versionSizes(this.#sql), retention));
        const rolledBack = row.rollbackOf === undefined ? "" : ` restores ${row.rollbackOf}`;
        appendAudit(this.#sql, {
          atMs: createdAtMs,
          actor: row.author,
          action: row.rollbackOf === undefined ? "config.publish" : "config.rollback",
          detail: `version ${version}${rolledBack} ${row.hash} ${row.reason}`.trimEnd(),
        });
        return findVersion(this.#sql, version)!;
      });
      // The platform's output gate holds every answer that could show this until it is on disk; a failed write resets the object.
      this.#current = stored;
      await this.ctx.storage.sync();
      this.#held.tellNews();
      return this.#summary(stored);
    });
  }

  /** One document of a version, by default the current one; nothing where there is none. */
  read(document: Document, version?: number): PackedVersion | undefined {
    const stored = version === undefined ? this.#current : findVersion(this.#sql, version);
    return (
      stored && {
        summary: this.#summary(stored),
        contentsHash: stored.contentsHash,
        packed: readDocument(this.#sql, stored.version, document),
      }
    );
  }

  /** The current snapshot, unless the caller has it already; `none` before the first publish. */
  readUnless(knownHash: string | undefined): PackedVersion | "same" | "none" {
    if (!this.#current) return "none";
    return this.#current.hash === knownHash ? "same" : (this.read("snapshot") ?? "none");
  }

  list(limit: number, before: number): VersionSummary[] {
    return listVersions(this.#sql, limit, before).map((stored) => this.#summary(stored));
  }

  // --- regions -----------------------------------------------------------------------------------------------------

  /** Takes a region's report; answers when there is something that the region does not know, or `holdMs` have passed. */
  async sync(report: ControlSyncRequest, holdMs: number): Promise<RegionNews> {
    this.#regions.record(report, Date.now());
    const news = this.#newsFor(report);
    if (holdMs === 0 || news.newer || news.administration) return news;
    await this.#held.untilNews(() => scheduler.wait(holdMs));
    return this.#newsFor(report);
  }

  #newsFor({ snapshotVersion, administrationVersion: known = 0 }: ControlSyncRequest): RegionNews {
    const newer = snapshotVersion < (this.#current?.version ?? 0) ? this.read("snapshot") : undefined;
    const isBehind = known < administrationVersion(this.#sql);
    return { ...(newer && { newer }), ...(isBehind && { administration: administrationOf(this.#sql) }) };
  }

  status(): { current?: VersionSummary; regions: ReturnType<RegionReports["list"]> } {
    return {
      ...(this.#current && { current: this.#summary(this.#current) }),
      regions: this.#regions.list(Date.now()),
    };
  }

  /** Everything that statistics and metrics are made of, besides the snapshot. */
  observe(): {
    regions: ReturnType<RegionReports["list"]>;
    traffic: RegionTraffic[];
    administered: AdministeredEndpoint[];
  } {
    const nowMs = Date.now();
    return {
      regions: this.#regions.list(nowMs),
      traffic: this.#regions.traffic(nowMs),
      administered: listAdministered(this.#sql),
    };
  }

  // --- endpoints ---------------------------------------------------------------------------------------------------

  /** Takes an operator's word on an endpoint that the caller has found in the current version. */
  administer(actor: string, request: AdministerRequest): Promise<Outcome<AdministeredEndpoint>> {
    return outcomeOf(async () => {
      const { backend, endpoint, reason = "" } = request;
      const before = findAdministered(this.#sql, backend, endpoint);
      const state = request.state ?? before?.state ?? "ready";
      const weight = request.weight === undefined ? before?.weight : (request.weight ?? undefined);
      const entry: AdministeredEndpoint = {
        backend,
        endpoint,
        state,
        ...(weight !== undefined && { weight }),
        actor,
        reason,
        atMs: Date.now(),
      };
      const said = [
        ...(request.state === undefined ? [] : [`state ${state}`]),
        ...(request.weight === undefined ? [] : [`weight ${weight ?? "as configured"}`]),
      ];
      const detail = `${backend} ${endpoint} ${said.join(", ")} ${reason}`.trimEnd();
      await this.#commit(actor, "endpoint.administer", detail, () => storeAdministered(this.#sql, entry));
      this.#held.tellNews();
      return entry;
    });
  }

  listAdministered(): AdministeredEndpoint[] {
    return listAdministered(this.#sql);
  }

  // --- tokens and audit --------------------------------------------------------------------------------------------

  createToken(
    actor: string,
    name: string,
    role: Role,
    expiresInSeconds: number | undefined,
  ): Promise<Outcome<TokenSummary & { token: string }>> {
    return outcomeOf(async () => {
      const { id, token } = secretTokenFrom("istk", crypto.getRandomValues(new Uint8Array(40)));
      const hash = await secretHash(token);
      const createdAtMs = Date.now();
      const summary: TokenSummary = {
        id,
        name,
        role,
        createdAtMs,
        ...(expiresInSeconds !== undefined && { expiresAtMs: createdAtMs + expiresInSeconds * 1000 }),
      };
      await this.#commit(actor, "token.create", `${id} ${name} ${role}`, () => {
        pruneTokens(this.#sql, createdAtMs);
        if (listTokens(this.#sql).length >= maxTokens) {
          throw new Refusal("token_limit", `There are ${maxTokens} tokens already; delete some first.`);
        }
        insertToken(this.#sql, { ...summary, hash });
      });
      return { ...summary, token };
    });
  }

  findToken(id: string): TokenRow | undefined {
    return findToken(this.#sql, id);
  }

  listTokens(): TokenSummary[] {
    return listTokens(this.#sql);
  }

  deleteToken(actor: string, id: string): Promise<Outcome<TokenSummary>> {
    return outcomeOf(async () => {
      const found = findToken(this.#sql, id);
      if (!found) throw new Refusal("token_not_found", `No token has the id ${id}.`);
      const { hash: _hash, ...summary } = found;
      await this.#commit(actor, "token.delete", `${id} ${summary.name} ${summary.role}`, () =>
        deleteToken(this.#sql, id),
      );
      return summary;
    });
  }

  listAudit(limit: number, beforeId: number): AuditRow[] {
    return listAudit(this.#sql, limit, beforeId);
  }

  async #commit(actor: string, action: string, detail: string, change: () => void): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      change();
      appendAudit(this.#sql, { atMs: Date.now(), actor, action, detail });
    });
    await this.ctx.storage.sync();
  }

  #summary({ contentsHash: _contentsHash, ...stored }: StoredVersion): VersionSummary {
    return { ...stored, current: stored.version === this.#current?.version };
  }

  /** At start: the newest version whose bytes still have the hash that they were published under. */
  async #newestWhole(): Promise<StoredVersion | undefined> {
    let before = Number.MAX_SAFE_INTEGER;
    for (;;) {
      const [stored] = listVersions(this.#sql, 1, before);
      if (!stored) return undefined;
      try {
        const packed = readDocument(this.#sql, stored.version, "snapshot");
        await unpackSnapshot(stored.version, stored.hash, packed);
        return stored;
      } catch (error) {
        console.error(`configuration version ${stored.version} cannot be served: ${String(error)}`);
        before = stored.version;
      }
    }
  }
}
