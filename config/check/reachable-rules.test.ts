import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

const web = { name: "web", protocol: "HTTP", port: 80 };
const alt = { name: "alt", protocol: "HTTP", port: 81 };
const to = (...matches: object[]) => ({ matches, backendRefs: [{ name: "x" }] });
const prefix = (value: string) => ({ path: { type: "PathPrefix", value } });
const regex = (value: string) => ({ path: { type: "RegularExpression", value } });

function shadows(routes: object[], listeners: object[] = [web, alt]): string[] {
  const config = {
    listeners,
    routes,
    backends: [{ name: "x", endpoints: [{ address: "10.0.0.1", port: 80 }] }],
  };
  const { diagnostics } = loadConfig([{ name: "f", content: JSON.stringify(config) }]);
  return diagnostics.map(({ path, message }) => `${path}: ${message}`);
}

const byName = "has the same match and goes first (equal matches rank by age, then by name, of their routes)";
const byOrder = "has the same match and goes first (it is earlier in the route)";

test("of equal matches the route first in alphabet wins, whatever the order in the file", () => {
  expect(
    shadows([
      { name: "b", rules: [to()] },
      { name: "a", rules: [to()] },
    ]),
  ).toEqual([`routes[0].rules[0]: rule "b/0" gets no traffic: rule "a/0" (f:1) ${byName}`]);
});

test("within a route the first rule wins, and no matches are a PathPrefix of /", () => {
  const rules = [to(), { name: "late", ...to(prefix("/")) }, to(prefix("/x"))];
  expect(shadows([{ name: "a", rules }])).toEqual([
    `routes[0].rules[1]: rule "a/late" gets no traffic: rule "a/0" (f:1) ${byOrder}`,
  ]);
});

test("a rule of higher priority shadows equal matches, and all when it takes every request", () => {
  const rules = [
    { name: "low", ...to(prefix("/x")) },
    { name: "high", priority: 1, ...to(prefix("/x")) },
    { name: "exact", ...to({ path: { type: "Exact", value: "/x" } }) },
  ];
  expect(shadows([{ name: "a", rules }])).toEqual([
    `routes[0].rules[0]: rule "a/low" gets no traffic: rule "a/high" (f:1) has the same match and a higher priority`,
    `routes[0].rules[2]: rule "a/exact" gets no traffic: rule "a/high" (f:1) has a higher priority and takes all requests of this one`,
  ]);
  expect(shadows([{ name: "a", rules: [...rules.slice(0, 1), { priority: 2, ...to() }] }])).toEqual([
    `routes[0].rules[0]: rule "a/low" gets no traffic: rule "a/1" (f:1) has a higher priority and takes every request`,
  ]);
});

test("every path at a lower priority shadows nothing", () => {
  const rules = [
    to(prefix("/x")),
    { priority: -1, ...to(regex("/.*")) },
    { priority: -2, ...to(prefix("/y")) },
  ];
  expect(shadows([{ name: "a", rules }])).toEqual([
    `routes[0].rules[2]: rule "a/2" gets no traffic: rule "a/1" (f:1) has a higher priority and takes all requests of this one`,
  ]);
});

test.each([
  ["a trailing slash of a prefix", prefix("/x"), prefix("/x/")],
  [
    "the order of conditions and the case of header names",
    {
      headers: [
        { name: "a", value: "1" },
        { name: "b", value: "2" },
      ],
    },
    {
      headers: [
        { name: "B", value: "2" },
        { name: "A", value: "1" },
      ],
    },
  ],
])("%s makes no difference", (_name, first, second) => {
  expect(shadows([{ name: "a", rules: [to(first), to(second)] }])).toEqual([
    `routes[0].rules[1]: rule "a/1" gets no traffic: rule "a/0" (f:1) ${byOrder}`,
  ]);
});

test.each([
  ["Exact and PathPrefix", { path: { type: "Exact", value: "/x" } }, prefix("/x")],
  ["a longer prefix", prefix("/x"), prefix("/x/y")],
  ["a method", prefix("/x"), { ...prefix("/x"), method: "GET" }],
  ["a value of a header", { headers: [{ name: "a", value: "x" }] }, { headers: [{ name: "a", value: "X" }] }],
  [
    "the case of a parameter's name",
    { queryParams: [{ name: "a", value: "x" }] },
    { queryParams: [{ name: "A", value: "x" }] },
  ],
  [
    "an exact path with and without slash",
    { path: { type: "Exact", value: "/x" } },
    { path: { type: "Exact", value: "/x/" } },
  ],
  ["a regular expression with a condition", { ...regex("/.*"), method: "GET" }, prefix("/x")],
])("%s makes a difference", (_name, first, second) => {
  expect(shadows([{ name: "a", rules: [to(first), to(second)] }])).toEqual([]);
  expect(shadows([{ name: "a", rules: [to(second), to(first)] }])).toEqual([]);
});

test("one match of several", () => {
  const rules = [to(prefix("/x")), to(prefix("/x"), prefix("/y"), prefix("/y"))];
  expect(shadows([{ name: "a", rules }])).toEqual([
    `routes[0].rules[1].matches[0]: this match of rule "a/1" gets no traffic: rule "a/0" (f:1) ${byOrder}`,
    'routes[0].rules[1].matches[2]: this match of rule "a/1" gets no traffic: rule "a/1" (f:1) itself has the same match before',
  ]);
});

test("one hostname of several, in any case", () => {
  const routes = [
    { name: "a", hostnames: ["x", "Y", "z"], rules: [to()] },
    { name: "b", hostnames: ["y", "Z", "w"], rules: [to()] },
    { name: "c", hostnames: ["*.y"], rules: [to()] },
    { name: "d", rules: [to()] },
  ];
  expect(shadows(routes)).toEqual([
    `routes[1].rules[0]: this match of rule "b/0" gets no traffic on y and 1 other hosts: rule "a/0" (f:1) ${byName}`,
  ]);
});

test("one listener of several leaves the rule its other listeners", () => {
  const a = { name: "a", listeners: ["web"], rules: [to()] };
  const b = { name: "b", listeners: ["alt"], rules: [to()] };
  const c = { name: "c", rules: [to()] };
  expect(shadows([a, c])).toEqual([]);
  expect(shadows([a, b])).toEqual([]);
  expect(shadows([a, b, c])).toEqual([
    `routes[2].rules[0]: rule "c/0" gets no traffic: rule "a/0" (f:1) ${byName}`,
  ]);
});

test("a regular expression that takes every path goes before every prefix, but not before Exact", () => {
  const routes = [
    {
      name: "a",
      hostnames: ["h"],
      rules: [to({ ...prefix("/x"), method: "GET" }), to({ path: { type: "Exact", value: "/y" } })],
    },
    { name: "b", hostnames: ["h"], rules: [to(regex("^/.*$"))] },
    { name: "c", hostnames: ["i"], rules: [to()] },
  ];
  expect(shadows(routes)).toEqual([
    'routes[0].rules[0]: rule "a/0" gets no traffic: rule "b/0" (f:1) ranks higher and takes all requests of this one',
  ]);
});
