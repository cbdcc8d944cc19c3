// Random valid configurations whose every rule says who it is: in its answer, its Location, or a header for the endpoint.
import * as fc from "fast-check";
import { loadConfig } from "#config/load.ts";
import type { NativeConfigInput } from "#config/native/schema.ts";
import type { Snapshot } from "#contract/snapshot.ts";

type RouteInput = NonNullable<NativeConfigInput["routes"]>[number];
type RuleInput = RouteInput["rules"][number];
type Match = NonNullable<RuleInput["matches"]>[number];

export interface FuzzPorts {
  readonly web: number;
  readonly secure: number;
  /** Of echo servers. */
  readonly origins: readonly number[];
}

export interface FuzzConfig {
  readonly content: string;
  readonly snapshot: Snapshot;
}

const hostnames = ["a.test", "b.a.test", "*.a.test", "*.test", "c.b.a.test", "*.b.a.test", "other"];
const element = fc.constantFrom("a", "b", "A", "ab", "a;x", "%2A", "ä", "~");
const path = fc
  .tuple(fc.array(element, { maxLength: 4 }), fc.boolean())
  .map(([elements, slash]) => `/${elements.join("/")}${slash && elements.length > 0 ? "/" : ""}`);
const rarely = fc.integer({ min: 0, max: 5 }).map((number) => number === 0);
const pathMatch = fc.oneof(
  fc.record({
    type: fc.constantFrom("Exact" as const, "PathPrefix" as const),
    value: path,
    ignoreCase: rarely,
  }),
  fc
    .constantFrom("/a.*", "/.*b", "/[ab]+/a?", "/(a|b)*", "(?i)/A/.*", "/(a+)+b", "/(a|aa)+/?")
    .map((value) => ({ type: "RegularExpression" as const, value })),
);
const named = <T extends string>(...names: T[]) =>
  fc.uniqueArray(
    fc.oneof(
      fc.record({
        type: fc.constantFrom("Exact" as const, "RegularExpression" as const),
        name: fc.constantFrom(...names),
        value: fc.constantFrom("1", "2", "[12]", "(1+)+"),
      }),
      fc.record({
        type: fc.constantFrom("Present" as const, "Absent" as const),
        name: fc.constantFrom(...names),
      }),
    ),
    { minLength: 1, maxLength: 2, selector: ({ name }) => name },
  );
const conditions = {
  path: pathMatch,
  method: fc.constantFrom("GET" as const, "POST" as const),
  headers: named("x-x", "x-y"),
  queryParams: named("x", "y"),
  cookies: named("x", "y"),
  clientCIDRs: fc.uniqueArray(fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "::/0"), {
    minLength: 1,
    maxLength: 2,
  }),
};
const exclusion = fc.record(conditions, { requiredKeys: [] }).filter((part) => Object.keys(part).length > 0);
const match = fc.record(
  {
    ...conditions,
    and: fc.array(exclusion, { minLength: 1, maxLength: 2 }),
    not: fc.array(exclusion, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Match>;

/** Policies that change nothing about where a request goes, as long as nothing is wrong. */
const policy = fc.constantFrom<Partial<RuleInput>[]>(
  {},
  { timeouts: { request: "30s", backendRequest: "20s", streamIdle: "20s" } },
  { retry: { attempts: 2, codes: [500, 503], backoff: "1ms" } },
  { rateLimit: { global: { rules: [{ name: "wide", limit: { requests: 1_000_000, unit: "Second" } }] } } },
  { rateLimit: { concurrency: { rules: [{ name: "wide", maxParallelRequests: 10_000 }] } } },
  { sessionPersistence: { sessionName: "stay", absoluteTimeout: "1h" } },
  { stickySplit: { type: "SourceIP" } },
  { securityPolicy: { clientCIDRs: { deny: ["192.0.2.0/24"] }, requestLimits: { bodyBytes: 100_000 } } },
  {
    securityPolicy: { authorization: { rules: [{ action: "Deny", operation: { hosts: ["never.test"] } }] } },
  },
);
const kind = fc.constantFrom("direct", "forward", "forward", "forward", "redirect");
const rule = fc.record({
  matches: fc.array(match, { maxLength: 3 }),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  kind,
  policy,
  backend: fc.nat({ max: 3 }),
});
const route = fc.record({
  hostnames: fc.uniqueArray(fc.constantFrom(...hostnames), { maxLength: 3 }),
  listeners: fc.subarray(["web", "secure"], { minLength: 1 }),
  rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
});
const backend = fc.record({
  endpoints: fc.subarray([0, 1, 2], { minLength: 1 }),
  loadBalancer: fc.constantFrom(
    { type: "RoundRobin" as const },
    { type: "LeastRequest" as const },
    { type: "PeakEWMA" as const },
    { type: "ConsistentHash" as const, consistentHash: { type: "URI" as const } },
  ),
  protection: fc.constantFrom(
    {},
    { circuitBreaker: { maxParallelRequests: 10_000 } },
    { healthCheck: { passive: { consecutive5xxErrors: 3 } } },
    { loadShedding: { capacity: 10_000 } },
  ),
});

const randomParts = fc.record({
  routes: fc.array(route, { minLength: 8, maxLength: 20 }),
  backends: fc.tuple(backend, backend, backend, backend),
  secureHostnames: fc.subarray(["a.test", "*.a.test", "other"]),
});

/** Routes that the checks refuse are left out: what is left is what a user could publish. */
export function fuzzConfigs(ports: FuzzPorts, marker: string): fc.Arbitrary<FuzzConfig> {
  return randomParts.map(({ routes, backends, secureHostnames }) => {
    const config: NativeConfigInput = {
      listeners: [
        { name: "web", protocol: "HTTP", port: ports.web, addresses: ["127.0.0.1"] },
        {
          name: "secure",
          protocol: "HTTPS",
          port: ports.secure,
          addresses: ["127.0.0.1"],
          hostnames: secureHostnames.length === 0 ? [] : [...secureHostnames, "marker.test"],
        },
      ],
      routes: [
        markerRoute(marker),
        ...routes.map((one, index) => routeOf(`r${(index * 7) % 10}-${index}`, one)),
      ],
      backends: backends.map(({ endpoints, loadBalancer, protection }, index) => ({
        name: `b${index}`,
        // The last one has all, so that the set of addresses stays: gateways are replaced when it changes.
        endpoints: (index === backends.length - 1 ? [0, 1, 2] : endpoints).map((origin) => ({
          address: "127.0.0.1",
          port: ports.origins[origin]!,
        })),
        loadBalancer,
        ...protection,
      })),
      clientIPDetection: { xForwardedFor: { numTrustedHops: 1 } },
      accessLog: { mode: "off" },
    };
    return valid(config);
  });
}

function valid(config: NativeConfigInput): FuzzConfig {
  for (let routes = config.routes ?? []; ;) {
    const content = JSON.stringify({ ...config, routes });
    const { snapshot, diagnostics } = loadConfig([{ name: "fuzz.json", content }]);
    if (snapshot) return { content, snapshot };
    const refused = new Set(
      diagnostics
        .filter(({ severity }) => severity === "error")
        .map(({ path }) => Number(/^routes\[(\d+)\]/.exec(path ?? "")?.[1] ?? Number.NaN)),
    );
    const kept = routes.filter((_, index) => !refused.has(index));
    if (kept.length === routes.length) {
      throw new Error(`no route is to blame: ${diagnostics.map(({ message }) => message).join("; ")}`);
    }
    routes = kept;
  }
}

const answer = (text: string): NonNullable<RuleInput["filters"]>[number] => ({
  type: "DirectResponse",
  directResponse: { statusCode: 200, body: { inline: text } },
});

/** Tells which configuration is served. */
function markerRoute(marker: string): RouteInput {
  return { name: "marker", hostnames: ["marker.test"], rules: [{ filters: [answer(marker)] }] };
}

type RandomRoute = typeof route extends fc.Arbitrary<infer T> ? T : never;

function routeOf(name: string, { hostnames, listeners, rules }: RandomRoute): RouteInput {
  return {
    name,
    listeners,
    ...(hostnames.length > 0 && { hostnames }),
    rules: rules.map(({ matches, priority, kind, policy, backend }, index): RuleInput => {
      const common = { matches, priority };
      const id = `${name}/${index}`;
      if (kind === "direct") return { ...common, filters: [answer(id)] };
      if (kind === "redirect") {
        const to = { type: "ReplaceFullPath" as const, replaceFullPath: `/${id}` };
        return { ...common, filters: [{ type: "RequestRedirect", requestRedirect: { path: to } }] };
      }
      return {
        ...common,
        ...policy,
        filters: [
          { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-rule", value: id }] } },
        ],
        backendRefs: [{ name: `b${backend}`, weight: 3 }, { name: "b0" }].slice(0, backend === 0 ? 1 : 2),
      };
    }),
  };
}
