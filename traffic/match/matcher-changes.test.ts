// A matcher that goes on with the parts of another, through random sequences of changes.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { SnapshotRoute } from "#contract/snapshot.ts";
import { headOf, snapshotOf } from "./match-case.ts";
import { requestArbitrary, routeArbitrary } from "./matcher.fixture.ts";
import { compileMatcher, type Matcher } from "./matcher.ts";

/** Properties take a second alone, and as long as it takes on a machine that does other things. */
const timeout = 60_000;

const name = fc.constantFrom("a", "b", "c", "d", "e");
const change = fc.record({
  secureHostnames: fc.subarray(["a.test", "*.a.test", "other"]),
  /** Routes that are new, or others than before. */
  put: fc.array(fc.tuple(name, routeArbitrary), { maxLength: 3 }),
  removed: fc.array(name, { maxLength: 2 }),
  reversed: fc.boolean(),
});

test("after any changes it is the matcher that is compiled anew", { timeout }, () => {
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.array(requestArbitrary, { minLength: 1, maxLength: 12 }),
      (changes, requests) => {
        const routes = new Map<string, SnapshotRoute>();
        let matcher: Matcher | undefined;
        for (const { secureHostnames, put, removed, reversed } of changes) {
          for (const gone of removed) routes.delete(gone);
          for (const [route, input] of put) {
            routes.set(route, snapshotOf([{ ...input, name: route }]).routes[0]!);
          }
          const inOrder = [...routes.values()];
          const snapshot = snapshotOf([], secureHostnames);
          snapshot.routes = reversed ? inOrder.reverse() : inOrder;

          const before = matcher;
          matcher = compileMatcher(snapshot, before);
          const anew = compileMatcher(snapshot);
          for (const input of requests) {
            const found = matcher.match(input.listener!, headOf(input));
            const expected = anew.match(input.listener!, headOf(input));
            expect(found?.rule).toBe(expected?.rule);
            expect(found?.match).toBe(expected?.match);
          }
          expect(matcher.problems).toEqual(anew.problems);
          expect([...matcher.parts.patterns.keys()]).toEqual([...anew.parts.patterns.keys()]);
          for (const route of snapshot.routes) {
            const known = before?.parts.entriesOf.get(route);
            if (known) expect(matcher.parts.entriesOf.get(route)).toBe(known);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("hosts whose routes stay keep their index, and no index is left of those that go", () => {
  const rules = [[{ path: { type: "PathPrefix" as const, value: "/" } }]];
  const first = snapshotOf([
    { name: "a", hostnames: ["a.test"], rules },
    { name: "b", hostnames: ["b.test"], rules },
    { name: "c", hostnames: ["c.test"], rules },
  ]);
  const next = snapshotOf([{ name: "b", hostnames: ["b.test"], rules }]);
  next.routes = [first.routes[0]!, next.routes[0]!];
  const before = compileMatcher(first);
  const after = compileMatcher(next, before);
  const rulesOf = ({ parts }: Matcher, host: string) => parts.tables.get("web")!.routes.find(host);
  expect(rulesOf(after, "a.test")).toBe(rulesOf(before, "a.test"));
  expect(rulesOf(after, "b.test")!.routes).toEqual([next.routes[1]]);
  expect(rulesOf(after, "c.test")).toBeUndefined();
});
