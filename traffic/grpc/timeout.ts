// `grpc-timeout`: how long a client waits for the end of its call (PROTOCOL-HTTP2, "Timeout").

const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds, perhaps a fraction; undefined for a value that is none, which is as good as no timeout. */
export function parseGrpcTimeout(value: string | null | undefined): number | undefined {
  const parts = value ? /^([0-9]{1,8})([HMSmun])$/.exec(value) : null;
  return parts ? Number(parts[1]) * unitMs[parts[2]!]! : undefined;
}

/** At most eight digits, so that long times lose their milliseconds; never more than was given. */
export function formatGrpcTimeout(timeoutMs: number): string {
  const ms = Math.max(0, Math.floor(timeoutMs));
  if (ms < 1e8) return `${ms}m`;
  const seconds = Math.floor(ms / 1_000);
  return seconds < 1e8 ? `${seconds}S` : `${Math.min(Math.floor(seconds / 3_600), 99_999_999)}H`;
}
