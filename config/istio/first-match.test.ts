// Random VirtualServices of one gateway, read literally as Istio puts them together: the imported model must send every
// request to the same destination.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { compileMatcher } from "#traffic/match/matcher.ts";
import { loadConfig } from "../load.ts";
import { covers } from "./host.ts";

interface Request {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Condition {
  readonly match: object;
  readonly holds: (request: Request) => boolean;
}

const catchAll: Condition = { match: { uri: { prefix: "/" } }, holds: () => true };
const conditions: readonly Condition[] = [
  catchAll,
  { match: { uri: { exact: "/a" } }, holds: ({ path }) => path === "/a" },
  {
    match: { uri: { exact: "/A/b" }, ignoreUriCase: true },
    holds: ({ path }) => path.toLowerCase() === "/a/b",
  },
  { match: { uri: { prefix: "/a" } }, holds: ({ path }) => path.startsWith("/a") },
  { match: { uri: { prefix: "/a/" } }, holds: ({ path }) => path.startsWith("/a/") },
  {
    match: { uri: { prefix: "/AB" }, ignoreUriCase: true },
    holds: ({ path }) => path.toLowerCase().startsWith("/ab"),
  },
  { match: { uri: { regex: "/[ab]/?" } }, holds: ({ path }) => /^\/[ab]\/?$/.test(path) },
  { match: { method: { regex: "P.*" } }, holds: ({ method }) => method.startsWith("P") },
  { match: { headers: { x: { exact: "1" } } }, holds: ({ headers }) => headers["x"] === "1" },
  {
    match: { headers: { x: {} }, uri: { prefix: "/b" } },
    holds: ({ headers, path }) => headers["x"] !== undefined && path.startsWith("/b"),
  },
  {
    match: { withoutHeaders: { x: { prefix: "1" } } },
    holds: ({ headers }) => !headers["x"]?.startsWith("1"),
  },
  {
    match: { withoutHeaders: { x: { regex: "2?" } } },
    holds: ({ headers }) => headers["x"] !== undefined && headers["x"] !== "2",
  },
  { match: { queryParams: { q: { exact: "1" } } }, holds: ({ query }) => query === "q=1" },
  { match: { authority: { exact: "a.com" } }, holds: ({ host }) => host === "a.com" },
  { match: { scheme: { exact: "https" } }, holds: () => false },
  { match: { port: 80, uri: { exact: "/b" } }, holds: ({ path }) => path === "/b" },
];

const patterns = ["a.com", "b.com", "*.com", "*"] as const;

interface Service {
  readonly hosts: readonly string[];
  /** Rules with the conditions of their matches, by index; none: every request. */
  readonly rules: readonly (readonly number[])[];
}

const services = fc.array(
  fc.record({
    hosts: fc
      .uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 2 })
      // Istio refuses hosts of which one has the other.
      .filter(([one, other]) => !other || !(covers(one!, other) || covers(other, one!))),
    rules: fc.array(fc.array(fc.nat(conditions.length - 1), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  { minLength: 1, maxLength: 3 },
);

const requests: Request[] = ["a.com", "b.com", "c.com", "c.org"].flatMap((host) =>
  ["/", "/a", "/A/B", "/a/", "/abc", "/b", "/b/"].flatMap((path) =>
    [{}, { x: "1" }, { x: "2" }].flatMap((headers: Record<string, string>) =>
      [
        { method: "GET", query: "" },
        { method: "POST", query: "q=1" },
      ].map((rest) => ({ host, path, headers, ...rest })),
    ),
  ),
);

function manifest(all: readonly Service[]): string {
  const gateway = {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "gateway" },
    spec: { servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }] },
  };
  const objects = all.map(({ hosts, rules }, index) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    // The name's order is not the age's.
    metadata: { name: `s${9 - index}`, creationTimestamp: `2026-01-0${index + 1}T00:00:00Z` },
    spec: {
      hosts,
      gateways: ["gateway"],
      http: rules.map((matches, rule) => ({
        ...(matches.length > 0 && { match: matches.map((condition) => conditions[condition]!.match) }),
        route: [{ destination: { host: `d${index}-${rule}`, port: { number: 80 } } }],
      })),
    },
  }));
  return [gateway, ...objects].map((object) => JSON.stringify(object)).join("\n---\n");
}

/** The host's own rules, the oldest object's first, those that take every request last (`SortVHostRoutes`). */
function literal(all: readonly Service[], request: Request): string {
  const covering = patterns.filter(
    (pattern) =>
      all.some(({ hosts }) => hosts.includes(pattern)) &&
      (pattern === "*" || pattern === request.host || (pattern === "*.com" && request.host.endsWith(".com"))),
  );
  const [host] = covering;
  const entries = all.flatMap(({ hosts, rules }, index) => {
    if (host === undefined || !hosts.includes(host)) return [];
    const own: { destination: string; condition: Condition }[] = [];
    for (const [rule, matches] of rules.entries()) {
      const destination = `istio/default/d${index}-${rule}/80`;
      const listed = matches.length === 0 ? [catchAll] : matches.map((condition) => conditions[condition]!);
      for (const condition of listed) {
        own.push({ destination, condition });
        if (condition === catchAll) return own;
      }
    }
    return own;
  });
  const inOrder = [
    ...entries.filter(({ condition }) => condition !== catchAll),
    ...entries.filter(({ condition }) => condition === catchAll),
  ];
  return inOrder.find(({ condition }) => condition.holds(request))?.destination ?? "404";
}

test("the first match wins, over all VirtualServices of a host", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(services, (all) => {
      const { snapshot, diagnostics } = loadConfig([{ name: "istio.yaml", content: manifest(all) }]);
      expect(snapshot, diagnostics.map(formatDiagnostic).join("\n")).toBeDefined();
      const matcher = compileMatcher(snapshot!);
      for (const request of requests) {
        const found = matcher.match("istio/http-80", {
          ...request,
          clientAddress: "192.0.2.1",
          header: (name) => (name === "host" ? request.host : (request.headers[name] ?? null)),
        });
        // Hosts whose rules cannot match here are answered so by a rule of their own.
        const backend = found?.rule.backendRefs[0]?.backend ?? "404";
        expect(backend, JSON.stringify(request)).toBe(literal(all, request));
      }
    }),
    { numRuns: 100 },
  );
});
