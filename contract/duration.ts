// Durations as the Gateway API writes them (GEP-2257): `10s`, `1h30m`, `500ms`. Inside, only milliseconds exist.
import { z } from "zod";

const pattern = /^([0-9]{1,5}(h|ms|m|s)){1,4}$/;
const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** A GEP-2257 duration string; still a string after parsing, see {@link durationMs}. */
export const durationSchema = z
  .string()
  .regex(pattern, "expected a duration such as 500ms, 10s or 1h30m (GEP-2257)")
  .meta({ id: "Duration", examples: ["500ms", "10s", "1h30m"] });

/** Milliseconds of a valid GEP-2257 duration. Throws `RangeError` on anything else. */
export function durationMs(duration: string): number {
  if (!pattern.test(duration)) throw new RangeError(`not a GEP-2257 duration: ${duration}`);
  let totalMs = 0;
  for (const [, digits, unit] of duration.matchAll(/([0-9]+)(h|ms|m|s)/g)) {
    totalMs += Number(digits) * unitMs[unit!]!;
  }
  return totalMs;
}
