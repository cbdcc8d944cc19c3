import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileStickySplit } from "./sticky-split.ts";

const key = [0x0123_4567, 0x89ab_cdef] as const;
const pickAll = (weights: Record<string, number>, clients: string[]) => {
  const refs = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
  const split = compileStickySplit(refs, key);
  return clients.map((client) => refs[split.pick(client)]?.name);
};
const crowd = Array.from({ length: 20_000 }, (_, n) => `client-${n}`);
const share = (picks: (string | undefined)[], name: string) =>
  picks.filter((pick) => pick === name).length / picks.length;

test.each([1, 5, 50, 99])("a canary at %d %% gets its share of the clients", (percent) => {
  const picks = pickAll({ stable: 100 - percent, canary: percent }, crowd);
  expect(Math.abs(share(picks, "canary") - percent / 100)).toBeLessThan(0.01);
});

test("the canary grows from 0 to 100 %: whoever is on it stays, and nobody changes twice", () => {
  const flips = new Map<string, number>();
  const clients = crowd.slice(0, 2_000);
  let before = pickAll({ stable: 10_000, canary: 0 }, clients);
  for (let basisPoints = 0; basisPoints <= 10_000; basisPoints += 100) {
    const now = pickAll({ stable: 10_000 - basisPoints, canary: basisPoints }, clients);
    now.forEach((pick, n) => {
      if (pick === before[n]) return;
      expect(pick).toBe("canary");
      flips.set(clients[n]!, (flips.get(clients[n]!) ?? 0) + 1);
    });
    before = now;
  }
  expect(flips.size).toBe(clients.length);
  expect(Math.max(...flips.values())).toBe(1);
});

const identities = fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 40 });
const weight = fc.integer({ min: 0, max: 10_000 });

test("one backend grows while the others keep their weights: it only takes, from any of them", () => {
  fc.assert(
    fc.property(
      fc.array(weight, { minLength: 2, maxLength: 6 }),
      fc.nat(),
      weight,
      identities,
      (weights, choice, growth, clients) => {
        fc.pre(weights.some((value) => value > 0));
        const named = Object.fromEntries(weights.map((value, n) => [`v${n}`, value]));
        const grower = `v${choice % weights.length}`;
        const before = pickAll(named, clients);
        const after = pickAll({ ...named, [grower]: named[grower]! + growth }, clients);
        after.forEach((pick, n) => expect([before[n], grower]).toContain(pick));
      },
    ),
  );
});

test("one backend grows while the others shrink in any way: nobody leaves it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(weight, weight), { minLength: 2, maxLength: 6 }),
      identities,
      (pairs, clients) => {
        const before = Object.fromEntries(
          pairs.map(([a, b], n) => [`v${n}`, n === 0 ? Math.min(a, b) : Math.max(a, b)]),
        );
        const after = Object.fromEntries(
          pairs.map(([a, b], n) => [`v${n}`, n === 0 ? Math.max(a, b) : Math.min(a, b)]),
        );
        fc.pre(Object.values(after).some((value) => value > 0));
        const picks = pickAll(after, clients);
        pickAll(before, clients).forEach((pick, n) => {
          if (pick === "v0") expect(picks[n]).toBe("v0");
        });
      },
    ),
  );
});

test("the order in the configuration does not matter, and weight 0 gets nobody", () => {
  const clients = crowd.slice(0, 500);
  expect(pickAll({ b: 2, a: 1, c: 0 }, clients)).toEqual(pickAll({ c: 0, a: 1, b: 2 }, clients));
  expect(pickAll({ b: 2, a: 1, c: 0 }, clients)).not.toContain("c");
  expect(compileStickySplit([{ name: "a", weight: 0 }], key).pick("x")).toBe(-1);
});

test("two routes with different keys split their clients independently", () => {
  const refs = [
    { name: "a", weight: 1 },
    { name: "b", weight: 1 },
  ];
  const one = compileStickySplit(refs, [1, 2]);
  const other = compileStickySplit(refs, [3, 4]);
  const same = crowd.filter((client) => one.pick(client) === other.pick(client)).length;
  expect(Math.abs(same / crowd.length - 0.5)).toBeLessThan(0.02);
});
