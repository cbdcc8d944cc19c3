// One table of cases for the fast and the naive matcher: routes, request, winner (`<route>/<rule>`), nothing for 404.
import { type RouteMatch, routeMatchSchema } from "#contract/http-route.ts";
import type { Snapshot, SnapshotRoute } from "#contract/snapshot.ts";
import type { RequestHead } from "./request-head.ts";
import type { z } from "zod";

type MatchInput = z.input<typeof routeMatchSchema>;

export interface RouteInput {
  readonly name: string;
  readonly hostnames?: string[];
  readonly listeners?: string[];
  /** Matches of each rule. */
  readonly rules: MatchInput[][];
}

export interface RequestInput {
  readonly listener?: string;
  readonly method?: string;
  readonly host?: string;
  /** Path, with `?query` if any. */
  readonly target: string;
  readonly headers?: Record<string, string>;
}

/** A snapshot with listeners `web` (any host) and `secure` (given hosts). */
export function snapshotOf(routes: readonly RouteInput[], secureHostnames: string[] = []): Snapshot {
  return {
    format: 1,
    listeners: [
      { name: "web", protocol: "HTTP", port: 80, hostnames: [] },
      { name: "secure", protocol: "HTTPS", port: 443, hostnames: secureHostnames },
    ],
    routes: routes.map(routeOf),
    backends: [],
    settings: {
      clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
      accessLog: { mode: "off" },
    },
  } as Snapshot;
}

function routeOf({ name, hostnames = [], listeners = ["web", "secure"], rules }: RouteInput): SnapshotRoute {
  return {
    name,
    listeners,
    hostnames,
    rules: rules.map((matches, index) => ({
      id: `${name}/${index}`,
      matches: matches.map((match): RouteMatch => routeMatchSchema.parse(match)),
      filters: [],
      backendRefs: [],
      timeouts: {},
    })),
  };
}

export function headOf({
  method = "GET",
  host = "example.com",
  target,
  headers = {},
}: RequestInput): RequestHead {
  const [path, query = ""] = target.split("?", 2) as [string, string?];
  return { method, host, path, query, header: (name) => headers[name] ?? null };
}

export interface MatcherCase {
  readonly title: string;
  readonly routes: RouteInput[];
  readonly secureHostnames?: string[];
  readonly requests: [request: RequestInput, winner: string | undefined][];
}

const exact = (value: string): MatchInput => ({ path: { type: "Exact", value } });
const prefix = (value: string): MatchInput => ({ path: { type: "PathPrefix", value } });
const regex = (value: string): MatchInput => ({ path: { type: "RegularExpression", value } });
const get = (target: string, more: Partial<RequestInput> = {}): RequestInput => ({ target, ...more });

export const matcherCases: MatcherCase[] = [
  {
    title: "a prefix matches whole elements, and its trailing slash is ignored",
    routes: [{ name: "r", rules: [[prefix("/abc")], [prefix("/x/y/")]] }],
    requests: [
      [get("/abc"), "r/0"],
      [get("/abc/"), "r/0"],
      [get("/abc/def"), "r/0"],
      [get("/abcd"), undefined],
      [get("/ab"), undefined],
      [get("/x/y"), "r/1"],
      [get("/x/y/z"), "r/1"],
      [get("/x/yz"), undefined],
      [get("/ABC"), undefined],
    ],
  },
  {
    title: "Exact beats a longer-looking regular expression, which beats any prefix",
    routes: [
      { name: "r", rules: [[prefix("/a/b/c/d")], [regex("/a/.*")], [exact("/a/b/c/d")], [prefix("/")]] },
    ],
    requests: [
      [get("/a/b/c/d"), "r/2"],
      [get("/a/b/c/d/"), "r/1"],
      [get("/b"), "r/3"],
      [get("/a"), "r/3"],
    ],
  },
  {
    title: "the longest prefix wins, whatever the order",
    routes: [
      { name: "z", rules: [[prefix("/match/exact/one")], [prefix("/match")]] },
      { name: "a", rules: [[prefix("/")], [prefix("/match/exact")]] },
    ],
    requests: [
      [get("/match/exact/one/two"), "z/0"],
      [get("/match/exact/two"), "a/1"],
      [get("/match/other"), "z/1"],
      [get("/"), "a/0"],
    ],
  },
  {
    title: "the longest regular expression is asked first, and must match the whole path",
    routes: [
      { name: "r", rules: [[regex("/v[0-9]+.*")], [regex("/v[0-9]+/users/[^/]+")], [regex("/static")]] },
    ],
    requests: [
      [get("/v1/users/7"), "r/1"],
      [get("/v1/users/7/x"), "r/0"],
      [get("/static/x"), undefined],
    ],
  },
  {
    title: "then method, then headers, then query parameters",
    routes: [
      {
        name: "r",
        rules: [
          [{ queryParams: [{ name: "a", value: "1" }] }],
          [{ headers: [{ name: "X-A", value: "1" }] }],
          [{ method: "GET" }],
          [
            {
              headers: [
                { name: "x-a", value: "1" },
                { name: "x-b", value: "2" },
              ],
            },
          ],
          [{ headers: [{ name: "x-a", value: "1" }], queryParams: [{ name: "a", value: "1" }] }],
          [prefix("/")],
        ],
      },
    ],
    requests: [
      [get("/?a=1", { headers: { "x-a": "1", "x-b": "2" } }), "r/2"],
      [get("/?a=1", { method: "POST", headers: { "x-a": "1", "x-b": "2" } }), "r/3"],
      [get("/?a=1", { method: "POST", headers: { "x-a": "1" } }), "r/4"],
      [get("/", { method: "POST", headers: { "x-a": "1" } }), "r/1"],
      [get("/?a=1", { method: "POST" }), "r/0"],
      [get("/", { method: "POST" }), "r/5"],
      [get("/", { method: "get" }), "r/5"],
    ],
  },
  {
    title: "ties go to the route whose name is first, then to its first rule",
    routes: [
      { name: "ns/b", rules: [[prefix("/x")]] },
      { name: "ns/a", rules: [[prefix("/x")], [prefix("/x")]] },
    ],
    requests: [[get("/x"), "ns/a/0"]],
  },
  {
    title: "headers: names without case, values with it; only the first match of a name counts",
    routes: [
      {
        name: "r",
        rules: [
          [
            {
              headers: [
                { name: "Version", value: "two" },
                { name: "version", value: "ignored" },
              ],
            },
          ],
          [{ headers: [{ type: "RegularExpression", name: "user-agent", value: ".*Firefox.*" }] }],
        ],
      },
    ],
    requests: [
      [get("/", { headers: { version: "two" } }), "r/0"],
      [get("/", { headers: { version: "TWO" } }), undefined],
      [get("/", { headers: { "user-agent": "Mozilla Firefox 1" } }), "r/1"],
      [get("/", { headers: { "user-agent": "firefox" } }), undefined],
    ],
  },
  {
    title: "query parameters: the first value counts, names and values decoded",
    routes: [
      {
        name: "r",
        rules: [
          [{ queryParams: [{ name: "animal", value: "grey whale" }] }],
          [{ queryParams: [{ type: "RegularExpression", name: "id", value: "[0-9]+" }] }],
        ],
      },
    ],
    requests: [
      [get("/?animal=grey+whale"), "r/0"],
      [get("/?%61nimal=grey%20whale&x"), "r/0"],
      [get("/?animal=dog&animal=grey+whale"), undefined],
      [get("/?Animal=grey+whale"), undefined],
      [get("/?id=12"), "r/1"],
      [get("/?id=12x"), undefined],
      [get("/?id="), undefined],
    ],
  },
  {
    title: "a rule's matches are alternatives",
    routes: [{ name: "r", rules: [[exact("/a"), { ...prefix("/b"), method: "POST" }]] }],
    requests: [
      [get("/a"), "r/0"],
      [get("/b", { method: "POST" }), "r/0"],
      [get("/b"), undefined],
    ],
  },
  {
    title: "the most specific host decides alone",
    routes: [
      { name: "any", rules: [[prefix("/")]] },
      { name: "wide", hostnames: ["*.com"], rules: [[prefix("/wide")]] },
      { name: "wild", hostnames: ["*.example.com"], rules: [[prefix("/")]] },
      { name: "exact", hostnames: ["api.example.com"], rules: [[prefix("/only")]] },
    ],
    requests: [
      [get("/only", { host: "api.example.com" }), "exact/0"],
      [get("/", { host: "api.example.com" }), undefined],
      [get("/", { host: "www.example.com" }), "wild/0"],
      [get("/", { host: "a.b.example.com" }), "wild/0"],
      [get("/", { host: "example.com" }), undefined],
      [get("/wide", { host: "example.com" }), "wide/0"],
      [get("/", { host: "example.org" }), "any/0"],
      [get("/", { host: "[::1]" }), "any/0"],
    ],
  },
  {
    title: "rules of several routes for one host are ranked together",
    routes: [
      { name: "b", hostnames: ["x.test", "y.test"], rules: [[prefix("/")], [exact("/both")]] },
      { name: "a", hostnames: ["X.test"], rules: [[prefix("/both")]] },
    ],
    requests: [
      [get("/both", { host: "x.test" }), "b/1"],
      [get("/both/1", { host: "x.test" }), "a/0"],
      [get("/both/1", { host: "y.test" }), "b/0"],
    ],
  },
  {
    title: "a listener's host names restrict, and routes stay with their listeners",
    secureHostnames: ["*.example.com", "exact.test"],
    routes: [
      { name: "any", rules: [[prefix("/")]] },
      { name: "narrow", hostnames: ["exact.test"], rules: [[prefix("/")]] },
      { name: "web-only", hostnames: ["www.example.com"], listeners: ["web"], rules: [[prefix("/")]] },
    ],
    requests: [
      [get("/", { listener: "secure", host: "www.example.com" }), "any/0"],
      [get("/", { listener: "web", host: "www.example.com" }), "web-only/0"],
      [get("/", { listener: "secure", host: "example.com" }), undefined],
      [get("/", { listener: "secure", host: "exact.test" }), "narrow/0"],
      [get("/", { listener: "unknown", host: "exact.test" }), undefined],
    ],
  },
  {
    title: "a rule that cannot be compiled never matches, and its host stays its own",
    routes: [
      { name: "broken", hostnames: ["a.test"], rules: [[regex("/(")], [exact("/%zz")], [prefix("/ok")]] },
      { name: "any", rules: [[prefix("/")]] },
    ],
    requests: [
      [get("/ok", { host: "a.test" }), "broken/2"],
      [get("/(", { host: "a.test" }), undefined],
      [get("/", { host: "b.test" }), "any/0"],
    ],
  },
  {
    title: "configured paths match in whatever spelling they are written",
    routes: [{ name: "r", rules: [[exact("/caf%c3%a9")], [prefix("/%7Euser//x/")], [exact("/ü")]] }],
    requests: [
      [get("/caf%C3%A9"), "r/0"],
      [get("/~user/x/y"), "r/1"],
      [get("/%C3%BC"), "r/2"],
    ],
  },
  {
    title: "path parameters cannot choose another rule",
    routes: [
      { name: "r", rules: [[prefix("/")], [prefix("/admin")], [exact("/page")], [exact("/odd;name")]] },
    ],
    requests: [
      [get("/app;v=1/x"), "r/0"],
      [get("/admin/x;v=1"), "r/1"],
      [get("/admin;x/keys"), undefined],
      [get("/;/admin"), undefined],
      [get("/page;jsessionid=1"), undefined],
      [get("/odd;name"), "r/3"],
    ],
  },
];
