// When the keys of a token issuer are fetched: a pure machine around the one fact that nobody can be asked on every
// request. Keys serve while they are fresh; while they are stale, too, but a fetch is under way; an unknown key id asks
// for a fetch at once, though not more often than strangers' tokens may cause.

export interface KeyRefreshTerms {
  readonly cacheDurationMs: number;
}

export interface KeyRefreshState {
  /** When the keys that are held were fetched; `undefined`: none are. */
  readonly fetchedAtMs: number | undefined;
  readonly attemptedAtMs: number;
  /** Attempts in a row that failed. */
  readonly failures: number;
}

export const neverFetched: KeyRefreshState = {
  fetchedAtMs: undefined,
  attemptedAtMs: Number.NEGATIVE_INFINITY,
  failures: 0,
};

/** For how long after their cache duration keys still serve while the issuer cannot be reached. */
const staleMs = 3_600_000;
/** Between two fetches that unknown key ids ask for. */
const unknownKeyIntervalMs = 10_000;
const firstRetryMs = 1_000;
const maxRetryMs = 60_000;

export interface KeyRefreshStep {
  /** Begin a fetch. */
  readonly fetch: boolean;
  /** The keys that are held may be used. */
  readonly usable: boolean;
}

/** A request needs keys. */
export function needKeys(terms: KeyRefreshTerms, state: KeyRefreshState, nowMs: number): KeyRefreshStep {
  const ageMs = state.fetchedAtMs === undefined ? Infinity : nowMs - state.fetchedAtMs;
  return {
    fetch: ageMs >= terms.cacheDurationMs && mayRetry(state, nowMs),
    usable: ageMs < terms.cacheDurationMs + staleMs,
  };
}

/** A token names a key that is not held. */
export function missKey(state: KeyRefreshState, nowMs: number): KeyRefreshStep {
  const fetch = nowMs - state.attemptedAtMs >= unknownKeyIntervalMs && mayRetry(state, nowMs);
  return { fetch, usable: state.fetchedAtMs !== undefined };
}

export function fetchBegan(state: KeyRefreshState, nowMs: number): KeyRefreshState {
  return { ...state, attemptedAtMs: nowMs };
}

export function fetchEnded(state: KeyRefreshState, succeeded: boolean, nowMs: number): KeyRefreshState {
  return succeeded
    ? { ...state, fetchedAtMs: nowMs, failures: 0 }
    : { ...state, failures: state.failures + 1 };
}

function mayRetry({ failures, attemptedAtMs }: KeyRefreshState, nowMs: number): boolean {
  if (failures === 0) return true;
  const waitMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 16));
  return nowMs - attemptedAtMs >= waitMs;
}
