// Durations of policies: longer than nothing, and no longer than what holds them.
import { durationMs, durationSchema } from "#contract/duration.ts";

/** Timers count milliseconds in 31 bits, on Node and on workerd; beyond that they fire at once. */
const maxTimerMs = 2 ** 31 - 1;
/** Browsers keep no cookie for longer than 400 days (RFC 6265bis §5.5). */
const maxLifetimeMs = 400 * 24 * 3_600_000;

export const durationField = longerThanNothing(maxTimerMs);

/** For what no timer waits for: cookies and sessions. */
export const lifetimeField = longerThanNothing(maxLifetimeMs);

function longerThanNothing(maxMs: number) {
  const fits = (duration: string): boolean => {
    // Malformed ones are the schema's own to report.
    if (!durationSchema.safeParse(duration).success) return true;
    const ms = durationMs(duration);
    return ms > 0 && ms <= maxMs;
  };
  return durationSchema.refine(fits, {
    message: `expected a duration longer than 0s and of at most ${Math.floor(maxMs / 3_600_000)}h`,
  });
}
