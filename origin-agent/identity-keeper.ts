// Sees to it that the agent has a valid certificate: the stored one, one by joining, a renewed one at half-life. It never
// gives up; while it fails, its log says what to do.
import { setTimeout as sleep } from "node:timers/promises";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { decodePem } from "#contract/identity/pem.ts";
import { errorFields } from "./agent-error.ts";
import { createBackoff } from "./backoff.ts";
import { createIdentityRequest } from "./identity-request.ts";
import type { Identity, IdentityStore } from "./identity-store.ts";
import type { Log } from "./log.ts";
import { renewAtMs, renewalDelayMs, type Signer } from "./renewal.ts";

export interface IdentityKeeperOptions {
  readonly tunnel: string;
  readonly store: IdentityStore;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Joins once with the token of the moment. */
  join(): Promise<Identity>;
  /** Has a signing request answered over an authenticated connection. */
  renew(csrPem: string): Promise<unknown>;
  /** Called with each new identity, after it is stored. `joined`: by a token, so nothing of the old edge need hold. */
  onIdentity(identity: Identity, how: { readonly joined: boolean }): void;
  /** The same certificate with other roots, for the next connection. */
  onTrust(identity: Identity): void;
}

/** So many make the longest wait before the next attempt. */
const patientFailures = 16;

export class IdentityKeeper {
  /** Resolves when the keeper has ended and nothing is left to be written. Never rejects. */
  readonly stopped: Promise<void>;
  readonly #options: IdentityKeeperOptions;
  readonly #signal: AbortSignal;
  readonly #joinBackoff;
  #identity: Identity | undefined;
  /** The edge refused the certificate with this serial. */
  #rejectedSerial: string | undefined;
  #renewalFailures = 0;
  #signer: Signer | undefined;
  /** This agent's place among those that renew when another authority takes over. */
  readonly #turn: number;
  #wake = new AbortController();

  /** Runs until `signal` aborts. */
  constructor(options: IdentityKeeperOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#turn = options.random();
    this.#joinBackoff = createBackoff({ baseMs: 1_000, capMs: 30_000 }, options.random);
    this.stopped = this.#run();
  }

  /** The edge does not accept the identity, whatever its dates say: join again as soon as a token allows it. */
  reject(serial: string): void {
    if (this.#identity?.serial !== serial || this.#rejectedSerial === serial) return;
    this.#rejectedSerial = serial;
    this.#wake.abort();
  }

  /** The edge accepted it after all. */
  accept(serial: string): void {
    if (this.#rejectedSerial === serial) this.#rejectedSerial = undefined;
  }

  /** What the edge says of its authorities: the roots that vouch for it, and which one issues certificates from when. */
  trust(rootsPem: readonly string[], signer: Signer | undefined): void {
    if (signer?.keyIdentifier !== this.#signer?.keyIdentifier || signer?.fromMs !== this.#signer?.fromMs) {
      this.#signer = signer;
      // It may be due by now.
      this.#wake.abort();
    }
    const trustBundlePem = rootsPem.join("\n");
    if (!this.#identity || this.#identity.trustBundlePem === trustBundlePem) return;
    const identity = { ...this.#identity, trustBundlePem };
    const { log, store, onTrust } = this.#options;
    this.#identity = identity;
    log.info("trust_changed", { roots: rootsPem.length });
    onTrust(identity);
    store.save(identity).catch((error: unknown) => log.error("trust_not_stored", errorFields(error)));
  }

  async #run(): Promise<void> {
    const { nowMs, onIdentity } = this.#options;
    this.#identity = await loadStored(this.#options);
    if (this.#identity && !this.#signal.aborted) onIdentity(this.#identity, { joined: false });
    while (!this.#signal.aborted) {
      const identity = this.#identity;
      const usable = identity && nowMs() < identity.notAfterMs && identity.serial !== this.#rejectedSerial;
      if (usable) await this.#renew(identity);
      else await this.#join();
    }
  }

  async #join(): Promise<void> {
    try {
      await this.#use(await this.#options.join(), true);
    } catch (error) {
      this.#options.log.error("join_failed", errorFields(error));
      await this.#pause(this.#joinBackoff.nextMs());
    }
  }

  async #renew(current: Identity): Promise<void> {
    const { nowMs, random, tunnel, log } = this.#options;
    await this.#pause(renewalDelayMs(this.#dueMs(current), this.#renewalFailures, nowMs(), random()));
    if (this.#signal.aborted || nowMs() < this.#dueMs(current)) return;
    try {
      const request = await createIdentityRequest(tunnel);
      const renewed = await request.complete(await this.#options.renew(request.csrPem));
      await this.#use(renewed, false);
      // The edge's clock is behind: it still has the authority of before.
      if (nowMs() >= this.#dueMs(renewed)) this.#renewalFailures = patientFailures;
    } catch (error) {
      this.#renewalFailures += 1;
      const expires = new Date(current.notAfterMs).toISOString();
      log.warn("renewal_failed", { ...errorFields(error), serial: current.serial, expires });
    }
  }

  #dueMs(identity: Identity): number {
    const [leaf] = decodePem("CERTIFICATE", identity.certificateChainPem);
    const authorityKeyIdentifier = leaf && parseCertificate(leaf).authorityKeyIdentifier;
    return renewAtMs({ ...identity, authorityKeyIdentifier }, this.#signer, this.#turn);
  }

  async #use(identity: Identity, joined: boolean): Promise<void> {
    const { store, log, onIdentity } = this.#options;
    await store.save(identity);
    this.#identity = identity;
    this.#renewalFailures = 0;
    this.#joinBackoff.reset();
    const { spiffeId, serial, notAfterMs } = identity;
    log.info(joined ? "joined" : "renewed", {
      spiffeId,
      serial,
      expires: new Date(notAfterMs).toISOString(),
    });
    if (!this.#signal.aborted) onIdentity(identity, { joined });
  }

  /** Waits, at most until the keeper is woken or stopped. */
  async #pause(delayMs: number): Promise<void> {
    this.#wake = new AbortController();
    const signal = AbortSignal.any([this.#signal, this.#wake.signal]);
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }
}

/** The stored identity if it can still be used; otherwise the log says why not. */
async function loadStored(options: IdentityKeeperOptions): Promise<Identity | undefined> {
  const { store, tunnel, log, nowMs } = options;
  try {
    const stored = await store.load();
    if (!stored) return undefined;
    const { serial, notAfterMs } = stored;
    const expires = new Date(notAfterMs).toISOString();
    if (stored.tunnel !== tunnel) {
      log.warn("identity_ignored", { reason: `it is for the tunnel ${stored.tunnel}`, serial });
    } else if (notAfterMs <= nowMs()) {
      log.warn("identity_ignored", { reason: `it expired at ${expires}`, serial });
    } else {
      log.info("identity_loaded", { spiffeId: stored.spiffeId, serial, expires });
      return stored;
    }
  } catch (error) {
    log.error("identity_ignored", errorFields(error));
  }
  return undefined;
}
