// "Did you mean …?": the known name nearest to a mistyped one.

/** Beyond this many candidates a suggestion is not worth its time. */
const maxCandidates = 2_000;
const maxChars = 64;

/** The candidate with the smallest edit distance, if that is small for the name's length; `undefined`: none is near. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length > maxCandidates || name.length > maxChars) return undefined;
  let nearest: string | undefined;
  // A third of the letters may be wrong.
  let best = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= best) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Optimal string alignment distance: a swap of two neighbours counts as one edit, since fingers do that. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2]! + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
