// What a RateLimiter object knows and answers: the true count of each of its keys. The object around it only receives calls
// and stores; time is an argument.
//
// Memory is bounded: the keys that were used least recently are forgotten, and with them what they had spent. That is
// harmless for a key whose units have come back since, which is any key that nobody has used for a window.
import type { LimiterAnswer, LimiterCall, SpendAsk, SpendReply } from "#contract/limiter-call.ts";
import { limits } from "#contract/limits.ts";
import type { LeaseReply, Limit } from "#contract/rate-limit.ts";
import { giveBack } from "./give-back.ts";
import { KeyTable } from "./key-table.ts";
import { grantLease, type GrantorState, noGrants } from "./lease-grantor.ts";
import { type LimitState, spend } from "./spend.ts";

/** What is to outlive the object's process: the count of a key, until its units have come back anyway. */
export interface StoredCount {
  readonly key: string;
  readonly state: LimitState;
  readonly expiresMs: number;
}

/** Counts of shorter windows are not stored: a restart lets each such key spend one burst more, once. */
const storedWindowMs = 60_000;
/** A holder's name is shared by all keys, its entry is not. Measured on V8, rounded up. */
const holderBytes = 48;
/** An isolate that has not called for this long counts no more. */
const holderForgottenMs = 10_000;
const maxHolders = 1_024;

export class LimiterMachine {
  readonly #keys = new KeyTable<GrantorState>(
    limits.limitKeysPerLimiter,
    limits.limiterKeysBytes,
    ({ holders }) => holderBytes * Object.keys(holders).length,
  );
  readonly #stored: (key: string) => LimitState | undefined;
  #changed = new Map<string, StoredCount>();
  /** When each isolate last called, least recent first. */
  readonly #holders = new Map<string, number>();

  /** `stored` reads the count of a key from what {@link takeChanged} gave out. */
  constructor(stored: (key: string) => LimitState | undefined) {
    this.#stored = stored;
  }

  /** Throws `RangeError` for a call that refers to a limit it does not carry. */
  handle(call: LimiterCall, nowMs: number): LimiterAnswer {
    const limitAt = (index: number): Limit => {
      const limit = call.limits[index];
      if (!limit) throw new RangeError(`limit ${index} of ${call.limits.length}`);
      return limit;
    };
    for (const { key, limit, units, spentMs } of call.returns) {
      this.#return(key, limitAt(limit), units, spentMs, nowMs);
    }
    const holders = this.#heard(call.holder, nowMs);
    return {
      nowMs,
      holders,
      leases: call.leases.map(({ key, limit, wanted, least }): LeaseReply => {
        const ask = { holder: call.holder, wanted, least };
        const [state, reply] = grantLease(limitAt(limit), this.#stateOf(key, limitAt(limit)), ask, nowMs);
        this.#keep(key, limitAt(limit), state, nowMs);
        return reply;
      }),
      spends: call.spends.map((items) => this.#spendAll(items, limitAt, nowMs)),
    };
  }

  /** Counts of long windows that have changed since the last call, to be stored. */
  takeChanged(): StoredCount[] {
    const changed = [...this.#changed.values()];
    this.#changed = new Map();
    return changed;
  }

  get changedCount(): number {
    return this.#changed.size;
  }

  /** Keys in memory, and an estimate of what they take. */
  get usage(): { readonly keys: number; readonly bytes: number; readonly evicted: number } {
    return { keys: this.#keys.size, bytes: this.#keys.usedBytes, evicted: this.#keys.evicted };
  }

  /** Nothing is spent unless every enforced limit allows it. */
  #spendAll(items: readonly SpendAsk[], limitAt: (index: number) => Limit, nowMs: number): SpendReply[] {
    const verdicts = items.map((item) => {
      const limit = limitAt(item.limit);
      const before = this.#stateOf(item.key, limit);
      return { item, limit, before, verdict: spend(limit, before.limit, item.cost, nowMs) };
    });
    const spent = verdicts.every(({ item, verdict }) => verdict.allowed || !item.enforced);
    return verdicts.map(({ item, limit, before, verdict }) => {
      if (spent) this.#keep(item.key, limit, { ...before, limit: verdict.state }, nowMs);
      const { allowed, remaining, retryAfterMs, resetAfterMs } = verdict;
      return {
        allowed,
        remaining,
        resetAfterMs,
        ...(Number.isFinite(retryAfterMs) && { retryAfterMs }),
      };
    });
  }

  #return(key: string, limit: Limit, units: number, spentMs: number, nowMs: number): void {
    const before = this.#keys.get(key);
    if (!before?.limit) return;
    this.#keep(key, limit, { ...before, limit: giveBack(limit, before.limit, units, spentMs) }, nowMs);
  }

  #stateOf(key: string, limit: Limit): GrantorState {
    const known = this.#keys.get(key);
    if (known) return known;
    if (limit.windowMs < storedWindowMs) return noGrants;
    const stored = this.#changed.get(key)?.state ?? this.#stored(key);
    return stored ? { ...noGrants, limit: stored } : noGrants;
  }

  #keep(key: string, limit: Limit, state: GrantorState, nowMs: number): void {
    this.#keys.set(key, state);
    if (limit.windowMs < storedWindowMs || !state.limit) return;
    const { resetAfterMs } = spend(limit, state.limit, 0, nowMs);
    this.#changed.set(key, { key, state: state.limit, expiresMs: nowMs + resetAfterMs });
  }

  /** How many isolates have called of late. */
  #heard(holder: string, nowMs: number): number {
    this.#holders.delete(holder);
    this.#holders.set(holder, nowMs);
    for (const [name, atMs] of this.#holders) {
      if (nowMs - atMs < holderForgottenMs && this.#holders.size <= maxHolders) break;
      this.#holders.delete(name);
    }
    return this.#holders.size;
  }
}
