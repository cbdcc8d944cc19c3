import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const base = `listeners: [{ name: web, protocol: HTTP, port: 80 }, { name: admin, protocol: HTTP, port: 81 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
`;
const routes = (text: string): string => `routes:\n${text}`;
const route = (name: string, more: string): string =>
  `  - { name: ${name}, ${more}, rules: [{ matches: [{ path: { type: Exact, value: /${name} } }], backendRefs: [{ name: b }] }] }\n`;
const said = (files: Record<string, string>): string[] =>
  loadConfig(Object.entries(files).map(([name, content]) => ({ name, content })))
    .diagnostics.filter(({ code }) => code === "hostname-shared")
    .map(formatDiagnostic);

test("one finding for each host and further file", () => {
  expect(
    said({
      base,
      a: routes(route("a1", "hostnames: [x.test, y.test]") + route("a2", "hostnames: [x.test]")),
      b: routes(route("b1", "hostnames: [X.test]") + route("b2", "hostnames: [x.test, z.test]")),
      c: routes(route("c", "listeners: [admin], hostnames: [y.test]")),
    }),
  ).toEqual([
    "b:2:29: warning: X.test is also in a:2; the most specific match of both files wins (at routes[0].hostnames[0]) [hostname-shared]\n    Keep the routes of a host in one file, or check that they do not overlap.",
    "c:2:48: warning: y.test is also in a:2; the most specific match of both files wins (at routes[0].hostnames[0]) [hostname-shared]\n    Keep the routes of a host in one file, or check that they do not overlap.",
  ]);
});

test("routes of one file, and of different listeners, share nothing", () => {
  expect(
    said({
      base,
      a: routes(route("a1", "listeners: [web], hostnames: [x.test]") + route("a2", "hostnames: [y.test]")),
      b: routes(route("b1", "listeners: [admin], hostnames: [x.test]")),
    }),
  ).toEqual([]);
});

test("a host within a wildcard of another file takes its requests from it", () => {
  const found = said({
    base,
    a: routes(route("a1", 'hostnames: ["*.x.test"]')),
    b: routes(
      route("b1", "hostnames: [api.x.test, x.test, other.test]") + route("b2", 'hostnames: ["*.b.X.test"]'),
    ),
  });
  expect(found.map((text) => text.split("\n")[0])).toEqual([
    "b:2:29: warning: api.x.test is also within *.x.test of a:2, which gets none of its requests: the more specific host decides alone, and answers 404 where no rule of it matches (at routes[0].hostnames[0]) [hostname-shared]",
    expect.stringMatching(/^b:3:29: warning: \*\.b\.X\.test is also within \*\.x\.test of a:2/),
  ]);
});

test("a wildcard of the same file, of another listener, or behind a nearer one is none", () => {
  expect(
    said({
      base,
      a: routes(
        route("a1", 'listeners: [admin], hostnames: ["*.x.test"]') + route("a2", 'hostnames: ["*.test"]'),
      ),
      b: routes(
        route("b1", "listeners: [web], hostnames: [api.x.test]") +
          route("b2", 'listeners: [web], hostnames: ["*.x.test"]'),
      ),
    }).map((text) => text.slice(0, 60)),
  ).toEqual([expect.stringMatching(/^b:3:\d+: warning: \*\.x\.test is also within \*\.test of a:3/)]);
});
