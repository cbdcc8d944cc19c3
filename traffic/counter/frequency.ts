// How many events there were in the last period, as HAProxy counts them (`freq_ctr`): a period begins with its first event,
// and of the one before counts what is still in sight.

export interface Frequency {
  readonly startMs: number;
  readonly current: number;
  readonly previous: number;
}

export function addEvents(
  before: Frequency | undefined,
  count: number,
  periodMs: number,
  nowMs: number,
): Frequency {
  if (!before || nowMs - before.startMs >= 2 * periodMs) {
    return { startMs: nowMs, current: count, previous: 0 };
  }
  // A clock that goes back stays in the period it had reached.
  if (nowMs - before.startMs < periodMs) return { ...before, current: before.current + count };
  return { startMs: before.startMs + periodMs, current: count, previous: before.current };
}

/** A whole number. */
export function eventsIn({ startMs, current, previous }: Frequency, periodMs: number, nowMs: number): number {
  const ageMs = Math.max(0, nowMs - startMs);
  if (ageMs >= 2 * periodMs) return 0;
  if (ageMs < periodMs) return current + Math.floor((previous * (periodMs - ageMs)) / periodMs);
  return Math.floor((current * (2 * periodMs - ageMs)) / periodMs);
}
