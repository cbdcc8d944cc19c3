import { expect, test } from "vitest";
import { renewAtMs, renewalDelayMs } from "./renewal.ts";

const validity = { notBeforeMs: 1_000, notAfterMs: 11_000 };

test("a certificate is due at half-life", () => {
  expect(renewAtMs(validity)).toBe(6_000);
  expect(renewalDelayMs(validity, 0, 1_000, 0.5)).toBe(5_000);
  expect(renewalDelayMs(validity, 0, 7_000, 0.5)).toBe(0);
});

test("failures back off between half the ceiling and all of it, to at most a minute", () => {
  expect(renewalDelayMs(validity, 1, 6_000, 0)).toBe(500);
  expect(renewalDelayMs(validity, 1, 6_000, 0.999_9)).toBe(999);
  expect(renewalDelayMs(validity, 3, 6_000, 0)).toBe(2_000);
  expect(renewalDelayMs(validity, 100, 6_000, 0)).toBe(30_000);
});

test("a date beyond what a timer takes is reached in steps", () => {
  const years = { notBeforeMs: 0, notAfterMs: 20 * 365 * 86_400_000 };
  expect(renewalDelayMs(years, 0, 0, 0)).toBe(2 ** 31 - 1);
});
