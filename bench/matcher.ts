// Matcher micro-benchmark: nanoseconds per match with 10, 1,000 and 10,000 routes, beside the naive matcher.
// Run: node bench/matcher.ts
import { routeMatchSchema } from "#contract/http-route.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { compileMatcher } from "#traffic/match/matcher.ts";
import { naiveMatch } from "#traffic/match/naive-matcher.ts";
import { normalizePath } from "#traffic/match/path.ts";
import type { RequestHead } from "#traffic/match/request-head.ts";

type MatchValue = { type: "Exact" | "PathPrefix" | "RegularExpression"; value: string };

interface Shape {
  readonly title: string;
  readonly hostname: (index: number) => string;
  readonly path: (index: number) => MatchValue;
  /** Path of a request that falls to a route. */
  readonly request: (index: number) => string;
}

const shapes: Shape[] = [
  {
    title: "a host per route",
    hostname: (index) => `tenant-${index}.example.com`,
    path: () => ({ type: "PathPrefix", value: "/" }),
    request: () => "/api/v1/orders/42",
  },
  {
    title: "one host, a prefix per route",
    hostname: () => "api.example.com",
    path: (index) => ({ type: "PathPrefix", value: `/service-${index}/v1` }),
    request: (index) => `/service-${index}/v1/orders/42`,
  },
  {
    title: "one host, an exact path per route",
    hostname: () => "api.example.com",
    path: (index) => ({ type: "Exact", value: `/service-${index}/v1` }),
    request: (index) => `/service-${index}/v1`,
  },
  {
    title: "wildcard hosts, a regular expression each",
    hostname: (index) => `*.tenant-${index}.example.com`,
    path: () => ({ type: "RegularExpression", value: "/api/v[0-9]+/orders/[^/]+" }),
    request: () => "/api/v1/orders/42",
  },
];

function snapshotWith(shape: Shape, routes: number): Snapshot {
  return {
    format: 1,
    listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: [] }],
    routes: Array.from({ length: routes }, (_, index) => ({
      name: `route-${index}`,
      listeners: ["web"],
      hostnames: [shape.hostname(index)],
      rules: [
        {
          id: `route-${index}/0`,
          matches: [routeMatchSchema.parse({ path: shape.path(index) })],
          filters: [],
          backendRefs: [],
          timeouts: {},
        },
      ],
    })),
    backends: [],
    settings: {
      clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
      accessLog: { mode: "off" },
    },
  };
}

function headsFor(shape: Shape, routes: number): RequestHead[] {
  return Array.from({ length: 256 }, (_, count) => {
    const index = (count * 7_919) % routes;
    const host = shape.hostname(index).replace("*", "www");
    return { method: "GET", host, path: shape.request(index), query: "a=1", header: () => null };
  });
}

/** Median of seven rounds, in nanoseconds per call. */
function nanosecondsPer(calls: number, run: (count: number) => void): number {
  run(Math.min(calls, 1_000));
  const rounds = Array.from({ length: 7 }, () => {
    const start = process.hrtime.bigint();
    run(calls);
    return Number(process.hrtime.bigint() - start) / calls;
  });
  return rounds.sort((a, b) => a - b)[3]!;
}

function measure(shape: Shape, routes: number): Record<string, string | number> {
  const snapshot = snapshotWith(shape, routes);
  const heads = headsFor(shape, routes);
  const started = process.hrtime.bigint();
  const matcher = compileMatcher(snapshot);
  const compileMs = Number(process.hrtime.bigint() - started) / 1e6;
  for (const head of heads) {
    if (matcher.match("web", head) === undefined) throw new Error(`no match for ${head.host}${head.path}`);
  }
  const fast = nanosecondsPer(200_000, (count) => {
    for (let call = 0; call < count; call += 1) matcher.match("web", heads[call & 255]!);
  });
  const naive = nanosecondsPer(Math.max(2, Math.round(4_000 / routes)), (count) => {
    for (let call = 0; call < count; call += 1) naiveMatch(snapshot, "web", heads[call & 255]!);
  });
  return {
    shape: shape.title,
    routes,
    "compile ms": Math.round(compileMs),
    "match ns": Math.round(fast),
    "naive ns": Math.round(naive),
    ratio: Math.round(naive / fast),
  };
}

const rows = shapes.flatMap((shape) => [10, 1_000, 10_000].map((routes) => measure(shape, routes)));
console.table(rows);

const paths = ["/api/v1/orders/42", "/static/js/app.0f3c.js", "/caf%c3%a9/../x"];
console.table(
  paths.map((path) => ({
    "normalizePath of": path,
    ns: Math.round(
      nanosecondsPer(500_000, (count) => {
        for (let call = 0; call < count; call += 1) normalizePath(path);
      }),
    ),
  })),
);
