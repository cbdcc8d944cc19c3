// Detector and balancer together on a virtual clock: an endpoint dies under load and comes back.
import { expect, test } from "vitest";
import { passiveHealthCheckSchema } from "#contract/backend-policy.ts";
import { createBalancer } from "../balance/balancer.ts";
import { seededRandom, testBackend } from "../balance/balancer.fixture.ts";
import { OutlierDetector } from "./outlier-detector.ts";

test("a dead endpoint costs at most as many requests as the threshold, and returns without a stampede", () => {
  const backend = testBackend("LeastRequest", [1, 1, 1]);
  const random = seededRandom(1);
  const balancer = createBalancer(backend, random);
  const policy = passiveHealthCheckSchema.parse({ consecutiveGatewayErrors: 3, baseEjectionTimeMs: 5_000 });
  const ids = backend.endpoints.map(({ id }) => id);
  const outliers = new OutlierDetector(policy, ids, random);
  const dead = (nowMs: number) => nowMs >= 1_000 && nowMs < 9_000;

  const failed: number[] = [];
  const perSecond = Array.from({ length: 30 }, () => 0);
  for (let nowMs = 0; nowMs < 30_000; nowMs++) {
    for (const { index, ejected } of outliers.tick(nowMs)) balancer.setEjected(index, ejected, nowMs);
    const index = balancer.pick({ nowMs });
    balancer.started(index);
    const fails = index === 0 && dead(nowMs);
    balancer.ended(index, { nowMs, latencyMs: 1, failed: fails });
    const change = outliers.record(index, fails ? "local-origin-failure" : "success", 1, nowMs);
    if (change !== undefined) balancer.setEjected(change.index, true, nowMs);
    if (fails) failed.push(nowMs);
    if (index === 0) perSecond[Math.floor(nowMs / 1_000)]!++;
  }
  // Three to notice, one on probation after the first ejection; of 8,000 requests in the outage.
  expect(failed.length).toBeLessThanOrEqual(4);
  const returned = perSecond.findIndex((count, second) => second > 9 && count > 0);
  // A tenth of its share at first, all of it 10 s later.
  expect(perSecond[returned]!).toBeLessThan(100);
  expect(perSecond[29]!).toBeGreaterThan(300);
});
