import { expect, test } from "vitest";
import type { ControlSyncRequest } from "#contract/sync.ts";
import { RegionReports } from "../store/region-reports.ts";
import { TrafficTotals } from "./traffic-totals.ts";

const report = (region: string, counters: Record<string, number>): ControlSyncRequest => ({
  region,
  snapshotVersion: 1,
  trustVersion: 1,
  gateways: [],
  agents: [],
  endpoints: [],
  counters,
});
const fromRoute = (route: string): string => `requests_total{route="${route}",backend="b",code="2xx"}`;

test("requests of a backend are those of all routes and regions; rates are over the last seconds", () => {
  const reports = new RegionReports();
  for (let second = 0; second <= 20; second += 1) {
    reports.record(
      report("eu", { [fromRoute("x")]: 100 + second * 10, [fromRoute("y")]: second }),
      second * 1000,
    );
    reports.record(report("us", { [fromRoute("x")]: second * 4 }), second * 1000);
  }
  const totals = new TrafficTotals(reports.traffic(20_000));
  const traffic = totals.traffic("requests_total", { backend: "b" });
  expect(traffic.statuses).toEqual([0, 400, 0, 0, 0]);
  expect(traffic.requestsPerSecond).toBeCloseTo(15);
  expect(totals.traffic("requests_total", { route: "y", backend: "b" }).requests).toBe(20);
});

test("a region that starts anew has no negative rate", () => {
  const reports = new RegionReports();
  reports.record(report("eu", { [fromRoute("x")]: 1000 }), 0);
  reports.record(report("eu", { [fromRoute("x")]: 5 }), 1000);
  const totals = new TrafficTotals(reports.traffic(1000));
  expect(totals.traffic("requests_total", { backend: "b" })).toMatchObject({
    requests: 5,
    requestsPerSecond: 0,
  });
});

test("connections of a backend and an endpoint are those of all routes, however they ended", () => {
  const reports = new RegionReports();
  const counters = {
    'connections_total{route="x",backend="b",result="ok"}': 5,
    'connections_total{route="y",backend="b",result="connection_reset"}': 2,
    'endpoint_connections_total{backend="b",endpoint="e",result="connected"}': 6,
    'endpoint_connections_total{backend="b",endpoint="e",result="unreached"}': 1,
  };
  reports.record(report("eu", counters), 0);
  const totals = new TrafficTotals(reports.traffic(0));
  expect(totals.connections("connections_total", { backend: "b" }).requests).toBe(7);
  expect(totals.connections("endpoint_connections_total", { backend: "b", endpoint: "e" }).requests).toBe(7);
});
