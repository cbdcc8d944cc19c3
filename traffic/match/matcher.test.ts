// Fast and naive matcher against one table, and against each other on random snapshots.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { headOf, type RequestInput, type RouteInput, snapshotOf } from "./match-case.ts";
import { matcherCases } from "./matcher-cases.ts";
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

test("ruleIndex counts all rules of the snapshot, broken ones included; prefixChars is what the prefix matched", () => {
  const snapshot = snapshotOf([
    { name: "a", rules: [[{ path: { type: "RegularExpression", value: "(" } }], [{ method: "POST" }]] },
    { name: "b", rules: [[{ path: { type: "PathPrefix", value: "/foo/" } }]] },
  ]);
  const found = compileMatcher(snapshot).match("web", headOf({ target: "/foo/bar" }));
  expect(found).toMatchObject({ ruleIndex: 2, prefixChars: 4 });
});

const hostname = fc.constantFrom(
  "",
  "a.test",
  "b.a.test",
  "*.a.test",
  "*.test",
  "c.b.a.test",
  "*.b.a.test",
  "other",
);
const element = fc.constantFrom("a", "b", "A", "ab", "a;x", "%2A");
const path = fc
  .tuple(fc.array(element, { maxLength: 4 }), fc.boolean())
  .map(([elements, slash]) => `/${elements.join("/")}${slash && elements.length > 0 ? "/" : ""}`);
const rarely = fc.integer({ min: 0, max: 5 }).map((number) => number === 0);
const pathMatch = fc.oneof(
  fc.record({ type: fc.constant("Exact" as const), value: path, ignoreCase: rarely }),
  fc.record({ type: fc.constant("PathPrefix" as const), value: path, ignoreCase: rarely }),
  fc
    .constantFrom("/a.*", "/.*b", "/[ab]+/a?", "/(a|b)*", "/a(", "(?i)/A/.*", ".*;.*")
    .map((value) => ({ type: "RegularExpression" as const, value })),
);
const valueMatch = fc.oneof(
  fc.record({
    type: fc.constantFrom("Exact" as const, "RegularExpression" as const),
    name: fc.constantFrom("x", "y", "X"),
    value: fc.constantFrom("1", "2", "[12]", "("),
  }),
  fc.record({
    type: fc.constantFrom("Present" as const, "Absent" as const),
    name: fc.constantFrom("x", "y"),
  }),
);
const conditions = {
  path: pathMatch,
  method: fc.constantFrom("GET" as const, "POST" as const),
  headers: fc.array(valueMatch, { maxLength: 3 }),
  queryParams: fc.array(valueMatch, { maxLength: 3 }),
  cookies: fc.array(valueMatch, { maxLength: 2 }),
  clientCIDRs: fc.uniqueArray(fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "::/0", "300.0.0.1"), {
    minLength: 1,
    maxLength: 2,
  }),
};
const exclusion = fc
  .record(conditions, { requiredKeys: [] })
  .filter((part) => Object.values(part).some((field) => (Array.isArray(field) ? field.length > 0 : field)));
const match = fc.record(
  {
    ...conditions,
    and: fc.array(exclusion, { minLength: 1, maxLength: 2 }),
    not: fc.array(exclusion, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const route = fc.record({
  hostnames: fc.array(hostname, { maxLength: 3 }).map((names) => (names.includes("") ? [] : names)),
  listeners: fc.subarray(["web", "secure"]),
  rules: fc.array(fc.array(match, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  priorities: fc.array(fc.integer({ min: -1, max: 1 }), { maxLength: 4 }),
});
const value = fc.constantFrom("1", "2", "3", "");
const request: fc.Arbitrary<RequestInput> = fc
  .record({
    listener: fc.constantFrom("web", "secure"),
    method: fc.constantFrom("GET", "POST", "PUT"),
    host: fc.constantFrom("a.test", "b.a.test", "c.b.a.test", "x.y.a.test", "test", "other", "none.example"),
    path,
    x: fc.option(value),
    y: fc.option(value),
    headers: fc.record(
      { x: value, y: value, cookie: fc.constantFrom("x=1", "x=2; y=1", "y=; x=1;x=2", "z") },
      { requiredKeys: [] },
    ),
    client: fc.constantFrom("10.0.0.1", "10.1.0.1", "2001:db8::1", "unknown"),
  })
  .map(({ x, y, path, ...rest }) => {
    const query = [x === null ? [] : [`x=${x}`], y === null ? [] : [`y=${y}`]].flat().join("&");
    return { ...rest, target: query ? `${path}?${query}` : path };
  });

test("the fast matcher agrees with the naive one on random snapshots and requests", { timeout }, () => {
  fc.assert(
    fc.property(
      fc.array(route, { maxLength: 6 }),
      fc.subarray(["a.test", "*.a.test", "other"]),
      fc.array(request, { minLength: 1, maxLength: 12 }),
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
          expect(fast && [fast.rule.id, fast.ruleIndex, fast.match]).toEqual(
            naive && [naive.rule.id, naive.ruleIndex, naive.match],
          );
        }
      },
    ),
    { numRuns: 300 },
  );
});
