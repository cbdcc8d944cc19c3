// When to renew a certificate, and what to do when that fails: a pure schedule, no clock of its own.

/** Longest delay that `setTimeout` takes; a later date is reached in steps. */
const maxTimerMs = 2 ** 31 - 1;
const firstRetryMs = 1_000;
const maxRetryMs = 60_000;

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Another authority takes over at a moment that all agents know; they come to it over this long. */
const takeOverSpreadMs = 5_000;

/** Whose certificates are good from then on (`Trust.signer`). */
export interface Signer {
  readonly keyIdentifier: string;
  readonly fromMs: number;
}

/** Half-life: late enough that renewals are rare, early enough to survive an outage as long as half the lifetime. */
export function halfLifeMs({ notBeforeMs, notAfterMs }: Validity): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) / 2;
}

/**
 * When to renew: at half-life, or once another authority than the certificate's signs. `random`, in [0, 1), is the same for
 * one certificate.
 */
export function renewAtMs(
  validity: Validity & { readonly authorityKeyIdentifier?: string | undefined },
  signer: Signer | undefined,
  random: number,
): number {
  const atHalfLifeMs = halfLifeMs(validity);
  if (!signer || signer.keyIdentifier === validity.authorityKeyIdentifier) return atHalfLifeMs;
  return Math.min(atHalfLifeMs, signer.fromMs + random * takeOverSpreadMs);
}

/** Time until the next renewal attempt, `failures` attempts after `dueMs`. `random` is in [0, 1). */
export function renewalDelayMs(dueMs: number, failures: number, nowMs: number, random: number): number {
  if (failures === 0) return Math.min(Math.max(0, dueMs - nowMs), maxTimerMs);
  const ceilingMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 16));
  // At least half of it, so that a refusing edge is not asked in a tight loop.
  return Math.floor(ceilingMs * (0.5 + random / 2));
}
