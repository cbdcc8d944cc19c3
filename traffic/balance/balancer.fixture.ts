// Backends and a seeded random source for the tests and the benchmark of this folder.
import type { LoadBalancer, SnapshotBackend } from "#contract/snapshot.ts";

/** A backend with one endpoint per weight, `10.0.0.<index>:80`. */
export function testBackend(type: LoadBalancer["type"], weights: readonly number[]): SnapshotBackend {
  return {
    name: "orders",
    protocol: "HTTP",
    endpoints: weights.map((weight, index) => ({
      id: `10.0.0.${index}:80`,
      address: `10.0.0.${index}`,
      port: 80,
      weight,
    })),
    loadBalancer: { type },
    healthCheck: {},
  };
}

/** Mulberry32: numbers in [0, 1), the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
