// Each mistake about a rate limit, with the place and the text of its finding.
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

const head = `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
`;

function findings(rest: string): string[] {
  const { diagnostics } = loadConfig([{ name: "f", content: head + rest }]);
  return diagnostics.map(({ code, path, message }) => `${code} ${path}: ${message}`);
}

const ofRule = (limit: string, block = "global") =>
  findings(
    `routes: [{ name: a, rules: [{ backendRefs: [{ name: b }], rateLimit: { ${block}: { rules: [{ name: l, ${limit} }] } } }] }]`,
  );

const at = "routes[0].rules[0].rateLimit.global.rules[0]";

test.each([
  ["unit or window is missing", "limit: { requests: 1 }", "field-value", "`unit` or `window`"],
  ["both are there", "limit: { requests: 1, unit: Day, window: 1h }", "field-value", "`unit` or `window`"],
  ["the window is zero", "limit: { requests: 1, window: 0s }", "duration-range", "longer than 0s"],
  [
    "the cost is never to be had",
    "limit: { requests: 10, unit: Day, burst: 2 }, cost: { request: { number: 3 } }",
    "rate-limit-invalid",
    "every request would be refused",
  ],
  [
    "a burst without a bucket",
    "limit: { requests: 10, unit: Day, burst: 2, algorithm: FixedWindow }",
    "rate-limit-invalid",
    "no meaning for FixedWindow",
  ],
  [
    "an override has too few values",
    "limit: { requests: 1, unit: Day }, clientSelectors: [{ headers: [{ type: Distinct, name: a }, { type: Distinct, name: c }] }], overrides: [{ key: [x], limit: { requests: 1, unit: Day } }]",
    "rate-limit-invalid",
    "1 values, but this limit has 2 Distinct selectors",
  ],
  [
    "a pattern is wrong",
    "limit: { requests: 1, unit: Day }, clientSelectors: [{ headers: [{ type: RegularExpression, name: a, value: '(' }] }]",
    "match-regex-invalid",
    "",
  ],
  [
    "two networks",
    "limit: { requests: 1, unit: Day }, clientSelectors: [{ sourceCIDR: { value: 10.0.0.0/8 } }, { sourceCIDR: { type: Distinct } }]",
    "rate-limit-invalid",
    "a second sourceCIDR",
  ],
  [
    "an exact address without a network",
    "limit: { requests: 1, unit: Day }, clientSelectors: [{ sourceCIDR: {} }]",
    "field-missing",
    "expected a network for Exact",
  ],
  [
    "a claim that nobody verifies",
    "limit: { requests: 1, unit: Day }, clientSelectors: [{ claims: [{ type: Distinct, name: sub }] }]",
    "rate-limit-ineffective",
    "no token is verified",
  ],
])("%s", (_name, limit, code, text) => {
  const found = ofRule(limit);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(code);
  expect(found[0]).toContain(at);
  expect(found[0]).toContain(text);
});

test("a sound limit gives no finding", () => {
  expect(ofRule("limit: { requests: 1, unit: Day }")).toEqual([]);
  expect(ofRule("limit: { requests: 1, unit: Day }", "local")).toEqual([]);
});

test("policies are known, and named once", () => {
  const limit = "{ name: l, limit: { requests: 1, unit: Day } }";
  const policy = `{ name: p, global: { rules: [${limit}] } }`;
  const route = (names: string) =>
    `routes: [{ name: a, rateLimit: { policies: [${names}] }, rules: [{ backendRefs: [{ name: b }] }] }]\n`;
  expect(findings(`${route("p")}rateLimitPolicies: [${policy}]`)).toEqual([]);
  expect(findings(`${route("q")}rateLimitPolicies: [${policy}]`)).toEqual([
    'reference-unknown routes[0].rateLimit.policies[0]: no rate limit policy is named "q"',
  ]);
  expect(findings(`${route("p")}rateLimitPolicies: [${policy}, ${policy}]`)[0]).toContain("name-duplicate");
});

test("limits that hold for one rule have different names, and are not too many", () => {
  const limit = (name: string) => `{ name: ${name}, limit: { requests: 1, unit: Day } }`;
  const both = (own: string) =>
    findings(
      `routes: [{ name: a, rateLimit: { global: { rules: [${limit("l")}] } }, rules: [{ backendRefs: [{ name: b }], rateLimit: { local: { rules: [${own}] } } }] }]`,
    );
  expect(both(limit("m"))).toEqual([]);
  expect(both(limit("l"))).toEqual([
    'name-duplicate routes[0].rules[0].rateLimit: two limits that hold for rule a/0 are named "l"',
  ]);
  const many = Array.from({ length: 32 }, (_, n) => limit(`m${n}`)).join(", ");
  expect(both(many)).toEqual([
    "limit-exceeded routes[0].rules[0].rateLimit: 33 limits hold for one rule; expected at most 32",
  ]);
});
