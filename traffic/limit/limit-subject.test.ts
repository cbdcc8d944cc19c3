import { expect, test } from "vitest";
import type { LimitConditions, LimitKeyPart } from "#contract/rate-limit.ts";
import { limitSchema } from "#contract/rate-limit.ts";
import { claimText } from "./claim-text.ts";
import { clientKey, compileOverrides, composeKey } from "./limit-key.ts";
import { compileKeyOf, type LimitSubject } from "./limit-subject.ts";

interface Facts {
  client?: string;
  headers?: Record<string, string>;
  claims?: Record<string, unknown>;
}

const subject = ({ client = "192.0.2.1", headers = {}, claims }: Facts): LimitSubject => ({
  method: "GET",
  host: "a.example.com",
  path: "/",
  query: "",
  clientAddress: client,
  header: (name) => headers[name] ?? null,
  claim: (name) => claimText(claims, name),
});

const keyOf = (key: LimitKeyPart[], facts: Facts, conditions: LimitConditions = {}) =>
  compileKeyOf({ key, conditions }, "route")(subject(facts));

test("without parts all requests share one key", () => {
  expect(keyOf([], {})).toBe("");
  expect(keyOf([], { client: "192.0.2.2" })).toBe("");
});

test.each<[string, LimitKeyPart, Facts, string]>([
  ["client address", { type: "ClientIP" }, {}, "192.0.2.1"],
  ["header, whatever its case", { type: "Header", name: "X-Tenant" }, { headers: { "x-tenant": "a" } }, "a"],
  ["cookie", { type: "Cookie", name: "sid" }, { headers: { cookie: "x=1; sid=7" } }, "7"],
  ["claim", { type: "Claim", name: "sub" }, { claims: { sub: "me" } }, "me"],
  ["claim within a claim", { type: "Claim", name: "a.b" }, { claims: { a: { b: 5 } } }, "5"],
  ["route", { type: "Route" }, {}, "route"],
])("key from %s", (_name, part, facts, value) => {
  expect(keyOf([part], facts)).toBe(composeKey([value]));
});

test("parts combine, and none can be mistaken for another", () => {
  const parts: LimitKeyPart[] = [
    { type: "Header", name: "a" },
    { type: "Header", name: "b" },
  ];
  const one = keyOf(parts, { headers: { a: "x|1:y", b: "" } });
  const other = keyOf(parts, { headers: { a: "x", b: "1:y" } });
  expect(one).not.toBe(other);
});

test.each<LimitKeyPart>([
  { type: "Header", name: "x" },
  { type: "Cookie", name: "x" },
  { type: "Claim", name: "x" },
  { type: "Claim", name: "constructor" },
  { type: "Claim", name: "list" },
])("a request that lacks $type $name is not counted", (part) => {
  expect(keyOf([part], { claims: { list: [1] } })).toBeUndefined();
  expect(keyOf([{ type: "ClientIP" }, part], {})).toBeUndefined();
});

test.each<[string, LimitConditions, Facts, boolean]>([
  [
    "header",
    { headers: [{ type: "Exact", name: "x-plan", value: "free" }] },
    { headers: { "x-plan": "free" } },
    true,
  ],
  [
    "other header",
    { headers: [{ type: "Exact", name: "x-plan", value: "free" }] },
    { headers: { "x-plan": "paid" } },
    false,
  ],
  ["network", { clientCIDRs: ["192.0.2.0/24"] }, {}, true],
  ["other network", { clientCIDRs: ["198.51.100.0/24"] }, {}, false],
  ["claim", { claims: [{ name: "plan", value: "free" }] }, { claims: { plan: "free" } }, true],
  ["no claim", { claims: [{ name: "plan", value: "free" }] }, {}, false],
])("condition: %s", (_name, conditions, facts, counted) => {
  expect(keyOf([], facts, conditions)).toBe(counted ? "" : undefined);
});

test.each([
  ["2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2:ffff::1", true],
  ["2001:db8:1:2::1", 64, "2001:db8:1:3::1", false],
  ["2001:db8:1:2::1", 48, "2001:db8:1:3::1", true],
  ["2001:db8::1", 128, "2001:db8::2", false],
  ["::ffff:192.0.2.1", 64, "192.0.2.1", true],
  ["192.0.2.1", 64, "192.0.2.2", false],
])("%s counted by /%d together with %s: %s", (one, prefix, other, same) => {
  expect(clientKey(one, prefix) === clientKey(other, prefix)).toBe(same);
});

test("an override for an IPv6 address holds for its network, however it is written", () => {
  const [usual, own] = [1, 2].map((requests) => limitSchema.parse({ requests, windowMs: 1_000 }));
  const limitOf = compileOverrides({
    key: [{ type: "ClientIP" }],
    limit: usual!,
    overrides: [{ key: ["2001:DB8:0::1"], limit: own! }],
  });
  expect(limitOf(keyOf([{ type: "ClientIP" }], { client: "2001:db8::99" })!)).toBe(own);
  expect(limitOf(keyOf([{ type: "ClientIP" }], { client: "2001:db9::99" })!)).toBe(usual);
});

test("requests that a limit is for, and those that it leaves out", () => {
  const conditions: LimitConditions = {
    and: [{ method: "GET" }, { path: { type: "PathPrefix", value: "/" } }],
    not: [{ headers: [{ type: "Exact", name: "x-free", value: "yes" }] }],
  };
  expect(keyOf([], {}, conditions)).toBe("");
  expect(keyOf([], { headers: { "x-free": "no" } }, conditions)).toBe("");
  expect(keyOf([], { headers: { "x-free": "yes" } }, conditions)).toBeUndefined();
  expect(keyOf([], {}, { and: [{ method: "POST" }] })).toBeUndefined();
});
