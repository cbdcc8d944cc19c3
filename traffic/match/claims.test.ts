// Conditions on claims: of both matchers, before and after a token has been looked at.
import { expect, test } from "vitest";
import type { Claims } from "../access/identity.ts";
import { headOf, snapshotOf } from "./match-case.ts";
import { compileMatcher } from "./matcher.ts";
import { naiveMatch } from "./naive-matcher.ts";

const snapshot = snapshotOf([
  {
    name: "r",
    rules: [
      [{ path: { value: "/a" }, claims: [{ name: "groups", value: "admin" }] }],
      [
        {
          path: { value: "/a" },
          claims: [{ name: "realm.roles", type: "RegularExpression", value: "team-.*" }],
        },
      ],
      [{ path: { value: "/a" }, not: [{ claims: [{ name: "sub", type: "Present" }] }] }],
      [
        {
          path: { value: "/a" },
          claims: [
            { name: "level", value: "2" },
            { name: "beta", value: "true" },
          ],
        },
      ],
      [{ path: { value: "/a" } }],
    ],
    priorities: [5, 4, 3, 2, 1],
  },
]);
const matcher = compileMatcher(snapshot);

const cases: [title: string, claims: Claims | undefined, rule: string][] = [
  ["nothing is known: the first that may hold", undefined, "r/0"],
  ["no token", {}, "r/2"],
  ["text", { groups: "admin" }, "r/0"],
  ["a list has it", { groups: ["user", "admin"] }, "r/0"],
  ["a list has not", { groups: ["user"], sub: "a" }, "r/4"],
  ["nested, in a list", { realm: { roles: ["x", "team-a"] } }, "r/1"],
  ["the name with its dot", { "realm.roles": "team-a" }, "r/1"],
  ["the whole value", { realm: { roles: "a-team-a" }, sub: "a" }, "r/4"],
  ["numbers and truth values, all of them", { level: 2, beta: true, sub: "a" }, "r/3"],
  ["one of two", { level: 2, sub: "a" }, "r/4"],
  ["a map has no value", { groups: { admin: "admin" }, sub: "a" }, "r/4"],
  ["nothing of the object's own", { sub: "a", __proto__: { groups: "admin" } }, "r/4"],
];

test.each(cases)("%s", (_title, claims, rule) => {
  const head = { ...headOf({ target: "/a" }), claims };
  expect(matcher.match("web", head)?.rule.id).toBe(rule);
  expect(naiveMatch(snapshot, "web", head)?.rule.id).toBe(rule);
});

test("what may hold goes no further than the first rule that does", () => {
  expect(matcher.match("web", { ...headOf({ target: "/b" }), claims: undefined })).toBeUndefined();
});
