import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { healthReports } from "./health-report.ts";

test("nothing checked is still a report of the configuration's version", () => {
  expect(healthReports(3, {}, true)).toEqual([
    { type: "report", configVersion: 3, full: true, endpoints: {} },
  ]);
});

test("a long report is several messages within the limit, of which only the first replaces", () => {
  const verdicts = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [
      `backend|10.0.0.0:${index}`,
      { healthy: false, reason: "é".repeat(100) },
    ]),
  );
  const reports = healthReports(3, verdicts, true);
  expect(reports.length).toBeGreaterThan(1);
  expect(reports.map((report) => report.type === "report" && report.full)).toEqual([
    true,
    ...Array.from({ length: reports.length - 1 }, () => false),
  ]);
  for (const report of reports)
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(limits.reportBytes);
  const merged = Object.assign(
    {},
    ...reports.map((report) => (report.type === "report" ? report.endpoints : {})),
  );
  expect(merged).toEqual(verdicts);
});
