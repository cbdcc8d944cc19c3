// Random routes and requests for tests of the matcher, out of so few values that they meet.
import * as fc from "fast-check";
import type { RequestInput } from "./match-case.ts";

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
/** A route, but for its name. */
export const routeArbitrary = fc.record({
  hostnames: fc.array(hostname, { maxLength: 3 }).map((names) => (names.includes("") ? [] : names)),
  listeners: fc.subarray(["web", "secure"]),
  rules: fc.array(fc.array(match, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  priorities: fc.array(fc.integer({ min: -1, max: 1 }), { maxLength: 4 }),
});
const value = fc.constantFrom("1", "2", "3", "");
export const requestArbitrary: fc.Arbitrary<RequestInput> = fc
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
