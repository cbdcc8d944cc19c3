import * as fc from "fast-check";
import { expect, test } from "vitest";
import { evenDraws } from "./even-draws.ts";

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("shares are kept within a point over 500 draws, also of clients that take turns", () => {
  fc.assert(
    fc.property(unit, unit, fc.integer({ min: 1, max: 7 }), (start, share, clients) => {
      const draw = evenDraws(start);
      const hits = Array.from({ length: clients }, () => 0);
      const points = Array.from({ length: 500 * clients }, draw);
      expect(points.every((point) => point >= 0 && point < 1)).toBe(true);
      for (const [count, point] of points.entries()) if (point < share) hits[count % clients]! += 1;
      for (const own of hits) expect(Math.abs(own / 500 - share)).toBeLessThan(0.02);
      const all = hits.reduce((sum, own) => sum + own, 0) / (500 * clients);
      expect(Math.abs(all - share)).toBeLessThan(0.01);
    }),
  );
});
