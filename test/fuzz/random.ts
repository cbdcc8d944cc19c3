// Random choices that a seed decides.
export interface Random {
  /** Below `bound`, which is above 0; 0 for others. */
  below(bound: number): number;
  one<Item>(items: readonly Item[]): Item;
}

/** SplitMix32. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (bound: number): number => (bound > 0 ? next() % bound : 0);
  return {
    below,
    one: (items) => items[below(items.length)]!,
  };
}
