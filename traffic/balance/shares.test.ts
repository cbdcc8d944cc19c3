import * as fc from "fast-check";
import { expect, test } from "vitest";
import { assignLevels, computeShares } from "./shares.ts";

interface Member {
  weight?: number;
  level?: number;
  up?: boolean;
}

function shares(members: Member[], panicShare = 0, overprovisioning = 1.4) {
  const out = new Float64Array(members.length);
  const levels = computeShares(
    {
      weight: Float64Array.from(members, ({ weight = 1 }) => weight),
      level: Int32Array.from(members, ({ level = 0 }) => level),
      usable: Uint8Array.from(members, ({ up = true }) => (up ? 1 : 0)),
    },
    { overprovisioning, panicShare },
    out,
  );
  const total = out.reduce((sum, share) => sum + share, 0);
  return {
    parts: [...out].map((share) => (total === 0 ? 0 : Math.round((share / total) * 1_000))),
    levels,
    out,
  };
}
const down = { up: false };
const spare = { level: 1 };

test.each<[string, Member[], number[]]>([
  ["one level: by weight", [{ weight: 3 }, {}], [750, 250]],
  ["unhealthy: nothing", [{}, down, {}], [500, 0, 500]],
  ["backups idle while primaries are well", [{}, {}, spare], [500, 500, 0]],
  [
    "30 % of primaries down is made up for by the others",
    [{}, {}, {}, {}, {}, {}, {}, down, down, spare],
    [143, 143, 143, 143, 143, 143, 143, 0, 0, 0],
  ],
  ["half of them down: 70 % stays, 30 % goes to the backups", [{}, down, spare], [700, 0, 300]],
  ["all of them down: the backups bear it all", [down, down, spare, spare], [0, 0, 500, 500]],
  ["no backup left: the rest bears it all", [{}, down, down, { ...spare, up: false }], [1_000, 0, 0, 0]],
  ["weight 0 neither serves nor counts as down", [{}, { weight: 0, up: false }, spare], [1_000, 0, 0]],
])("%s", (_name, members, expected) => {
  expect(shares(members).parts).toEqual(expected);
});

test("HAProxy's backup, which waits for the last primary, is a large overprovisioning factor", () => {
  expect(shares([{}, down, down, spare], 0, 1_000).parts).toEqual([1_000, 0, 0, 0]);
});

test("panic: below the threshold, and only when the other levels cannot help, health is ignored", () => {
  const panicking = shares([{}, down, down, down], 0.5);
  expect(panicking.parts).toEqual([250, 250, 250, 250]);
  expect(panicking.levels).toEqual([{ endpoints: 4, healthy: 1, load: 1, panic: true }]);
  expect(shares([{}, {}, {}, down], 0.5).levels[0]!.panic).toBe(false);
  expect(shares([down, down, spare], 0.5).parts).toEqual([0, 0, 1_000]);
  expect(shares([down, down], 0.5).parts).toEqual([500, 500]);
  expect(shares([down, down], 0).parts).toEqual([0, 0]);
});

test("a zone is preferred within its priority, before any backup", () => {
  const endpoint = (priority: number, zone: string) => ({
    id: "",
    address: "",
    port: 1,
    weight: 1,
    priority,
    zone,
  });
  const endpoints = [endpoint(0, "a"), endpoint(0, "b"), endpoint(1, "a"), endpoint(1, "b")];
  expect([...assignLevels(endpoints, "a")]).toEqual([0, 1, 2, 3]);
  expect([...assignLevels(endpoints, undefined)]).toEqual([0, 0, 1, 1]);
});

const member = fc.record({ weight: fc.nat(9), level: fc.nat(2), up: fc.boolean() });

test("someone is picked exactly when someone with weight is healthy, and never the unhealthy without panic", () => {
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 20 }), (members) => {
      const { out, levels } = shares(members);
      const healthy = members.filter(({ weight, up }) => weight > 0 && up);
      expect(out.some((share) => share > 0)).toBe(healthy.length > 0);
      out.forEach((share, index) => {
        if (share > 0) expect(members[index]!.up && members[index]!.weight > 0).toBe(true);
      });
      const load = levels.reduce((sum, level) => sum + level.load, 0);
      expect(load).toBeCloseTo(healthy.length > 0 ? 1 : 0);
      levels.forEach((level, index) => {
        const part = members.reduce((sum, { level }, n) => sum + (level === index ? out[n]! : 0), 0);
        const total = out.reduce((sum, share) => sum + share, 0);
        expect(total === 0 ? 0 : part / total).toBeCloseTo(level.load);
      });
    }),
  );
});

test("an endpoint that fails never lowers the load of a later level", () => {
  fc.assert(
    fc.property(fc.array(member, { minLength: 2, maxLength: 12 }), fc.nat(), (members, choice) => {
      const victim = choice % members.length;
      fc.pre(members.some(({ weight, up }, index) => index !== victim && weight > 0 && up));
      const before = shares(members).levels;
      const after = shares(members.map((m, index) => (index === victim ? { ...m, up: false } : m))).levels;
      const level = members[victim]!.level;
      for (let n = level + 1; n < before.length; n++) {
        const upTo = (levels: typeof before) => levels.slice(0, n).reduce((sum, { load }) => sum + load, 0);
        expect(upTo(after)).toBeLessThanOrEqual(upTo(before) + 1e-9);
      }
    }),
  );
});
