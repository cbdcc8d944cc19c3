// A duration of a policy: longer than nothing, and no longer than a timer holds.
import { durationMs, durationSchema } from "#contract/duration.ts";

/** Timers count milliseconds in 31 bits, on Node and on workerd; beyond that they fire at once. */
const maxTimerMs = 2 ** 31 - 1;
const maxHours = Math.floor(maxTimerMs / 3_600_000);

/** Malformed ones are the schema's own to report. */
function fits(duration: string): boolean {
  if (!durationSchema.safeParse(duration).success) return true;
  const ms = durationMs(duration);
  return ms > 0 && ms <= maxTimerMs;
}

export const durationField = durationSchema.refine(fits, {
  message: `expected a duration longer than 0s and of at most ${maxHours}h`,
});
