// One table of cases for the fast and the naive matcher: routes, request, winner (`<route>/<rule>`), nothing for 404.
import type { MatchInput, RequestInput, RouteInput } from "./match-case.ts";

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
  {
    title: "present and absent: headers, query parameters, cookies",
    routes: [
      {
        name: "r",
        rules: [
          [{ ...prefix("/h"), headers: [{ type: "Present", name: "X-Debug" }] }],
          [{ ...prefix("/h"), headers: [{ type: "Absent", name: "x-debug" }] }],
          [{ ...prefix("/q"), queryParams: [{ type: "Present", name: "a" }] }],
          [{ ...prefix("/q"), queryParams: [{ type: "Absent", name: "a" }] }],
          [{ ...prefix("/c"), cookies: [{ type: "Present", name: "a" }] }],
          [{ ...prefix("/c"), cookies: [{ type: "Absent", name: "a" }] }],
        ],
      },
    ],
    requests: [
      [get("/h", { headers: { "x-debug": "" } }), "r/0"],
      [get("/h"), "r/1"],
      [get("/q?a"), "r/2"],
      [get("/q?b=a"), "r/3"],
      [get("/c", { headers: { cookie: "b=1; a=" } }), "r/4"],
      [get("/c", { headers: { cookie: "b=a" } }), "r/5"],
      [get("/c"), "r/5"],
    ],
  },
  {
    title: "cookies: exact and by expression, the first of a name, names with case",
    routes: [
      {
        name: "r",
        rules: [
          [{ cookies: [{ name: "version", value: "v2" }] }],
          [{ cookies: [{ type: "RegularExpression", name: "version", value: "v[0-9]+" }] }],
          [prefix("/")],
        ],
      },
    ],
    requests: [
      [get("/", { headers: { cookie: "a=b; version=v2" } }), "r/0"],
      [get("/", { headers: { cookie: "version=v3;version=v2" } }), "r/1"],
      [get("/", { headers: { cookie: "Version=v2" } }), "r/2"],
      [get("/", { headers: { cookie: "version" } }), "r/2"],
    ],
  },
  {
    title: "client networks",
    routes: [
      {
        name: "r",
        rules: [[prefix("/")], [{ clientCIDRs: ["10.0.0.0/8", "2001:db8::/32"] }], [{ method: "POST" }]],
      },
    ],
    requests: [
      [get("/", { client: "10.1.2.3" }), "r/1"],
      [get("/", { client: "2001:db8::1" }), "r/1"],
      [get("/", { client: "::ffff:10.0.0.1" }), "r/1"],
      [get("/", { client: "11.0.0.1" }), "r/0"],
      [get("/", { client: "unknown" }), "r/0"],
      [get("/", { client: "10.1.2.3", method: "POST" }), "r/2"],
    ],
  },
  {
    title: "not: none of the exclusions may hold, each of which is a conjunction",
    routes: [
      {
        name: "r",
        rules: [
          [
            {
              ...prefix("/app"),
              not: [
                { path: { type: "PathPrefix", value: "/app/admin" } },
                { method: "DELETE", clientCIDRs: ["10.0.0.0/8"] },
                {
                  headers: [{ name: "x-bot", type: "Present" }],
                  cookies: [{ name: "human", type: "Absent" }],
                },
              ],
            },
          ],
          [prefix("/app")],
        ],
      },
    ],
    requests: [
      [get("/app/x"), "r/0"],
      [get("/app/admin"), "r/1"],
      [get("/app/administrator"), "r/0"],
      [get("/app/x", { method: "DELETE" }), "r/0"],
      [get("/app/x", { method: "DELETE", client: "10.0.0.1" }), "r/1"],
      [get("/app/x", { headers: { "x-bot": "1" } }), "r/1"],
      [get("/app/x", { headers: { "x-bot": "1", cookie: "human=1" } }), "r/0"],
      // A parameter must not get around an exclusion
      [get("/app/admin;x/keys"), undefined],
    ],
  },
  {
    title: "case-insensitive paths rank behind case-sensitive ones of the same length",
    routes: [
      {
        name: "r",
        rules: [
          [{ path: { type: "Exact", value: "/About", ignoreCase: true } }],
          [exact("/ABOUT")],
          [{ path: { type: "PathPrefix", value: "/Docs/", ignoreCase: true } }],
          [prefix("/docs")],
          [prefix("/Docs/api")],
          [prefix("/")],
        ],
      },
    ],
    requests: [
      [get("/about"), "r/0"],
      [get("/ABOUT"), "r/1"],
      [get("/About"), "r/0"],
      [get("/docs/x"), "r/3"],
      [get("/DOCS/x"), "r/2"],
      [get("/Docs/api/x"), "r/4"],
      [get("/docs/api/x"), "r/3"],
      [get("/DOCSx"), "r/5"],
      [get("/abouT/"), "r/5"],
    ],
  },
  {
    title: "of equal matches the older route wins, before any that does not say its age",
    routes: [
      { name: "a", rules: [[prefix("/x")], [prefix("/y")]] },
      { name: "b", creationTimestamp: "2026-02-01T00:00:00Z", rules: [[prefix("/x")], [prefix("/y/z")]] },
      { name: "c", creationTimestamp: "2026-01-31T23:59:59Z", rules: [[prefix("/x")]] },
      { name: "d", creationTimestamp: "2026-02-01T00:00:00Z", rules: [[prefix("/y")]] },
    ],
    requests: [
      [get("/x"), "c/0"],
      [get("/y"), "d/0"],
      [get("/y/z"), "b/1"],
    ],
  },
  {
    title: "a network that is none breaks its rule, not its neighbours",
    routes: [{ name: "r", rules: [[{ not: [{ clientCIDRs: ["1.2.3.4.5"] }] }], [prefix("/")]] }],
    requests: [[get("/"), "r/1"]],
  },
];
