import { expect, test } from "vitest";
import { ruleConcurrencyLimitSchema, ruleRateLimitSchema } from "#contract/rate-limit.ts";
import { compileSnapshot } from "./compile.ts";
import { nativeConfigSchema, type NativeConfigInput } from "./native/schema.ts";

const perHour = { requests: 10, unit: "Hour" as const };

const rulesOf = (input: NativeConfigInput) =>
  compileSnapshot(nativeConfigSchema.parse(input)).routes.flatMap(({ rules }) => rules);

/** The only limit of the only rule. */
const limitOf = (limit: object, block: "global" | "local" = "global") => {
  const rule = { name: "l", limit: perHour, ...limit };
  const [compiled] = rulesOf({
    routes: [{ name: "a", rules: [{ rateLimit: { [block]: { rules: [rule] } } }] }],
  } as NativeConfigInput);
  const [rateLimit] = compiled!.rateLimits!;
  expect(ruleRateLimitSchema.parse(rateLimit)).toEqual(rateLimit);
  return rateLimit!;
};

test("what is left out gets its documented default", () => {
  expect(limitOf({})).toEqual({
    name: "l",
    id: "rule/a/0/l",
    scope: "global",
    mode: "leased",
    limit: { algorithm: "TokenBucket", requests: 10, windowMs: 3_600_000 },
    key: [],
    overrides: [],
    cost: 1,
    shadowMode: false,
    onUnavailable: "local",
    conditions: {},
  });
});

test.each([
  [
    { requests: 3, unit: "Second", burst: 9 },
    { requests: 3, windowMs: 1_000, burst: 9 },
  ],
  [
    { requests: 3, window: "1m30s" },
    { requests: 3, windowMs: 90_000 },
  ],
  [
    { requests: 3, unit: "Month" },
    { requests: 3, windowMs: 2_592_000_000 },
  ],
])("limit %j", (limit, expected) => {
  expect(limitOf({ limit }).limit).toEqual({ algorithm: "TokenBucket", ...expected });
});

test("Distinct selectors make the key, the others are conditions", () => {
  const { key, conditions, overrides } = limitOf({
    clientSelectors: [
      {
        headers: [
          { type: "Distinct", name: "x-tenant" },
          { name: "x-plan", value: "free" },
        ],
        claims: [{ type: "Distinct", name: "sub" }],
      },
      {
        sourceCIDR: { type: "Distinct", value: "10.0.0.0/8", ipv6PrefixLength: 56 },
        cookies: [{ type: "Present", name: "sid" }],
        claims: [{ name: "role", value: "guest" }],
        route: { type: "Distinct" },
      },
    ],
    overrides: [{ key: ["a", "b", "10.0.0.1", "r"], limit: { requests: 1, unit: "Day" } }],
  });
  expect(key).toEqual([
    { type: "Header", name: "x-tenant" },
    { type: "Claim", name: "sub" },
    { type: "ClientIP", ipv6PrefixLength: 56 },
    { type: "Route" },
  ]);
  expect(conditions).toEqual({
    headers: [{ type: "Exact", name: "x-plan", value: "free" }],
    cookies: [{ type: "Present", name: "sid", value: "" }],
    clientCIDRs: ["10.0.0.0/8"],
    claims: [{ name: "role", value: "guest" }],
  });
  expect(overrides[0]!.limit).toEqual({ algorithm: "TokenBucket", requests: 1, windowMs: 86_400_000 });
});

test("local limits need no object", () => {
  expect(limitOf({ cost: { request: { number: 5 } } }, "local")).toMatchObject({ scope: "local", cost: 5 });
});

test("a rule has the limits of policies, of its route and its own; shared ones are counted together", () => {
  const limit = (name: string, shared: boolean) => ({ name, shared, limit: perHour });
  const rules = rulesOf({
    routes: [
      {
        name: "a",
        rateLimit: {
          global: { rules: [limit("r-each", false), limit("r-all", true)] },
          policies: ["p"],
        },
        rules: [
          { rateLimit: { local: { rules: [limit("own", false)] }, policies: ["p"] } },
          { name: "second" },
        ],
      },
      { name: "b", rules: [{ rateLimit: { policies: ["p"] } }] },
    ],
    rateLimitPolicies: [{ name: "p", global: { rules: [limit("p-each", false), limit("p-all", true)] } }],
  });
  expect(rules.map(({ rateLimits }) => rateLimits?.map(({ id }) => id))).toEqual([
    [
      "rule/a/0:policy/p/p-each",
      "policy/p/p-all",
      "rule/a/0:route/a/r-each",
      "route/a/r-all",
      "rule/a/0/own",
    ],
    ["rule/a/second:policy/p/p-each", "policy/p/p-all", "rule/a/second:route/a/r-each", "route/a/r-all"],
    ["rule/b/0:policy/p/p-each", "policy/p/p-all"],
  ]);
});

test("concurrency limits", () => {
  const parallel = {
    name: "parallel",
    maxParallelRequests: 3,
    clientSelectors: [{ sourceCIDR: { type: "Distinct" as const } }],
  };
  const [rule] = rulesOf({
    routes: [{ name: "a", rules: [{ rateLimit: { concurrency: { rules: [parallel] } } }] }],
  });
  expect(rule!.rateLimits).toBeUndefined();
  expect(rule!.concurrencyLimits).toEqual([
    {
      name: "parallel",
      id: "rule/a/0/parallel",
      maxParallelRequests: 3,
      key: [{ type: "ClientIP" }],
      conditions: {},
      shadowMode: false,
    },
  ]);
  expect(ruleConcurrencyLimitSchema.parse(rule!.concurrencyLimits![0])).toEqual(rule!.concurrencyLimits![0]);
});
