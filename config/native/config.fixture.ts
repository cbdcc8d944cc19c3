// Random valid configurations, as users may write them, for property tests.
import * as fc from "fast-check";
import type { NativeConfigInput } from "./schema.ts";

/** Leaves out absent keys, as YAML does. */
function record<T extends object>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  required: (keyof T)[],
): fc.Arbitrary<T> {
  return fc.record(fields, { requiredKeys: required as never[] }) as unknown as fc.Arbitrary<T>;
}

const weight = fc.nat({ max: 1_000 });
const duration = fc.constantFrom("1s", "500ms", "1m", "1h30m", "2s10ms");
const headerName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/);
// What a header value may be, and so what YAML has to keep: spaces, quotes, colons, hashes, non-ASCII. The reader
// refuses U+FFFD as a sign of broken UTF-8.
const headerValue = fc
  .string({ unit: "grapheme", maxLength: 20 })
  .map((text) => text.replace(/[\p{Cc}\uFFFD]/gu, " "));
const path = fc.stringMatching(/^(\/[a-z0-9.~-]{0,3}[a-z]){1,3}\/?$/);
const hostname = fc.constantFrom(
  "api.example.com",
  "*.example.com",
  "www.example.com",
  "EXAMPLE.org",
  "localhost",
);

const pathMatch = fc.oneof(
  record({ type: fc.constantFrom("Exact" as const, "PathPrefix" as const), value: path }, ["type", "value"]),
  record(
    { type: fc.constant("RegularExpression" as const), value: fc.constantFrom("/a+", "/.*\\.png", "^/x$") },
    ["type", "value"],
  ),
  fc.constant({}),
);
const condition = record(
  {
    type: fc.constantFrom("Exact" as const, "RegularExpression" as const),
    name: headerName,
    value: fc.constantFrom("a", "b c", "true", "1", "~", "#", "a: b"),
  },
  ["name", "value"],
);
const conditions = fc.uniqueArray(condition, { maxLength: 2, selector: ({ name }) => name.toLowerCase() });
const match = record(
  {
    path: pathMatch,
    method: fc.constantFrom("GET" as const, "POST" as const),
    headers: conditions,
    queryParams: conditions,
  },
  [],
);
const header = record({ name: headerName, value: headerValue }, ["name", "value"]);
const modifier = record(
  {
    set: fc.array(header, { maxLength: 2 }),
    add: fc.array(header, { maxLength: 2 }),
    remove: fc.array(headerName, { maxLength: 2 }),
  },
  [],
);
const filters = fc.uniqueArray(
  fc.oneof(
    modifier.map((value) => ({ type: "RequestHeaderModifier" as const, requestHeaderModifier: value })),
    modifier.map((value) => ({ type: "ResponseHeaderModifier" as const, responseHeaderModifier: value })),
    path.map((value) => ({
      type: "URLRewrite" as const,
      urlRewrite: { path: { type: "ReplaceFullPath" as const, replaceFullPath: value } },
    })),
  ),
  { maxLength: 2, selector: ({ type }) => type },
);

const healthCheck = fc.oneof(
  fc.constant({}),
  record(
    {
      type: fc.constant("TCP" as const),
      interval: duration,
      healthyThreshold: fc.integer({ min: 1, max: 9 }),
    },
    ["type"],
  ).map((active) => ({ active })),
  record(
    {
      type: fc.constant("HTTP" as const),
      timeout: duration,
      http: record(
        {
          path,
          expectedStatuses: fc.array(fc.integer({ min: 100, max: 599 }), { minLength: 1, maxLength: 3 }),
        },
        ["path"],
      ),
    },
    ["type", "http"],
  ).map((active) => ({ active })),
);

function backends(names: string[]): fc.Arbitrary<NonNullable<NativeConfigInput["backends"]>> {
  const endpoint = record(
    {
      address: fc.constantFrom("10.0.0.1", "2001:DB8::1", "[::1]", "Pod.example.com", "192.0.2.255"),
      port: fc.integer({ min: 1, max: 65_535 }),
      weight,
    },
    ["address", "port"],
  );
  return fc.tuple(
    ...names.map((name) =>
      record(
        {
          name: fc.constant(name),
          tunnel: fc.constantFrom("production", "staging"),
          protocol: fc.constantFrom("HTTP" as const, "HTTPS" as const),
          endpoints: fc.uniqueArray(endpoint, { maxLength: 3, selector: ({ port }) => port }),
          loadBalancer: record(
            {
              type: fc.constantFrom(
                "RoundRobin" as const,
                "LeastRequest" as const,
                "Random" as const,
                "ConsistentHash" as const,
              ),
            },
            ["type"],
          ),
          healthCheck,
        },
        ["name"],
      ),
    ),
  ) as fc.Arbitrary<NonNullable<NativeConfigInput["backends"]>>;
}

type Rule = NonNullable<NativeConfigInput["routes"]>[number]["rules"][number];

const rateLimit = fc.constantFrom<NonNullable<Rule["rateLimit"]>[]>(
  { global: { rules: [{ name: "a", limit: { requests: 10, unit: "Minute" }, shared: true }] } },
  {
    global: {
      rules: [
        {
          name: "b",
          mode: "strict",
          limit: { requests: 5, window: "1h30m", burst: 9 },
          clientSelectors: [
            { sourceCIDR: { type: "Distinct" } },
            { cookies: [{ name: "b", value: "1: #" }], headers: [{ type: "Distinct", name: "x-a" }] },
          ],
          overrides: [{ key: ["192.0.2.1", "~"], limit: { requests: 1, unit: "Day" } }],
        },
      ],
    },
    concurrency: { rules: [{ name: "c", maxParallelRequests: 3 }] },
  },
  {
    local: {
      rules: [
        { name: "d", limit: { requests: 5, window: "10s", algorithm: "SlidingWindow" }, shadowMode: true },
      ],
    },
  },
);

function routes(
  names: string[],
  listenerNames: string[],
  backendNames: string[],
): fc.Arbitrary<NonNullable<NativeConfigInput["routes"]>> {
  const backendRef = record({ name: fc.constantFrom(...backendNames), weight, filters }, ["name"]);
  const rule = record(
    {
      matches: fc.array(match, { maxLength: 3 }),
      filters,
      backendRefs: fc.array(backendRef, { maxLength: 3 }),
      timeouts: record({ request: fc.constant("1h30m"), backendRequest: duration }, []),
      rateLimit,
    },
    [],
  );
  const route = (name: string) =>
    record(
      {
        name: fc.constant(name),
        listeners: fc.uniqueArray(fc.constantFrom(...listenerNames), { minLength: 1 }),
        hostnames: fc.array(hostname, { maxLength: 3 }),
        rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
      },
      ["name", "rules"],
    );
  return fc.tuple(...names.map(route)) as fc.Arbitrary<NonNullable<NativeConfigInput["routes"]>>;
}

// Numbers, booleans and nulls as text: names that YAML must quote.
const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,8}[A-Za-z0-9])?$/),
  fc.constantFrom("1", "true", "null", "0x1", "1.5", "1e3"),
);
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });

/** Listeners, backend and routes of connections, whose names no others have. */
const layer4 = {
  listeners: [
    { name: "connections/tcp", protocol: "TCP", port: 5_432, proxyProtocol: { optional: true } },
    { name: "connections/tls", protocol: "TLS", port: 6_432, tls: { mode: "Passthrough" } },
  ],
  tcpRoutes: [
    {
      name: "1",
      listeners: ["connections/tcp"],
      securityPolicy: { clientCIDRs: { deny: ["192.0.2.0/24"] } },
      rules: [{ backendRefs: [{ name: "connections/backend", weight: 3 }], timeouts: { idle: "0s" } }],
    },
  ],
  tlsRoutes: [{ name: "null", hostnames: ["*.example.com"], rules: [{ maxConnectAttempts: 1 }] }],
  backends: [{ name: "connections/backend", protocol: "TLS", proxyProtocol: { version: "V1" } }],
} satisfies NativeConfigInput;

function withLayer4(config: NativeConfigInput): NativeConfigInput {
  return {
    ...config,
    ...layer4,
    listeners: [...config.listeners!, ...layer4.listeners],
    backends: [...config.backends!, ...layer4.backends],
  };
}

/** Passes every check without an error; may give warnings. */
export const configArbitrary: fc.Arbitrary<NativeConfigInput> = fc
  .record({ listenerNames: names, routeNames: names, backendNames: names })
  .chain(({ listenerNames, routeNames, backendNames }) =>
    fc.record({
      listeners: fc.tuple(
        ...listenerNames.map((listener, index) =>
          fc
            .constantFrom("HTTP" as const, "HTTPS" as const)
            .map((protocol) => ({ name: listener, protocol, port: 80 + index })),
        ),
      ),
      routes: routes(routeNames, listenerNames, backendNames),
      backends: backends(backendNames),
      clientIPDetection: fc.constantFrom(
        {},
        { xForwardedFor: { numTrustedHops: 2 } },
        { xForwardedFor: { trustedCIDRs: ["10.0.0.0/8", "::1"] } },
      ),
      accessLog: fc.constantFrom({}, { mode: "all" as const }, { format: "HTTPLog" as const }),
      tracing: fc.constantFrom(
        undefined,
        {},
        { samplingRate: 0.5, otlpEndpoint: "https://c.example.com/v1/traces" },
      ),
    }),
  )
  .chain((config) =>
    fc.boolean().map((both) => (both ? withLayer4(config as NativeConfigInput) : config)),
  ) as fc.Arbitrary<NativeConfigInput>;
