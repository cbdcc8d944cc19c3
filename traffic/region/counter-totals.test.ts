import { expect, test } from "vitest";
import { CounterTotals } from "./counter-totals.ts";
import { GatewayRoll } from "./gateway-roll.ts";

test("totals grow, survive, and always hold the two that the state path is judged by", () => {
  const totals = new CounterTotals([["requests_total", 10]]);
  totals.add({ requests_total: 5, "errors_total{}": 1, bad: NaN, worse: -1 });
  expect(totals.all()).toEqual({ requests_total: 15, sync_calls_total: 0, "errors_total{}": 1 });
  expect(Object.fromEntries(totals.takeChanged())).toEqual({ requests_total: 15, "errors_total{}": 1 });
  expect(totals.takeChanged()).toEqual([]);
});

test("names are bounded; what finds no room is counted as such", () => {
  const totals = new CounterTotals();
  for (let index = 0; index < 30_000; index += 1) totals.add({ [`n${index}`]: 1 });
  expect(Object.keys(totals.all()).length).toBeLessThanOrEqual(20_001);
  expect(totals.all()["counters_dropped_total"]).toBeGreaterThan(9_000);
});

test("gateways are forgotten after a minute of silence, and bounded", () => {
  const roll = new GatewayRoll();
  for (let index = 0; index < 2_000; index += 1) roll.heard(`g${index}`, 1, index);
  expect(roll.present(2_000)).toHaveLength(1_024);
  roll.heard("g1999", 2, 61_500);
  expect(roll.present(62_500)).toEqual([{ gateway: "g1999", snapshotVersion: 2, lastSyncMs: 61_500 }]);
});
