// The region's view of ejections: every isolate reports its own, the region tells all of them, and the bound on how many
// endpoints may be ejected holds for the union, too.

export interface EjectionReport {
  readonly id: string;
  readonly untilMs: number;
}

/** Endpoints of a pool that may be ejected together: the given percentage, but one if there are two or more. */
export function ejectionAllowance(poolSize: number, maxEjectionPercent: number): number {
  if (poolSize < 2) return 0;
  return Math.max(1, Math.floor((poolSize * maxEjectionPercent) / 100));
}

/**
 * Ejections in force in the region. Where isolates report more than may be ejected, those seen by most isolates win, then
 * those that last longest. `reports` has one list per isolate.
 */
export function mergeEjections(
  reports: readonly (readonly EjectionReport[])[],
  poolSize: number,
  maxEjectionPercent: number,
  nowMs: number,
): EjectionReport[] {
  const merged = new Map<string, { id: string; untilMs: number; votes: number }>();
  for (const report of reports) {
    for (const { id, untilMs } of report) {
      if (untilMs <= nowMs) continue;
      const known = merged.get(id) ?? { id, untilMs, votes: 0 };
      merged.set(id, { id, untilMs: Math.max(known.untilMs, untilMs), votes: known.votes + 1 });
    }
  }
  return [...merged.values()]
    .sort((a, b) => b.votes - a.votes || b.untilMs - a.untilMs || (a.id < b.id ? -1 : 1))
    .slice(0, ejectionAllowance(poolSize, maxEjectionPercent))
    .map(({ id, untilMs }) => ({ id, untilMs }));
}
