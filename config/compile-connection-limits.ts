// Limits of a listener's connections: durations as text → milliseconds.
import type { ConnectionLimits } from "#contract/connection-limits.ts";
import { durationMs } from "#contract/duration.ts";
import type { NativeListener } from "./native/schema.ts";

export function compileConnectionLimits({
  connectionLimit,
  rateLimit,
  clientLimits,
}: NonNullable<NativeListener["connection"]>): ConnectionLimits {
  return {
    ...(connectionLimit && { connectionLimit }),
    ...(rateLimit && { rateLimit: { ...compileRate(rateLimit), overflow: rateLimit.overflow } }),
    ...(clientLimits && {
      clientLimits: clientLimits.map(({ rateLimit: rate, ...limit }) => ({
        ...limit,
        ...(rate && { rateLimit: compileRate(rate) }),
      })),
    }),
  };
}

function compileRate({ connections, window }: { connections: number; window: string }): {
  connections: number;
  windowMs: number;
} {
  return { connections, windowMs: durationMs(window) };
}
