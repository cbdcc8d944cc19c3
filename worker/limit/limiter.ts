// What this isolate knows of limits: its leases, its local counts, and its lines to the RateLimiter objects. Outlives a
// snapshot, so a published change takes nobody's count back. Memory is bounded whatever keys clients make up.
import type { LimiterAnswer, LimiterCall } from "#contract/limiter-call.ts";
import { limits } from "#contract/limits.ts";
import type { Limit, RateLimit } from "#contract/rate-limit.ts";
import { hashText } from "#traffic/balance/hash-text.ts";
import { ConcurrencyLimit } from "#traffic/limit/concurrency-limit.ts";
import { KeyTable } from "#traffic/limit/key-table.ts";
import type { LimitState } from "#traffic/limit/spend.ts";
import { LeasedKey } from "./leased-key.ts";
import { LimitCounters } from "./limit-counters.ts";
import { LimiterLink } from "./limiter-link.ts";

export interface LimiterInputs {
  /** Random id of this isolate. */
  readonly holder: string;
  readonly nowMs: () => number;
  /** Calls the RateLimiter of this number. Rejects when it does not answer within `limits.limiterCallMs`. */
  readonly call: (limiter: number, call: LimiterCall) => Promise<LimiterAnswer>;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** A lease holder with its fields and a lease or two. Measured on V8, rounded up. */
const leasedKeyBytes = 1_200;
/** Distinct limits that are told from one another; beyond, keys of equal limits start anew. */
const maxLimits = 4_096;

export class Limiter {
  readonly counters = new LimitCounters();
  readonly nowMs: () => number;
  /** Counts of local limits, and of strict ones while their limiter cannot be reached. */
  readonly localCounts = new KeyTable<LimitState>(limits.limitKeysPerIsolate, limits.limitKeysBytes);
  readonly #inputs: LimiterInputs;
  readonly #leased = new KeyTable<LeasedKey>(
    limits.limitKeysPerIsolate,
    limits.limitKeysBytes,
    () => leasedKeyBytes,
  );
  readonly #links: (LimiterLink | undefined)[] = [];
  readonly #concurrency = new Map<string, ConcurrencyLimit>();
  readonly #limits = new Map<string, Limit>();

  constructor(inputs: LimiterInputs) {
    this.#inputs = inputs;
    this.nowMs = inputs.nowMs;
  }

  /** Equal limits are the same object, from one snapshot to the next. */
  sameLimit(limit: Limit): Limit {
    const name = JSON.stringify(limit);
    const known = this.#limits.get(name);
    if (known) return known;
    if (this.#limits.size >= maxLimits) this.#limits.clear();
    this.#limits.set(name, limit);
    return limit;
  }

  /** The line to the object that counts a key. */
  linkTo(key: string): LimiterLink {
    const number = hashText(key) % limits.rateLimiters;
    const { holder, nowMs, log } = this.#inputs;
    return (this.#links[number] ??= new LimiterLink({
      holder,
      nowMs,
      log: (event, fields) => log(event, { limiter: number, ...fields }),
      call: (call) => {
        this.counters.calls += 1;
        return this.#inputs.call(number, call);
      },
    }));
  }

  /** A key whose limit has changed starts with no lease. */
  leasedKey(key: string, limit: Limit, onUnavailable: RateLimit["onUnavailable"]): LeasedKey {
    const known = this.#leased.get(key);
    if (known && known.limit === limit && known.onUnavailable === onUnavailable) return known;
    const { holder, nowMs } = this.#inputs;
    const leased = new LeasedKey({ key, limit, onUnavailable, holder, nowMs, link: this.linkTo(key) });
    this.#leased.set(key, leased);
    return leased;
  }

  /** As many as there are limits; requests under way stay counted when `max` changes. */
  concurrency(id: string, max: number): ConcurrencyLimit {
    const limit = this.#concurrency.get(id) ?? new ConcurrencyLimit(max);
    limit.max = max;
    this.#concurrency.set(id, limit);
    return limit;
  }

  /** Keys kept, for tests and status. */
  get usage(): { readonly leased: number; readonly local: number } {
    return { leased: this.#leased.size, local: this.localCounts.size };
  }
}
