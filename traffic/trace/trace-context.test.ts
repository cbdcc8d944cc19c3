import { expect, test } from "vitest";
import { formatTraceparent, newSpanId, parseTraceparent, traceOf } from "./trace-context.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const given = `00-${traceId}-${spanId}-01`;

test("a caller's trace goes on, sampled as the caller has decided", () => {
  expect(traceOf(given, 0, () => 0.5)).toEqual({ traceId, parentId: spanId, sampled: true });
  expect(traceOf(given.replace(/01$/, "00"), 100, () => 0.5).sampled).toBe(false);
  expect(parseTraceparent(`cc-${traceId}-${spanId}-03-more`)).toMatchObject({ traceId, sampled: true });
});

test.each([
  null,
  "",
  "00",
  given.toUpperCase(),
  `${given}-more`,
  `ff-${traceId}-${spanId}-01`,
  `00-${"0".repeat(32)}-${spanId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId.slice(1)}-${spanId}-01`,
])("%j is no traceparent: a new trace", (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
  const fresh = traceOf(header, 50, () => 0.25);
  expect(fresh.parentId).toBeUndefined();
  expect(fresh.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(fresh.sampled).toBe(true);
  expect(traceOf(header, 50, () => 0.75).sampled).toBe(false);
});

test("ids are valid, also where chance gives zeros", () => {
  expect(newSpanId(() => 0)).toBe("0000000000000001");
  expect(parseTraceparent(formatTraceparent(traceId, newSpanId(Math.random), true))?.sampled).toBe(true);
});
