// Cost of one pick, by algorithm and pool size: `node bench/balance.ts`. Each figure is the best of five rounds.
import { createBalancer } from "#traffic/balance/balancer.ts";
import { seededRandom, testBackend } from "#traffic/balance/balancer.fixture.ts";

const sizes = [3, 10, 16, 100, 1_000];
const types = ["RoundRobin", "LeastRequest", "Random", "ConsistentHash", "PeakEWMA"] as const;
const picks = 200_000;
const outcome = { nowMs: 0, latencyMs: 1, failed: false };

/** Nanoseconds per pick with its `started` and `ended`; weights 1, 2 and 3 in turn. */
function measure(type: (typeof types)[number], size: number): number {
  const weights = Array.from({ length: size }, (_, index) => 1 + (index % 3));
  const balancer = createBalancer(testBackend(type, weights), seededRandom(1));
  const request = { nowMs: 0, hashKey: 0 };
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const startMs = performance.now();
    for (let n = 0; n < picks; n++) {
      request.hashKey = Math.imul(n, 0x9e3779b1) >>> 0;
      const index = balancer.pick(request);
      balancer.started(index);
      balancer.ended(index, outcome);
    }
    best = Math.min(best, ((performance.now() - startMs) * 1e6) / picks);
  }
  return best;
}

console.log(`ns per pick`.padEnd(16), ...sizes.map((size) => String(size).padStart(7)));
for (const type of types) {
  console.log(type.padEnd(16), ...sizes.map((size) => measure(type, size).toFixed(0).padStart(7)));
}
