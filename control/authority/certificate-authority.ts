// The certificate authority: roots, one-time join tokens, short-lived certificates, revocation.
// A shell: policy is in certificate-policy.ts, rows in authority-tables.ts, keys in root-key.ts.
import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import type {
  authoritySchema,
  certificateSummarySchema,
  importAuthorityRequestSchema,
  joinTokenSchema,
  serverCertificateSchema,
} from "#contract/admin.ts";
import { verifyCsr } from "#contract/identity/csr.ts";
import { encodeHex, encodePem } from "#contract/identity/pem.ts";
import {
  type CertificateIssuer,
  type CertificateTemplate,
  serialFromRandom,
  signCertificate,
} from "#contract/identity/sign-certificate.ts";
import { agentSpiffeId } from "#contract/identity/spiffe-id.ts";
import type { IssuedCertificate, JoinRequest, RenewRequest, Trust } from "#contract/sync.ts";
import { type AuditRow, appendAudit, createAuditTable, listAudit } from "../audit-log.ts";
import { type Outcome, Refusal, outcomeOf, refusalFor } from "../refusal.ts";
import { secretHash, secretTokenFrom, secretTokenId } from "../token/secret-token.ts";
import {
  type RootRow,
  countCertificatesOfRoot,
  countJoinTokens,
  countUses,
  countValidCertificates,
  createAuthorityTables,
  deleteJoinToken,
  deleteRoot,
  findCertificate,
  insertCertificate,
  insertJoinToken,
  insertRoot,
  listCertificates,
  listRoots,
  markRevoked,
  maxCertificatesPerId,
  maxJoinTokens,
  pruneAuthority,
  raiseTrustVersion,
  readTrust,
  trustVersion,
} from "./authority-tables.ts";
import { agentTemplate, agentTtlMs, serverTemplate } from "./certificate-policy.ts";
import { isoTime, requireJoinToken, requireRenewable } from "./issue-conditions.ts";
import { readAuthority } from "./imported-authority.ts";
import { createRoot, importedRoot, openRoot, rootsPem, signingRoot } from "./root-key.ts";

export interface AuthorityEnv {
  /** At least 16 characters; without it nothing is signed. */
  readonly CA_KEY_SECRET?: string;
  readonly TRUST_DOMAIN: string;
  readonly CERTIFICATE_TTL_SECONDS?: string;
}

type CertificateSummary = z.infer<typeof certificateSummarySchema>;
const pruneIntervalMs = 3_600_000;

/** What a signature was made for, and who asked. */
interface Issue {
  readonly actor: string;
  readonly csrPem: string;
  readonly spiffeId: string;
  readonly names: readonly string[];
  template(subject: { serial: Uint8Array; spki: Uint8Array }, rootNotAfterMs: number): CertificateTemplate;
  /** Runs in the transaction that records the certificate; throws to refuse it. */
  consume(): void;
}

export class CertificateAuthority extends DurableObject<AuthorityEnv> {
  readonly #sql = this.ctx.storage.sql;
  /** Open signing keys by root id. */
  readonly #issuers = new Map<string, CertificateIssuer>();

  constructor(ctx: DurableObjectState, env: AuthorityEnv) {
    super(ctx, env);
    createAuthorityTables(this.#sql);
    createAuditTable(this.#sql);
  }

  /** The trust document, or nothing where the caller already holds it. Creates the authority on first use. */
  trust(knownVersion: number): Promise<Outcome<Trust | undefined>> {
    return outcomeOf(async () => {
      await this.#ensureRoot();
      if (knownVersion >= trustVersion(this.#sql)) return undefined;
      return readTrust(this.#sql, this.env.TRUST_DOMAIN);
    });
  }

  /** Its roots, and how far a rotation has come. `serials`: of agents that are connected. */
  describe(serials: readonly string[]): Promise<Outcome<z.infer<typeof authoritySchema>>> {
    return outcomeOf(async () => {
      const signer = await this.#ensureRoot();
      const nowMs = Date.now();
      return {
        trustDomain: this.env.TRUST_DOMAIN,
        trustVersion: trustVersion(this.#sql),
        roots: listRoots(this.#sql).map(({ id, notAfterMs, signsFromMs, intermediatesPem }) => ({
          id,
          imported: intermediatesPem !== undefined,
          notAfterMs,
          signsFromMs,
          signing: id === signer.id,
          certificates: countCertificatesOfRoot(this.#sql, id, nowMs),
          inUse: countUses(this.#sql, id, serials),
        })),
      };
    });
  }

  createJoinToken(
    actor: string,
    tunnel: string,
    expiresInSeconds: number,
  ): Promise<Outcome<z.infer<typeof joinTokenSchema>>> {
    return outcomeOf(async () => {
      requireTunnelName(this.env.TRUST_DOMAIN, tunnel);
      const nowMs = Date.now();
      const expiresAtMs = nowMs + expiresInSeconds * 1000;
      const { id, token } = secretTokenFrom("istj", crypto.getRandomValues(new Uint8Array(40)));
      const hash = await secretHash(token);
      await this.#commit(actor, "join-token.create", `${id} for tunnel ${tunnel}`, () => {
        if (countJoinTokens(this.#sql) >= maxJoinTokens) {
          throw new Refusal("token_limit", `More than ${maxJoinTokens} join tokens wait to be used.`);
        }
        insertJoinToken(this.#sql, id, { hash, tunnel, expiresAtMs });
      });
      return { token, tunnel, expiresAtMs };
    });
  }

  /** A new identity against a join token, which works once. */
  join(request: JoinRequest): Promise<Outcome<IssuedCertificate>> {
    return outcomeOf(async () => {
      const { token, tunnel, csrPem } = request;
      const id = secretTokenId("istj", token) ?? "";
      const hash = await secretHash(token);
      // Before the expensive part, so that strangers cost no signature; again in the transaction, so that two cannot win.
      requireJoinToken(this.#sql, id, hash, tunnel);
      const consume = (): void => {
        requireJoinToken(this.#sql, id, hash, tunnel);
        deleteJoinToken(this.#sql, id);
      };
      const spiffeId = agentSpiffeId(this.env.TRUST_DOMAIN, tunnel);
      return this.#issueAgent({ actor: `join-token ${id}`, csrPem, spiffeId, consume });
    });
  }

  /** A new certificate for the holder of a valid one, which stays valid until it expires. */
  renew(request: RenewRequest): Promise<Outcome<IssuedCertificate>> {
    return outcomeOf(async () => {
      const { spiffeId, certificateSerial, csrPem } = request;
      const consume = (): void => requireRenewable(this.#sql, certificateSerial, spiffeId);
      consume();
      return this.#issueAgent({ actor: `certificate ${certificateSerial}`, csrPem, spiffeId, consume });
    });
  }

  issueServerCertificate(
    actor: string,
    csrPem: string,
    names: string[],
  ): Promise<Outcome<z.infer<typeof serverCertificateSchema>>> {
    return outcomeOf(async () => {
      const nowMs = Date.now();
      const { pem, notAfterMs } = await this.#issue({
        actor,
        csrPem,
        spiffeId: "",
        names,
        template: (subject, rootNotAfterMs) => serverTemplate(subject, names, rootNotAfterMs, nowMs),
        consume: () => undefined,
      });
      return { certificateChainPem: pem, notAfterMs };
    });
  }

  revoke(actor: string, serial: string, reason: string): Promise<Outcome<CertificateSummary>> {
    return outcomeOf(async () => {
      const found = findCertificate(this.#sql, serial);
      if (!found) throw new Refusal("certificate_not_found", `No certificate has the serial ${serial}.`);
      if (found.revokedAtMs === undefined) {
        await this.#commit(actor, "certificate.revoke", `${serial} ${found.spiffeId} ${reason}`, () => {
          markRevoked(this.#sql, serial, Date.now());
          raiseTrustVersion(this.#sql);
        });
      }
      return findCertificate(this.#sql, serial)!;
    });
  }

  /**
   * Adds a root that everyone trusts at once and that signs only after `leadSeconds`, by default the lifetime of an
   * agent's certificate: by then every agent has renewed, and with its certificate got the new bundle. The old root
   * goes when its last certificate has expired.
   */
  rotate(actor: string, leadSeconds: number | undefined): Promise<Outcome<Trust>> {
    return outcomeOf(async () => {
      await this.#ensureRoot();
      const nowMs = Date.now();
      const root = await this.#newRoot(nowMs + this.#leadMs(leadSeconds), nowMs);
      await this.#addRoot(actor, "authority.rotate", root, nowMs);
      return readTrust(this.#sql, this.env.TRUST_DOMAIN);
    });
  }

  /**
   * Brings an authority of the operator's own (decision 0016), which takes over as {@link rotate} says, or at once where
   * there was none. One that is here already changes nothing.
   */
  importAuthority(
    actor: string,
    { leadSeconds, ...pem }: z.infer<typeof importAuthorityRequestSchema>,
  ): Promise<Outcome<Trust>> {
    return outcomeOf(async () => {
      const nowMs = Date.now();
      const authority = await readAuthority(pem, agentTtlMs(this.env.CERTIFICATE_TTL_SECONDS), nowMs);
      if (!listRoots(this.#sql).some(({ id }) => id === authority.id)) {
        const random = crypto.getRandomValues(new Uint8Array(28));
        const leadMs = listRoots(this.#sql).length === 0 ? 0 : this.#leadMs(leadSeconds);
        const root = await importedRoot(authority, this.env.CA_KEY_SECRET, random, nowMs + leadMs);
        await this.#addRoot(actor, "authority.import", root, nowMs);
        await this.ctx.storage.setAlarm(nowMs + pruneIntervalMs);
      }
      return readTrust(this.#sql, this.env.TRUST_DOMAIN);
    });
  }

  /** Takes an authority out with everything that it issued. `serials`: of agents that are connected. */
  retire(actor: string, id: string, serials: readonly string[], force: boolean): Promise<Outcome<Trust>> {
    return outcomeOf(async () => {
      const signer = await this.#ensureRoot();
      if (!listRoots(this.#sql).some((root) => root.id === id)) {
        throw new Refusal("root_not_found", `There is no authority ${id}.`);
      }
      if (id === signer.id) {
        throw new Refusal("root_in_use", `The authority ${id} is the one that signs.`, {
          remedy: "Rotate first, or import another one; `isthmus ca show` tells when that one signs.",
        });
      }
      const uses = countUses(this.#sql, id, serials);
      if (uses > 0 && !force) {
        throw new Refusal("root_in_use", `Certificates of the authority ${id} are in use ${uses} times.`, {
          remedy: "Agents renew within seconds once its successor signs; force cuts those off that do not.",
        });
      }
      await this.#commit(actor, "authority.retire", `root ${id}${force ? " by force" : ""}`, () => {
        deleteRoot(this.#sql, id, Date.now());
        raiseTrustVersion(this.#sql);
      });
      this.#issuers.delete(id);
      return readTrust(this.#sql, this.env.TRUST_DOMAIN);
    });
  }

  #leadMs(leadSeconds: number | undefined): number {
    return leadSeconds === undefined ? agentTtlMs(this.env.CERTIFICATE_TTL_SECONDS) : leadSeconds * 1000;
  }

  /** Trusted from now on. Throws {@link Refusal} `rotation_pending`. */
  #addRoot(actor: string, action: string, root: RootRow, nowMs: number): Promise<void> {
    return this.#commit(actor, action, `root ${root.id} signs from ${isoTime(root.signsFromMs)}`, () => {
      const roots = listRoots(this.#sql);
      if (roots.some((other) => other.signsFromMs > nowMs) || roots.length >= 8) {
        throw new Refusal("rotation_pending", "The last rotation is not finished.", {
          remedy:
            "Wait until the new root signs, and retire the oldest one (`isthmus ca show`, `isthmus ca retire`).",
        });
      }
      insertRoot(this.#sql, root);
      raiseTrustVersion(this.#sql);
    });
  }

  listCertificates(
    limit: number,
    beforeSequence: number,
  ): { certificates: CertificateSummary[]; lastSequence: number } {
    return listCertificates(this.#sql, limit, beforeSequence);
  }

  listAudit(limit: number, beforeId: number): AuditRow[] {
    return listAudit(this.#sql, limit, beforeId);
  }

  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const signer = signingRoot(listRoots(this.#sql), nowMs);
    if (signer) this.ctx.storage.transactionSync(() => pruneAuthority(this.#sql, signer.id, nowMs));
    await this.ctx.storage.setAlarm(nowMs + pruneIntervalMs);
  }

  async #issueAgent(
    agent: Pick<Issue, "actor" | "csrPem" | "spiffeId" | "consume">,
  ): Promise<IssuedCertificate> {
    const nowMs = Date.now();
    const ttlMs = agentTtlMs(this.env.CERTIFICATE_TTL_SECONDS);
    const { pem, notAfterMs } = await this.#issue({
      ...agent,
      names: [],
      template: (subject, rootEndMs) => agentTemplate(subject, agent.spiffeId, ttlMs, rootEndMs, nowMs),
      consume: () => {
        agent.consume();
        if (countValidCertificates(this.#sql, agent.spiffeId, nowMs) >= maxCertificatesPerId) {
          throw new Refusal(
            "certificate_limit",
            `${agent.spiffeId} already has ${maxCertificatesPerId} certificates that are not expired.`,
          );
        }
      },
    });
    const trustBundlePem = rootsPem(listRoots(this.#sql)).join("");
    return { certificateChainPem: pem, trustBundlePem, spiffeId: agent.spiffeId, notAfterMs };
  }

  /** Signs first and records after: what is refused in the transaction never leaves this object. */
  async #issue(issue: Issue): Promise<{ pem: string; notAfterMs: number }> {
    const spki = await verifyRequest(issue.csrPem);
    const root = await this.#ensureRoot();
    const issuer = await this.#issuer(root);
    const serialBytes = serialFromRandom(crypto.getRandomValues(new Uint8Array(16)));
    const template = issue.template({ serial: serialBytes, spki }, root.notAfterMs);
    const der = await signCertificate(template, issuer);
    const { notBeforeMs, notAfterMs } = template;
    const { actor, spiffeId, names } = issue;
    const serial = encodeHex(serialBytes);
    const detail = `${serial} ${spiffeId || names.join(" ")}`;
    await this.#commit(actor, "certificate.issue", detail, () => {
      issue.consume();
      insertCertificate(this.#sql, { serial, spiffeId, names, rootId: root.id, notBeforeMs, notAfterMs });
    });
    return { pem: encodePem("CERTIFICATE", der) + (root.intermediatesPem ?? ""), notAfterMs };
  }

  /** One change with its audit entry, answered only once it is on disk. */
  async #commit(actor: string, action: string, detail: string, change: () => void): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      change();
      appendAudit(this.#sql, { atMs: Date.now(), actor, action, detail });
    });
    await this.ctx.storage.sync();
  }

  /** The root that signs now; the first one is made here. */
  async #ensureRoot(): Promise<RootRow> {
    const nowMs = Date.now();
    const existing = signingRoot(listRoots(this.#sql), nowMs);
    if (existing) return existing;
    const root = await this.#newRoot(nowMs, nowMs);
    await this.#commit("control", "authority.create", `root ${root.id}`, () => {
      // Another request may have been faster while the key was made.
      if (listRoots(this.#sql).length > 0) return;
      insertRoot(this.#sql, root);
      raiseTrustVersion(this.#sql);
    });
    await this.ctx.storage.setAlarm(nowMs + pruneIntervalMs);
    return signingRoot(listRoots(this.#sql), nowMs)!;
  }

  #newRoot(signsFromMs: number, nowMs: number): Promise<RootRow> {
    const random = crypto.getRandomValues(new Uint8Array(44));
    return createRoot(this.env.TRUST_DOMAIN, this.env.CA_KEY_SECRET, random, signsFromMs, nowMs);
  }

  async #issuer(root: RootRow): Promise<CertificateIssuer> {
    const open = this.#issuers.get(root.id) ?? (await openRoot(root, this.env.CA_KEY_SECRET));
    this.#issuers.set(root.id, open);
    return open;
  }
}

async function verifyRequest(csrPem: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await verifyCsr(csrPem);
  } catch (error) {
    throw refusalFor(error);
  }
}

/** The contract's names allow a little more than a SPIFFE path does, `a//b` for one. */
function requireTunnelName(trustDomain: string, tunnel: string): void {
  try {
    agentSpiffeId(trustDomain, tunnel);
  } catch (error) {
    throw new Refusal("request_invalid", `tunnel: ${(error as Error).message}`);
  }
}
