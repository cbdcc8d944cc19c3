// An isolate's own ejections, the region's, and both across snapshots.
import { expect, test } from "vitest";
import { passiveHealthCheckSchema } from "#contract/backend-policy.ts";
import { createBalancer } from "../balance/balancer.ts";
import { testBackend } from "../balance/balancer.fixture.ts";
import { EndpointWatch } from "./endpoint-watch.ts";

const backend = testBackend("RoundRobin", [1, 1, 1]);
const ids = backend.endpoints.map(({ id }) => id);
const policy = passiveHealthCheckSchema.parse({ consecutive5xxErrors: 2, baseEjectionTimeMs: 10_000 });
const random = (): number => 0;

function ejected(balancer: ReturnType<typeof createBalancer>): string[] {
  return balancer
    .status()
    .endpoints.filter(({ reasons }) => reasons.includes("ejected"))
    .map(({ id }) => id);
}

test("an ejection holds at once, tells its reason, survives a new snapshot, and ends", () => {
  const balancer = createBalancer(backend, random);
  const watch = new EndpointWatch(policy, ids, balancer, random, 0);
  watch.record(1, "error-5xx", 1, 100);
  expect(ejected(balancer)).toEqual([]);
  watch.record(1, "gateway-error", 1, 200);
  expect(ejected(balancer)).toEqual([ids[1]]);
  expect(watch.ejections()).toEqual([{ id: ids[1], untilMs: 10_200, reason: "2 consecutive 5xx errors" }]);

  const later = createBalancer(backend, random, { previous: balancer, nowMs: 300 });
  const next = new EndpointWatch(policy, ids, later, random, 300, watch);
  expect(ejected(later)).toEqual([ids[1]]);
  expect(next.ejections()[0]?.reason).toBe("2 consecutive 5xx errors");
  next.tick(10_200);
  expect(ejected(later)).toEqual([]);
  expect(next.ejections()).toEqual([]);
});

test("what the region has ejected is out until the region takes it back", () => {
  const balancer = createBalancer(backend, random);
  const watch = new EndpointWatch(policy, ids, balancer, random, 0);
  watch.setRegional(new Set([ids[2]!]), 10);
  expect(ejected(balancer)).toEqual([ids[2]]);
  expect(watch.ejections()).toEqual([]);
  watch.tick(60_000);
  expect(ejected(balancer)).toEqual([ids[2]]);
  watch.setRegional(new Set(), 60_001);
  expect(ejected(balancer)).toEqual([]);
});
