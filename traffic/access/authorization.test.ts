// Who may do what: Istio's order of Deny, Allow and default, and both readings of what can be read in two ways.
import { describe, expect, test } from "vitest";
import { authorizationSchema } from "#contract/security-policy.ts";
import type { z } from "zod";
import { compileAuthorization } from "./authorization.ts";
import type { Identity } from "./identity.ts";

interface Asked {
  method?: string;
  host?: string;
  path?: string;
  client?: string;
  headers?: Record<string, string>;
  identity?: Identity;
}

function decide(policy: z.input<typeof authorizationSchema>, asked: Asked = {}): string {
  const {
    method = "GET",
    host = "a.com",
    path = "/",
    client = "10.0.0.1",
    headers = {},
    identity = {},
  } = asked;
  const head = { method, host, path, query: "", header: (name: string) => headers[name] ?? null };
  const verdict = compileAuthorization(authorizationSchema.parse(policy))({
    head,
    clientAddress: client,
    identity,
  });
  return `${verdict.allowed ? "allow" : "deny"} ${verdict.rule ?? "default"}`;
}

const token = (claims: Record<string, unknown>): Identity => ({ token: { provider: "p", claims } });

describe("order", () => {
  const allow = { name: "get", action: "Allow" as const, operation: { methods: ["GET" as const] } };
  const deny = { name: "net", action: "Deny" as const, principal: { clientCIDRs: ["10.0.0.0/8"] } };

  test.each([
    ["no rules: everyone may", {}, {}, "allow default"],
    ["no rules, default Deny", { defaultAction: "Deny" as const }, {}, "deny default"],
    ["only Deny rules: others may", { rules: [deny] }, { client: "1.2.3.4" }, "allow default"],
    ["an Allow rule: others may not", { rules: [allow] }, { method: "POST" }, "deny default"],
    ["an Allow rule that matches", { rules: [allow] }, {}, "allow get"],
    ["Deny goes first wherever it stands", { rules: [allow, deny] }, {}, "deny net"],
    ["neither", { rules: [allow, deny] }, { client: "1.2.3.4", method: "PUT" }, "deny default"],
    ["unnamed rules have their index", { rules: [{ action: "Deny" as const }] }, {}, "deny 0"],
  ])("%s", (_name, policy, asked, expected) => {
    expect(decide(policy, asked)).toBe(expected);
  });
});

describe("further decisions", () => {
  const inside = { action: "Allow" as const, principal: { clientCIDRs: ["10.0.0.0/8"] } };
  const reads = { name: "reads", action: "Allow" as const, operation: { methods: ["GET" as const] } };
  const policy = { rules: [{ ...inside, name: "inside" }], and: [{ rules: [reads] }, { rules: [] }] };

  test.each([
    ["all allow: the first is named", {}, "allow inside"],
    ["the first refuses", { client: "1.2.3.4" }, "deny default"],
    ["a further one refuses", { method: "POST" }, "deny default"],
  ])("%s", (_name, asked, expected) => {
    expect(decide(policy, asked)).toBe(expected);
  });

  test("one without rules that denies by default", () => {
    expect(decide({ rules: [], and: [{ defaultAction: "Deny" }] })).toBe("deny default");
  });
});

describe("principals", () => {
  const allowed = (principal: object, asked: Asked): boolean =>
    decide({ rules: [{ action: "Allow", principal }] }, asked) === "allow 0";
  const denied = (principal: object, asked: Asked): boolean =>
    decide({ rules: [{ action: "Deny", principal }] }, asked) === "deny 0";

  test.each<[string, object, Asked, boolean]>([
    [
      "SPIFFE id",
      { principals: ["spiffe://a/ns/x/*"] },
      { identity: { certificate: "spiffe://a/ns/x/sa/y" } },
      true,
    ],
    [
      "another SPIFFE id",
      { principals: ["spiffe://a/ns/x/*"] },
      { identity: { certificate: "spiffe://a/ns/z" } },
      false,
    ],
    ["no certificate", { principals: ["*"] }, {}, false],
    ["any certificate", { principals: ["*"] }, { identity: { certificate: "x" } }, true],
    ["not a certificate, none", { notPrincipals: ["spiffe://a/*"] }, {}, true],
    [
      "issuer and subject",
      { requestPrincipals: ["https://i/s"] },
      { identity: token({ iss: "https://i", sub: "s" }) },
      true,
    ],
    ["no subject", { requestPrincipals: ["*"] }, { identity: token({ iss: "https://i" }) }, false],
    ["API key", { clientIDs: ["app"] }, { identity: { clientId: "app" } }, true],
    ["user", { users: ["al*"] }, { identity: { user: "alice" } }, true],
    ["user of another kind", { users: ["alice"] }, { identity: { clientId: "alice" } }, false],
    [
      "claim in a list",
      { jwt: { claims: [{ name: "groups", values: ["ops"] }] } },
      { identity: token({ groups: ["dev", "ops"] }) },
      true,
    ],
    [
      "nested claim",
      { jwt: { claims: [{ name: "realm.roles", values: ["a"] }] } },
      { identity: token({ realm: { roles: "a" } }) },
      true,
    ],
    [
      "inherited property",
      { jwt: { claims: [{ name: "constructor.name", values: ["*"] }] } },
      { identity: token({}) },
      false,
    ],
    [
      "boolean claim",
      { jwt: { claims: [{ name: "admin", values: ["true"] }] } },
      { identity: token({ admin: true }) },
      true,
    ],
    [
      "missing claim",
      { jwt: { claims: [{ name: "admin", values: ["*"] }] } },
      { identity: token({}) },
      false,
    ],
    ["all scopes", { jwt: { scopes: ["a", "b"] } }, { identity: token({ scope: "b c a" }) }, true],
    ["one scope short", { jwt: { scopes: ["a", "b"] } }, { identity: token({ scope: "a" }) }, false],
    ["scp as a list", { jwt: { scopes: ["a"] } }, { identity: token({ scp: ["a"] }) }, true],
    ["any token", { jwt: {} }, {}, false],
    ["provider", { jwt: { provider: "p" } }, { identity: token({}) }, true],
    ["another provider", { jwt: { provider: "q" } }, { identity: token({}) }, false],
    ["network", { clientCIDRs: ["2001:db8::/32"] }, { client: "2001:db8::1" }, true],
    ["mapped IPv4", { clientCIDRs: ["10.0.0.0/8"] }, { client: "::ffff:10.1.1.1" }, true],
    ["header", { headers: [{ name: "X-Team", values: ["blue"] }] }, { headers: { "x-team": "blue" } }, true],
    [
      "not another header",
      { notHeaders: [{ name: "x-team", values: ["red"] }] },
      { headers: { "x-team": "blue" } },
      true,
    ],
    [
      "not this header",
      { notHeaders: [{ name: "x-team", values: ["red*"] }] },
      { headers: { "x-team": "red1" } },
      false,
    ],
    ["not a header, none", { notHeaders: [{ name: "x-team", values: ["*"] }] }, {}, true],
    [
      "not this claim",
      { notClaims: [{ name: "groups", values: ["ops"] }] },
      { identity: token({ groups: ["ops"] }) },
      false,
    ],
    ["not a claim, no token", { notClaims: [{ name: "groups", values: ["ops"] }] }, {}, true],
    ["two conditions", { users: ["a"], clientIDs: ["b"] }, { identity: { user: "a" } }, false],
  ])("%s", (_name, principal, asked, expected) => {
    expect(allowed(principal, asked)).toBe(expected);
    expect(denied(principal, asked)).toBe(expected);
  });

  test.each<[string, object, Asked]>([
    ["an unknown address and a network", { clientCIDRs: ["10.0.0.0/8"] }, { client: "unknown" }],
    ["an unknown address and none of", { notClientCIDRs: ["10.0.0.0/8"] }, { client: "unknown" }],
    [
      "one of several header lines",
      { headers: [{ name: "x-a", values: ["1"] }] },
      { headers: { "x-a": "2, 1" } },
    ],
    [
      "none of several header lines",
      { notHeaders: [{ name: "x-a", values: ["1"] }] },
      { headers: { "x-a": "2, 1" } },
    ],
  ])("what is not certain never allows and always denies: %s", (_name, principal, asked) => {
    expect(allowed(principal, asked)).toBe(false);
    expect(denied(principal, asked)).toBe(true);
  });
});

describe("operations", () => {
  const paths = [{ type: "PathPrefix" as const, value: "/admin" }];

  test.each([
    ["/admin", "deny 0", "allow 0"],
    ["/admin/keys", "deny 0", "allow 0"],
    ["/administrator", "allow default", "deny default"],
    // Servlet containers read these as /admin/keys and /x/admin.
    ["/admin;x/keys", "deny 0", "deny default"],
    ["/x;/admin", "allow default", "deny default"],
    ["/;v=1/admin", "deny 0", "deny default"],
  ])("path %s", (path, denied, allowed) => {
    expect(decide({ rules: [{ action: "Deny", operation: { paths } }] }, { path })).toBe(denied);
    expect(decide({ rules: [{ action: "Allow", operation: { paths } }] }, { path })).toBe(allowed);
  });

  test("paths without a case, patterns, hosts, methods and their opposites", () => {
    const ignoreCase = { paths: [{ value: "/Admin", ignoreCase: true }] };
    expect(decide({ rules: [{ action: "Deny", operation: ignoreCase }] }, { path: "/aDMIN/x" })).toBe(
      "deny 0",
    );
    const pattern = { paths: [{ type: "RegularExpression" as const, value: "/v[0-9]+/secret" }] };
    expect(decide({ rules: [{ action: "Deny", operation: pattern }] }, { path: "/v12/secret" })).toBe(
      "deny 0",
    );
    const others = { notPaths: paths, notMethods: ["POST" as const], hosts: ["*.com"] };
    const policy = { rules: [{ action: "Allow" as const, operation: others }] };
    expect(decide(policy, { path: "/x" })).toBe("allow 0");
    expect(decide(policy, { path: "/x", method: "POST" })).toBe("deny default");
    expect(decide(policy, { path: "/admin" })).toBe("deny default");
    expect(decide(policy, { host: "a.org" })).toBe("deny default");
    const elsewhere = { rules: [{ action: "Allow" as const, operation: { notHosts: ["a.com"] } }] };
    expect(decide(elsewhere)).toBe("deny default");
    expect(decide(elsewhere, { host: "b.com" })).toBe("allow 0");
  });

  test("malformed networks and patterns are refused, not left out", () => {
    expect(() =>
      decide({ rules: [{ action: "Deny", principal: { clientCIDRs: ["10.0.0.0/99"] } }] }),
    ).toThrow("not a network");
    const paths = [{ type: "RegularExpression" as const, value: "(" }];
    expect(() => decide({ rules: [{ action: "Deny", operation: { paths } }] })).toThrow();
  });
});
