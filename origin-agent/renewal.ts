// When to renew a certificate, and what to do when that fails: a pure schedule, no clock of its own.

/** Longest delay that `setTimeout` takes; a later date is reached in steps. */
const maxTimerMs = 2 ** 31 - 1;
const firstRetryMs = 1_000;
const maxRetryMs = 60_000;

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Half-life: late enough that renewals are rare, early enough to survive an outage as long as half the lifetime. */
export function renewAtMs({ notBeforeMs, notAfterMs }: Validity): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) / 2;
}

/** Time until the next renewal attempt is due, `failures` attempts after the half-life. `random` is in [0, 1). */
export function renewalDelayMs(validity: Validity, failures: number, nowMs: number, random: number): number {
  if (failures === 0) return Math.min(Math.max(0, renewAtMs(validity) - nowMs), maxTimerMs);
  const ceilingMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 16));
  // At least half of it, so that a refusing edge is not asked in a tight loop.
  return Math.floor(ceilingMs * (0.5 + random / 2));
}
