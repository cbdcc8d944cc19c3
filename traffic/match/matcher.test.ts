// Fast and naive matcher against one table, and against each other on random snapshots.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { headOf, type RouteInput, snapshotOf } from "./match-case.ts";
import { matcherCases } from "./matcher-cases.ts";
import { requestArbitrary, routeArbitrary } from "./matcher.fixture.ts";
import { compileMatcher } from "./matcher.ts";
import { priorityCases } from "./priority-cases.ts";
import { naiveMatch } from "./naive-matcher.ts";

/** Properties take a second alone, and as long as it takes on a machine that does other things. */
const timeout = 60_000;

for (const { title, routes, secureHostnames, requests } of [...matcherCases, ...priorityCases]) {
  describe(title, () => {
    const snapshot = snapshotOf(routes, secureHostnames);
    const matcher = compileMatcher(snapshot);
    test.each(requests)("%j -> %s", (request, winner) => {
      const { listener = "web" } = request;
      expect(matcher.match(listener, headOf(request))?.rule.id).toBe(winner);
      expect(naiveMatch(snapshot, listener, headOf(request))?.rule.id).toBe(winner);
    });
    test("the order of routes does not matter", () => {
      const reversed = compileMatcher(snapshotOf([...routes].reverse(), secureHostnames));
      for (const [request, winner] of requests) {
        expect(reversed.match(request.listener ?? "web", headOf(request))?.rule.id).toBe(winner);
      }
    });
  });
}

test("problems name route, rule and cause; neighbours stay", () => {
  const matcher = compileMatcher(
    snapshotOf([
      {
        name: "r",
        rules: [
          [
            { path: { type: "Exact", value: "/fine" } },
            { path: { type: "RegularExpression", value: "/(?=x)" } },
          ],
          [{ headers: [{ name: "a", type: "RegularExpression", value: "[z-a]" }] }],
          [{ path: { type: "PathPrefix", value: "/" } }],
        ],
      },
    ]),
  );
  expect(matcher.problems).toEqual([
    { route: "r", rule: "r/0", matchIndex: 1, message: expect.stringContaining("look-around") },
    { route: "r", rule: "r/1", matchIndex: 0, message: expect.stringContaining("wrong way round") },
  ]);
  expect(matcher.match("web", headOf({ target: "/fine" }))?.rule.id).toBe("r/2");
});

test("what is found are objects of the snapshot; prefixChars is what the prefix matched", () => {
  const snapshot = snapshotOf([
    { name: "a", rules: [[{ path: { type: "RegularExpression", value: "(" } }], [{ method: "POST" }]] },
    { name: "b", rules: [[{ path: { type: "PathPrefix", value: "/foo/" } }]] },
  ]);
  const found = compileMatcher(snapshot).match("web", headOf({ target: "/foo/bar" }));
  expect(found).toMatchObject({ prefixChars: 4 });
  expect(found!.rule).toBe(snapshot.routes[1]!.rules[0]);
});

test("the fast matcher agrees with the naive one on random snapshots and requests", { timeout }, () => {
  fc.assert(
    fc.property(
      fc.array(routeArbitrary, { maxLength: 6 }),
      fc.subarray(["a.test", "*.a.test", "other"]),
      fc.array(requestArbitrary, { minLength: 1, maxLength: 12 }),
      (routes, secureHostnames, requests) => {
        const named: RouteInput[] = routes.map((entry, index) => ({
          ...entry,
          name: `r${(index * 7) % 10}-${index}`,
        }));
        const snapshot = snapshotOf(named, secureHostnames);
        const matcher = compileMatcher(snapshot);
        for (const input of requests) {
          const fast = matcher.match(input.listener!, headOf(input));
          const naive = naiveMatch(snapshot, input.listener!, headOf(input));
          expect(fast?.match).toBe(naive?.match);
          expect(fast?.rule).toBe(naive?.rule);
        }
      },
    ),
    { numRuns: 300 },
  );
});
