import { expect, test } from "vitest";
import { renewAtMs, renewalDelayMs } from "./renewal.ts";

const validity = { notBeforeMs: 1_000, notAfterMs: 11_000, authorityKeyIdentifier: "0a" };

test("a certificate is due at half-life", () => {
  expect(renewAtMs(validity, undefined, 0)).toBe(6_000);
  expect(renewAtMs(validity, { keyIdentifier: "0a", fromMs: 2_000 }, 0)).toBe(6_000);
  expect(renewalDelayMs(6_000, 0, 1_000, 0.5)).toBe(5_000);
  expect(renewalDelayMs(6_000, 0, 7_000, 0.5)).toBe(0);
});

test("when another authority takes over it is due then, each agent in its turn, and never after half-life", () => {
  const year = { ...validity, notAfterMs: 365 * 86_400_000 };
  expect(renewAtMs(year, { keyIdentifier: "0b", fromMs: 2_000 }, 0)).toBe(2_000);
  expect(renewAtMs(year, { keyIdentifier: "0b", fromMs: 2_000 }, 0.5)).toBe(4_500);
  expect(renewAtMs(validity, { keyIdentifier: "0b", fromMs: 4_000 }, 0.9)).toBe(6_000);
  expect(renewAtMs(validity, { keyIdentifier: "0b", fromMs: 9_000 }, 0)).toBe(6_000);
});

test("failures back off between half the ceiling and all of it, to at most a minute", () => {
  expect(renewalDelayMs(6_000, 1, 6_000, 0)).toBe(500);
  expect(renewalDelayMs(6_000, 1, 6_000, 0.999_9)).toBe(999);
  expect(renewalDelayMs(6_000, 3, 6_000, 0)).toBe(2_000);
  expect(renewalDelayMs(6_000, 100, 6_000, 0)).toBe(30_000);
});

test("a date beyond what a timer takes is reached in steps", () => {
  expect(renewalDelayMs(10 * 365 * 86_400_000, 0, 0, 0)).toBe(2 ** 31 - 1);
});
