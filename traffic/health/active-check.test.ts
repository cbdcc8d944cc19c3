import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import type { CheckState, ProbeResult } from "./active-check.ts";
import { judgeTimeout, observe, startCheck, step } from "./active-check.ts";

const check: ActiveHealthCheck = {
  type: "HTTP",
  intervalMs: 2_000,
  timeoutMs: 1_000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
  http: { path: "/", method: "GET", expectedStatuses: [200, 204] },
};
const passed = { ok: true, detail: "status 200" };
const failed = { ok: false, detail: "connection refused" };

/** Verdicts after each probe; `+` passes, `-` fails. */
function verdicts(probes: string): string {
  let state = startCheck(check, 0, 0);
  return [...probes]
    .map((probe, index) => {
      state = step(check, state, probe === "+" ? passed : failed, index, 0.5);
      return state.healthy ? "U" : "D";
    })
    .join("");
}

test.each([
  ["+--+--+", "UUUUUUU", "two failures of three never take it down"],
  ["+---", "UUUD", "three do"],
  ["+---+-+-", "UUUDDDDD", "one success of two never brings it back"],
  ["+---++", "UUUDDU", "two do"],
  ["-", "D", "the first probe decides alone"],
  ["-+-++", "DDDDU", "and after it the thresholds hold"],
])("probes %s give %s: %s", (probes, expected) => {
  expect(verdicts(probes)).toBe(expected);
});

test("the verdict changes exactly after a full run of contrary results", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[+-]{1,40}$/), (probes) => {
      const seen = verdicts(probes);
      let healthy = probes[0] === "+";
      for (let index = 1; index < probes.length; index++) {
        const run = healthy ? probes.slice(index - 2, index + 1) : probes.slice(index - 1, index + 1);
        // A run counts only since the verdict last changed.
        const since = seen.slice(0, index).lastIndexOf(healthy ? "D" : "U") + 1;
        const complete = healthy
          ? run === "---" && index - 2 > since - 1
          : run === "++" && index - 1 > since - 1;
        if (complete && index - run.length + 1 >= Math.max(since, 1)) healthy = !healthy;
        expect(seen[index]).toBe(healthy ? "U" : "D");
      }
    }),
  );
});

test("probes keep their interval with at most a tenth of jitter, and first probes spread over one interval", () => {
  expect(startCheck(check, 1_000, 0).nextProbeMs).toBe(1_000);
  expect(startCheck(check, 1_000, 0.75).nextProbeMs).toBe(2_500);
  const state = startCheck(check, 0, 0);
  expect(step(check, state, passed, 10_000, 0).nextProbeMs).toBe(11_800);
  expect(step(check, state, passed, 10_000, 0.5).nextProbeMs).toBe(12_000);
  expect(step(check, state, failed, 10_000, 0.999_999).nextProbeMs).toBe(12_200);
});

test("probes come faster while the verdict is about to change, and at their own pace while it is down", () => {
  const paced = { ...check, fastIntervalMs: 500, downIntervalMs: 5_000 };
  let state = startCheck(paced, 0, 0);
  const gaps = [passed, failed, failed, failed, failed, passed, passed].map((result) => {
    state = step(paced, state, result, 0, 0.5);
    return state.nextProbeMs;
  });
  expect(gaps).toEqual([2_000, 500, 500, 5_000, 5_000, 500, 2_000]);
});

test("the reason tells how far a change is, and stays while nothing changes", () => {
  const reasons: string[] = [];
  let state: CheckState = startCheck(check, 0, 0);
  for (const result of [passed, passed, failed, failed, failed, failed, passed, passed]) {
    state = step(check, state, result, reasons.length, 0.5);
    reasons.push(state.reason);
  }
  expect(reasons).toEqual([
    "check passed: status 200",
    "check passed: status 200",
    "1 of 3 checks failed: connection refused",
    "2 of 3 checks failed: connection refused",
    "3 of 3 checks failed: connection refused",
    "3 of 3 checks failed: connection refused",
    "1 of 2 checks passed: status 200",
    "2 of 2 checks passed: status 200",
  ]);
  expect(state.sinceMs).toBe(7);
  expect(step(check, state, { ok: false, detail: "x".repeat(1_000) }, 8, 0).reason).toHaveLength(256);
});

test("an endpoint that asks for no new clients drains while it is healthy, and does not come back by that", () => {
  const drains: ProbeResult = { ok: true, drains: true, detail: "status 404: no new clients" };
  const seen: string[] = [];
  let state: CheckState = startCheck(check, 0, 0);
  for (const result of [drains, failed, passed, drains, failed, failed, failed, drains, passed, drains]) {
    state = step(check, state, result, 0, 0.5);
    seen.push(state.draining ? "drain" : state.healthy ? "up" : "down");
  }
  expect(seen).toEqual(["drain", "drain", "up", "drain", "drain", "drain", "down", "down", "down", "drain"]);
});

test("a check that is late fails, whatever has come", () => {
  expect(judgeTimeout(check)).toEqual({ ok: false, detail: "no answer within 1000 ms" });
});

test.each([
  ["FastInterval", 3, "UUU"],
  ["FailCheck", 1, "UUD"],
  ["FailCheck", 3, "D"],
  ["SuddenDeath", 1, "UD"],
  ["MarkDown", 1, "D"],
] as const)("%s, %d times in a row, is as good as so many checks: %s", (onError, reached, seen) => {
  const policy = { layer: "Layer7", errorLimit: 10, onError } as const;
  const paced = { ...check, fastIntervalMs: 500 };
  let state = step(paced, startCheck(paced, 0, 0), passed, 0, 0.5);
  const verdicts: string[] = [];
  for (let count = 0; count < seen.length; count += 1) {
    state = observe(paced, state, policy, reached, 100);
    verdicts.push(state.healthy ? "U" : "D");
  }
  expect(verdicts.join("")).toBe(seen);
  expect(state.nextProbeMs).toBe(600);
});
