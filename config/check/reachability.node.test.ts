// What is said of reachability, held against the matcher that reads the configuration literally: on random configurations
// what is called unreachable never gets a request, and of two rules none that gets nothing goes unsaid.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Snapshot } from "#contract/snapshot.ts";
import { naiveMatch } from "#traffic/match/naive-matcher.ts";
import { headOf, type MatchInput, type RequestInput } from "../../traffic/match/match-case.ts";
import { requestArbitrary, routeArbitrary } from "../../traffic/match/matcher.fixture.ts";
import { loadConfig } from "../load.ts";

interface RouteInput {
  readonly name: string;
  readonly hostnames?: readonly string[];
  readonly listeners?: readonly string[];
  readonly rules: readonly { readonly matches: readonly MatchInput[]; readonly priority?: number }[];
}

const backends = [{ name: "x", endpoints: [{ address: "10.0.0.1", port: 80 }] }];

/** The snapshot, and which rules and matches are called unreachable. */
function checked(routes: readonly RouteInput[], secureHostnames: readonly string[] = []) {
  const config = {
    listeners: [
      { name: "web", protocol: "HTTP", port: 80 },
      { name: "secure", protocol: "HTTP", port: 443, hostnames: secureHostnames },
    ],
    backends,
    routes: routes.map(({ rules, ...route }) => ({
      ...route,
      rules: rules.map((rule) => ({ ...rule, backendRefs: [{ name: "x" }] })),
    })),
  };
  const { snapshot, diagnostics } = loadConfig([{ name: "f", content: JSON.stringify(config) }]);
  const dead = new Set<string>();
  for (const { code, path, message } of diagnostics) {
    if (code === "rule-unreachable") dead.add(path);
    // Without a host, it is all of them.
    if (code === "match-unreachable" && message.includes("gets no traffic:")) dead.add(path);
  }
  return { snapshot, dead };
}

/** Places of the rule and the match that a request falls to, as findings name them. */
function placesOf(snapshot: Snapshot, routes: readonly RouteInput[], request: RequestInput): string[] {
  const found = naiveMatch(snapshot, request.listener ?? "web", headOf(request));
  if (!found) return [];
  const rule = `routes[${routes.findIndex(({ name }) => name === found.route.name)}].rules[${found.route.rules.indexOf(found.rule)}]`;
  return [rule, `${rule}.matches[${found.rule.matches.indexOf(found.match)}]`];
}

type RandomRoute = typeof routeArbitrary extends fc.Arbitrary<infer Route> ? Route : never;

/** The fixture has expressions, networks and conditions that no valid configuration has. */
function withoutErrors(routes: readonly RandomRoute[]): readonly RandomRoute[] {
  const valid: Record<string, string> = { "(": "3", "/a(": "/a", "300.0.0.1": "::/1" };
  return JSON.parse(JSON.stringify(routes), (key, value: unknown) => {
    if (typeof value === "string") return valid[value] ?? value;
    if (!["headers", "queryParams", "cookies"].includes(key)) return value;
    return [...new Map((value as { name: string }[]).map((it) => [it.name.toLowerCase(), it])).values()];
  }) as readonly RandomRoute[];
}

const routesArbitrary = fc.array(routeArbitrary, { minLength: 1, maxLength: 6 }).map((routes) =>
  withoutErrors(routes)
    .filter(({ rules, listeners }) => rules.length > 0 && listeners.length > 0)
    .map(({ rules, priorities, ...route }, index) => ({
      ...route,
      name: `r${index}`,
      rules: rules.map((matches, place) => ({ matches, priority: priorities[place] ?? 0 })),
    })),
);

test("what is called unreachable never gets a request", () => {
  let found = 0;
  const hostnames = fc.constantFrom([], ["a.test", "*.a.test"], ["b.a.test"]);
  fc.assert(
    fc.property(
      routesArbitrary,
      hostnames,
      fc.array(requestArbitrary, { minLength: 60, maxLength: 60 }),
      (routes, secure, requests) => {
        const { snapshot, dead } = checked(routes, secure);
        if (!snapshot || dead.size === 0) return;
        found += 1;
        for (const request of requests) {
          for (const place of placesOf(snapshot, routes, request)) expect(dead).not.toContain(place);
        }
      },
    ),
    { numRuns: 120 },
  );
  expect(found).toBeGreaterThan(20);
}, 60_000);

const path = (type: "Exact" | "PathPrefix" | "RegularExpression", value: string) => ({
  path: { type, value },
});
const x = (type: "Exact" | "RegularExpression" | "Present" | "Absent", value = "") => ({
  headers: [{ name: "x", type, value }],
});
const matches: readonly MatchInput[] = [
  {},
  path("Exact", "/a"),
  path("Exact", "/a/b"),
  { path: { type: "Exact", value: "/A", ignoreCase: true } },
  path("PathPrefix", "/a"),
  path("PathPrefix", "/a/b"),
  { path: { type: "PathPrefix", value: "/A/", ignoreCase: true } },
  path("RegularExpression", "/a(/.*)?"),
  path("RegularExpression", "/.*"),
  path("RegularExpression", "/a|/a/b"),
  path("RegularExpression", "/(a|b).*"),
  { method: "GET" },
  { ...path("PathPrefix", "/a"), method: "GET" },
  x("Exact", "1"),
  x("Exact", "2"),
  x("RegularExpression", "[12]"),
  x("Present"),
  x("Absent"),
  { ...path("PathPrefix", "/a"), ...x("Exact", "1") },
  { not: [x("Exact", "1")] },
  { not: [{ method: "GET" }, path("PathPrefix", "/a")] },
  { and: [{ method: "GET", ...x("Present") }] },
  { ...path("PathPrefix", "/a"), and: [path("RegularExpression", "/a/b.*")] },
  { ...path("PathPrefix", "/a"), not: [path("PathPrefix", "/a")] },
  { ...x("Exact", "1"), and: [x("Absent")] },
];
/** Between them the matches tell no others apart. */
const requests: readonly RequestInput[] = [
  "/",
  "/a",
  "/A",
  "/a/",
  "/a/b",
  "/a/b/c",
  "/a/bb",
  "/A/B",
  "/b",
  "/bb",
  "/c",
].flatMap((target) =>
  ["GET", "PUT"].flatMap((method) =>
    [{}, { x: "1" }, { x: "2" }, { x: "3" }].map((headers) => ({ target, method, headers })),
  ),
);

test.each([[0], [1]])(
  "of two rules, the second one with a priority of %i, none that gets nothing goes unsaid",
  (priority) => {
    const wrong: string[] = [];
    for (const first of matches) {
      for (const second of matches) {
        const routes = [{ name: "r", rules: [{ matches: [first] }, { matches: [second], priority }] }];
        const { snapshot, dead } = checked(routes);
        const alive = new Set(requests.flatMap((request) => placesOf(snapshot!, routes, request)));
        for (const rule of ["routes[0].rules[0]", "routes[0].rules[1]"]) {
          if (dead.has(rule) === alive.has(rule)) wrong.push(`${rule} ${JSON.stringify([first, second])}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  },
  60_000,
);

test.each([
  ["the listener's only host is another route's", ["a.test"], ["*.test"], ["a.test"], true],
  ["the listener has another host", ["a.test", "b.test"], ["*.test"], ["a.test"], false],
  ["the route has the host by another name", ["a.test"], ["*.test", "a.test"], ["a.test"], false],
  ["every host of a listener with a wildcard", ["*.a.test"], [], ["*.a.test"], true],
  ["a wildcard between", ["*.b.a.test"], ["*.test"], ["*.a.test"], true],
  ["single hosts of a wildcard", ["*.a.test"], [], ["b.a.test"], false],
])("hosts: %s", (_name, secure, wide, narrow, isDead) => {
  const listeners = ["secure"];
  const rules = [{ matches: [path("PathPrefix", "/x")] }];
  const routes = [
    { name: "wide", listeners, hostnames: wide, rules },
    { name: "narrow", listeners, hostnames: narrow, rules: [{ matches: [path("PathPrefix", "/y")] }] },
  ];
  const { snapshot, dead } = checked(routes, secure);
  const hosts = ["a.test", "b.test", "b.a.test", "c.b.a.test", "x.a.test"];
  const alive = hosts.flatMap((host) =>
    placesOf(snapshot!, routes, { listener: "secure", host, target: "/x" }),
  );
  expect([...dead]).toEqual(isDead ? ["routes[0].rules[0]"] : []);
  expect(alive.includes("routes[0].rules[0]")).toBe(!isDead);
});
