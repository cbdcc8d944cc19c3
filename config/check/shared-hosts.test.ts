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
