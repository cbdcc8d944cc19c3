// Draws that are spread evenly: shares are kept over a few hundred requests, where fair draws would be off by several
// points.

/** The fractional part of the golden ratio: of all steps, its multiples leave the most even gaps (Kronecker sequence). */
const goldenStep = (Math.sqrt(5) - 1) / 2;

/**
 * A sequence in [0, 1) whose share in any interval differs from the interval's length by O(log n / n) after n draws, and so
 * does that of every second draw, every third, and so on: clients that take turns do not get shares of their own.
 * `start`, in [0, 1), should be random, so that isolates do not move in step.
 */
export function evenDraws(start: number): () => number {
  let point = start;
  return () => {
    point += goldenStep;
    if (point >= 1) point -= 1;
    return point;
  };
}
