import { expect, test } from "vitest";
import { SyncSchedule } from "./sync-schedule.ts";

test("a new isolate asks, and its first request waits", () => {
  const schedule = new SyncSchedule();
  expect(schedule.isDue(0)).toBe(true);
  expect(schedule.mustWait(0)).toBe(true);
});

test("a busy isolate asks once per interval and never waits", () => {
  const schedule = new SyncSchedule();
  let started = 0;
  let waited = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs += 10) {
    if (schedule.isDue(nowMs)) {
      schedule.started(nowMs);
      schedule.settled(nowMs + 5);
      started += 1;
    }
    if (schedule.mustWait(nowMs)) waited += 1;
  }
  expect(started).toBe(10);
  expect(waited).toBe(0);
});

test("an attempt may be held unless a request waits for it; a held one counts as fresh until it should have ended", () => {
  const schedule = new SyncSchedule();
  expect(schedule.started(0)).toBe(false);
  schedule.settled(10);
  expect(schedule.started(1_000)).toBe(true);
  expect(schedule.mustWait(1_900)).toBe(false);
  expect(schedule.mustWait(2_500)).toBe(true);
  schedule.settled(1_900);
  expect(schedule.started(2_000)).toBe(true);
  schedule.settled(2_900);
  expect(schedule.started(4_400)).toBe(false);
});

test("there are never two attempts at once, unless the first has no end", () => {
  const schedule = new SyncSchedule();
  schedule.started(0);
  expect(schedule.isDue(1_500)).toBe(false);
  expect(schedule.isDue(5_000)).toBe(true);
});

test("after a pause a request waits; while the state object is down only one in a while does", () => {
  const schedule = new SyncSchedule();
  schedule.started(0);
  schedule.settled(10);
  expect(schedule.mustWait(1_000)).toBe(false);
  expect(schedule.mustWait(10_000)).toBe(true);
  schedule.started(10_000);
  schedule.waitedInVain(10_500);
  expect(schedule.mustWait(10_501)).toBe(false);
  expect(schedule.mustWait(11_999)).toBe(false);
  expect(schedule.mustWait(12_000)).toBe(true);
});

test("where news is expected the next attempt is due sooner, but only that one", () => {
  const schedule = new SyncSchedule();
  schedule.started(0);
  schedule.expectNews(400);
  schedule.expectNews(5_000);
  schedule.settled(10);
  expect(schedule.isDue(399)).toBe(false);
  expect(schedule.isDue(400)).toBe(true);
  schedule.started(400);
  schedule.expectNews(401);
  schedule.settled(410);
  expect(schedule.isDue(649)).toBe(false);
  expect(schedule.isDue(650)).toBe(true);
  schedule.started(650);
  schedule.settled(660);
  expect(schedule.isDue(1_649)).toBe(false);
  expect(schedule.isDue(1_650)).toBe(true);
});
