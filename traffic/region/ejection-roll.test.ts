// Ejections of several isolates become the region's.
import { expect, test } from "vitest";
import { passiveHealthCheckSchema } from "#contract/backend-policy.ts";
import { testBackend } from "../balance/balancer.fixture.ts";
import { EjectionRoll } from "./ejection-roll.ts";

const backend = {
  ...testBackend("RoundRobin", [1, 1, 1]),
  healthCheck: { passive: passiveHealthCheckSchema.parse({ maxEjectionPercent: 34 }) },
};
const keys = backend.endpoints.map(({ id }) => `orders|${id}`);
const snapshot = {
  format: 1 as const,
  listeners: [],
  routes: [],
  backends: [backend],
  settings: {
    clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
    accessLog: { mode: "errors" as const },
  },
};
const report = (key: number, untilMs: number) => ({ [keys[key]!]: { untilMs, reason: `why ${key}` } });

function roll(): EjectionRoll {
  const made = new EjectionRoll();
  made.replace(snapshot);
  return made;
}

test("the endpoint that most isolates have ejected is out, and no more than may be", () => {
  const made = roll();
  made.heard("a", report(0, 900));
  made.heard("b", report(1, 500));
  made.heard("c", report(1, 500));
  expect(made.merged(100)).toEqual([{ key: keys[1], reason: "why 1", sinceMs: 100 }]);
  expect(made.merged(200)).toEqual([{ key: keys[1], reason: "why 1", sinceMs: 100 }]);
});

test("an ejection ends when its isolates take it back, or when it is over", () => {
  const made = roll();
  made.heard("a", report(0, 900));
  expect(made.merged(100)).toHaveLength(1);
  made.heard("a", {});
  expect(made.merged(200)).toEqual([]);
  made.heard("b", report(2, 900));
  expect(made.merged(300)).toHaveLength(1);
  expect(made.merged(900)).toEqual([]);
});

test("backends without passive health, and endpoints that do not exist, have no ejections", () => {
  const made = new EjectionRoll();
  made.replace({ ...snapshot, backends: [testBackend("Random", [1, 1])] });
  made.heard("a", { ...report(0, 900), "orders|elsewhere:1": { untilMs: 900, reason: "" } });
  expect(made.merged(0)).toEqual([]);
});
