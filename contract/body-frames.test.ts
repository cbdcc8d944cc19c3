import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BodyFrameReader, dataFrame, trailersFrame } from "./body-frames.ts";
import type { Fields } from "./tunnel/head.ts";

const bytesOf = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Reads the body in pieces of these sizes, the last one as often as needed. */
function read(body: Uint8Array, sizes: readonly number[]): { data: number[]; trailers: Fields | undefined } {
  const reader = new BodyFrameReader();
  const data: number[] = [];
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const size = sizes[Math.min(turn, sizes.length - 1)]!;
    for (const part of reader.read(body.subarray(at, at + size))) data.push(...part);
    at += size;
  }
  return { data, trailers: reader.trailers };
}

test("data and trailers come back whole, however the body is cut", () => {
  const field = fc.tuple(fc.constantFrom("grpc-status", "x-sum", "a"), fc.constantFrom("", "0", "caf\u00e9"));
  const run = fc.property(
    fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
    fc.array(field, { maxLength: 3 }),
    fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
    (chunks, trailers, sizes) => {
      const body = bytesOf(...chunks.map(dataFrame), trailersFrame(trailers));
      expect(read(body, sizes)).toEqual({ data: [...bytesOf(...chunks)], trailers });
    },
  );
  fc.assert(run, { numRuns: 500 });
});

test("data is passed on before its frame is complete", () => {
  const reader = new BodyFrameReader();
  expect(reader.read(dataFrame(Uint8Array.of(1, 2, 3)).subarray(0, 7))).toEqual([Uint8Array.of(1, 2)]);
});

test("without the last frame there are no trailers", () => {
  expect(read(dataFrame(Uint8Array.of(1)), [9]).trailers).toBeUndefined();
  expect(read(trailersFrame([]).subarray(0, 6), [9]).trailers).toBeUndefined();
});

test.each([
  ["an unknown kind", Uint8Array.of(2, 0, 0, 0, 0)],
  ["trailers beyond the bound, before they are kept", Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff)],
  ["trailers that are no table", Uint8Array.of(1, 0, 0, 0, 1, 0)],
  ["trailers without their count", Uint8Array.of(1, 0, 0, 0, 0)],
  ["bytes after the trailers", bytesOf(trailersFrame([]), dataFrame(new Uint8Array(0)))],
])("%s is refused", (_what, body) => {
  expect(() => read(body, [100])).toThrow();
});

test("a field that could end a header line is refused", () => {
  const frame = trailersFrame([["a", "b\tc"]]);
  frame[frame.lastIndexOf(9)] = 10;
  expect(() => read(frame, [100])).toThrow(/control character/);
});
