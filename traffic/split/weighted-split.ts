// Splits traffic over weighted references in proportion to their weights (HTTPRoute `backendRefs[].weight`).
// The random number is an argument, so a pick is a pure function and allocates nothing.

export interface WeightedSplit {
  /** Index of the reference that owns `unit` (in [0, 1)), or -1 when no reference has weight. */
  pick(unit: number): number;
}

/** Computes the split once; `pick` is a binary search over cumulative weights. */
export function compileSplit(refs: readonly { readonly weight: number }[]): WeightedSplit {
  const indexes: number[] = [];
  const ends: number[] = [];
  let total = 0;
  refs.forEach(({ weight }, index) => {
    if (weight <= 0) return;
    total += weight;
    indexes.push(index);
    ends.push(total);
  });
  if (indexes.length === 0) return { pick: () => -1 };
  const only = indexes[0]!;
  if (indexes.length === 1) return { pick: () => only };

  return {
    pick(unit) {
      const point = unit * total;
      let low = 0;
      let high = ends.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (point < ends[middle]!) high = middle;
        else low = middle + 1;
      }
      return indexes[low]!;
    },
  };
}
