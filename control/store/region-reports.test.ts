import { expect, test } from "vitest";
import type { ControlSyncRequest } from "#contract/sync.ts";
import { RegionReports } from "./region-reports.ts";

const report = (region: string): ControlSyncRequest => ({
  region,
  snapshotVersion: 1,
  trustVersion: 1,
  gateways: [],
  agents: [],
  endpoints: [],
  counters: {},
});

test("the last report of a region counts", () => {
  const reports = new RegionReports();
  reports.record(report("eu"), 1000);
  reports.record({ ...report("eu"), snapshotVersion: 2 }, 2000);
  expect(reports.list(2000)).toMatchObject([{ region: "eu", snapshotVersion: 2, lastSyncMs: 2000 }]);
});

test("a region that is silent for an hour is gone", () => {
  const reports = new RegionReports();
  reports.record(report("eu"), 0);
  expect(reports.list(3_600_000)).toHaveLength(1);
  expect(reports.list(3_600_001)).toEqual([]);
});

test("the number of regions is bounded; the one silent longest goes first", () => {
  const reports = new RegionReports();
  for (let index = 0; index < 300; index += 1) reports.record(report(`r${index}`), index);
  const listed = reports.list(300).map(({ region }) => region);
  expect(listed).toHaveLength(256);
  expect(listed).not.toContain("r43");
  expect(listed).toContain("r44");
});
