// Durations of Go (`1.5s`, `1h30m`) → those of the native configuration.
import { formatDuration } from "../duration-text.ts";

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds, rounded up: what is longer than nothing stays so. */
export function goDurationMs(text: string): number {
  let totalMs = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g)) {
    totalMs += Number(digits) * unitMs[unit!]!;
  }
  return Math.ceil(totalMs - 1e-9);
}

/** `0s` for none at all. */
export function nativeDuration(text: string): string {
  const ms = goDurationMs(text);
  return ms === 0 ? "0s" : formatDuration(ms);
}
