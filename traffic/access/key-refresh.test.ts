// When an issuer's keys are fetched, and for how long they serve without it.
import { expect, test } from "vitest";
import {
  fetchBegan,
  fetchEnded,
  type KeyRefreshState,
  missKey,
  needKeys,
  neverFetched,
} from "./key-refresh.ts";

const terms = { cacheDurationMs: 60_000 };
const fetched = (atMs: number): KeyRefreshState => fetchEnded(fetchBegan(neverFetched, atMs), true, atMs);

test("the first request fetches and waits", () => {
  expect(needKeys(terms, neverFetched, 0)).toEqual({ fetch: true, usable: false });
});

test.each([
  ["fresh", 59_999, { fetch: false, usable: true }],
  ["stale: used while they are fetched anew", 60_000, { fetch: true, usable: true }],
  ["stale for an hour: no longer", 60_000 + 3_600_000, { fetch: true, usable: false }],
])("%s", (_name, nowMs, expected) => {
  expect(needKeys(terms, fetched(0), nowMs)).toEqual(expected);
});

test("after a failure the next attempt waits longer and longer, and stale keys serve", () => {
  let state = fetched(0);
  let nowMs = 60_000;
  const waits: number[] = [];
  for (let failures = 0; failures < 9; failures += 1) {
    state = fetchEnded(fetchBegan(state, nowMs), false, nowMs);
    const startMs = nowMs;
    while (!needKeys(terms, state, nowMs).fetch) nowMs += 500;
    expect(needKeys(terms, state, nowMs).usable).toBe(true);
    waits.push(nowMs - startMs);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(needKeys(terms, fetchEnded(fetchBegan(state, nowMs), true, nowMs), nowMs).fetch).toBe(false);
});

test("unknown key ids cause one fetch in ten seconds, however many tokens name them", () => {
  let state = fetched(0);
  let fetches = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    if (!missKey(state, nowMs).fetch) continue;
    fetches += 1;
    state = fetchEnded(fetchBegan(state, nowMs), true, nowMs);
  }
  expect(fetches).toBe(5);
});
