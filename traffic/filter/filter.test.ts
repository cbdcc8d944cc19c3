// Filters against the tables and rules of the Gateway API.
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { filterSchema } from "#contract/http-route.ts";
import { combinePlans, compileFilters, type FilterPlan } from "./compile.ts";
import { applyHeaderOperations } from "./header-operations.ts";
import { type RedirectedRequest, redirectLocation } from "./redirect.ts";

type FilterInput = z.input<typeof filterSchema>;

const compile = (...filters: FilterInput[]): FilterPlan =>
  compileFilters(filters.map((filter) => filterSchema.parse(filter)));

const headerFilter = (
  modifier: Extract<FilterInput, { type: "RequestHeaderModifier" }>["requestHeaderModifier"],
) => ({ type: "RequestHeaderModifier", requestHeaderModifier: modifier }) satisfies FilterInput;

test("no filters, no parts", () => {
  expect(compile()).toEqual({});
});

describe("header modifiers", () => {
  const run = (plan: FilterPlan, init: Record<string, string>): Record<string, string> => {
    const headers = new Headers(init);
    applyHeaderOperations(plan.requestHeaders, headers);
    return Object.fromEntries(headers);
  };

  test("set replaces, add appends, remove removes, names without case", () => {
    const plan = compile(
      headerFilter({
        set: [{ name: "My-Set", value: "new" }],
        add: [
          { name: "my-add", value: "second" },
          { name: "my-new", value: "only" },
        ],
        remove: ["My-Remove"],
      }),
    );
    expect(run(plan, { "my-set": "old", "my-add": "first", "my-remove": "x", kept: "y" })).toEqual({
      "my-set": "new",
      "my-add": "first, second",
      "my-new": "only",
      kept: "y",
    });
  });

  test("on one name: remove, set, add", () => {
    const plan = compile(
      headerFilter({ set: [{ name: "a", value: "1" }], add: [{ name: "a", value: "2" }], remove: ["a"] }),
    );
    expect(run(plan, { a: "0" })).toEqual({ a: "1, 2" });
  });

  test("several filters run in their order", () => {
    const plan = compile(
      headerFilter({ set: [{ name: "a", value: "1" }] }),
      headerFilter({ add: [{ name: "a", value: "2" }] }),
      headerFilter({ remove: ["b"] }),
    );
    expect(run(plan, { b: "x" })).toEqual({ a: "1, 2" });
  });

  test.each([
    "Host",
    "Connection",
    "Transfer-Encoding",
    "content-length",
    "TE",
    "Upgrade",
    "isthmus-endpoint",
  ])("%s is protected", (name) => {
    const plan = compile(
      headerFilter({ set: [{ name, value: "x" }], add: [{ name, value: "y" }], remove: [name] }),
    );
    expect(plan.requestHeaders ?? []).toEqual([]);
  });
});

const prefixReplacements: [path: string, prefix: string, replacement: string, result: string][] = [
  ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
  ["/foo", "/foo", "/xyz", "/xyz"],
  ["/foo/", "/foo", "/xyz", "/xyz/"],
  ["/foo/bar", "/foo", "", "/bar"],
  ["/foo/", "/foo", "", "/"],
  ["/foo", "/foo", "", "/"],
  ["/foo/", "/foo", "/", "/"],
  ["/foo", "/foo", "/", "/"],
  // Beyond the table
  ["/", "/", "/xyz", "/xyz/"],
  ["/foo/bar", "/", "/xyz", "/xyz/foo/bar"],
  ["/foo/bar/", "/foo/bar", "/a/../b//c/", "/b/c/"],
  ["/foo/x", "/foo", "/caf%c3%a9", "/caf%C3%A9/x"],
];
const charsOf = (prefix: string): number => prefix.replace(/\/$/, "").length;

describe("URLRewrite", () => {
  test.each(prefixReplacements)(
    "%s with prefix %s replaced by %j is %s",
    (path, prefix, replacement, result) => {
      const plan = compile({
        type: "URLRewrite",
        urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: replacement } },
      });
      expect(plan.rewrite?.path?.(path, charsOf(prefix))).toBe(result);
    },
  );

  test.each<[pattern: string, substitution: string, path: string, result: string]>([
    ["^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api", "/v1/api/instance/foo"],
    ["one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"],
    ["^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/one/zzz"],
    ["(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"],
    // What comes out is a canonical path again
    ["^/foo/(.*)$", "\\1", "/foo/bar", "/bar"],
    ["x", ".", "/a/xx/b", "/b"],
    ["/+", "//", "/a/b", "/a/b"],
    ["nothing", "x", "/a", "/a"],
  ])("%s with %s turns %s into %s", (pattern, substitution, path, result) => {
    const plan = compile({
      type: "URLRewrite",
      urlRewrite: { path: { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } } },
    });
    expect(plan.rewrite?.path?.(path, 0)).toBe(result);
  });

  test("an expression that cannot be compiled is refused by the schema, and changes nothing where it slips through", () => {
    const path = {
      type: "ReplaceRegexMatch" as const,
      replaceRegexMatch: { pattern: "(", substitution: "x" },
    };
    const parsed = filterSchema.safeParse({ type: "URLRewrite", urlRewrite: { path } });
    expect(parsed.error?.issues[0]?.path).toEqual(["urlRewrite", "path", "replaceRegexMatch", "pattern"]);
    const plan = compileFilters([{ type: "URLRewrite", urlRewrite: { path } }]);
    expect(plan.rewrite?.path?.("/a", 0)).toBe("/a");
  });

  test("full path and host", () => {
    const plan = compile({
      type: "URLRewrite",
      urlRewrite: { hostname: "One.Example.org", path: { type: "ReplaceFullPath", replaceFullPath: "/one" } },
    });
    expect(plan.rewrite?.hostname).toBe("one.example.org");
    expect(plan.rewrite?.path?.("/any/thing", 4)).toBe("/one");
  });
});

describe("RequestRedirect", () => {
  const request: RedirectedRequest = {
    scheme: "http",
    clientAddress: "192.0.2.7",
    authority: "example.com",
    host: "example.com",
    port: 80,
    method: "GET",
    path: "/foo/bar",
    query: "",
    header: () => null,
  };
  type Redirect = Extract<FilterInput, { type: "RequestRedirect" }>["requestRedirect"];

  test.each<[config: Redirect, request: Partial<RedirectedRequest>, location: string]>([
    [{ hostname: "example.org" }, {}, "http://example.org/foo/bar"],
    [{ scheme: "https" }, {}, "https://example.com/foo/bar"],
    // A scheme implies its port, even when the listener has another
    [{ scheme: "https" }, { port: 8080 }, "https://example.com/foo/bar"],
    [{ scheme: "http" }, { scheme: "https", port: 8443 }, "http://example.com/foo/bar"],
    // Without one, the listener's port stays
    [{ hostname: "example.org" }, { port: 8080 }, "http://example.org:8080/foo/bar"],
    [{ hostname: "example.org" }, { scheme: "https", port: 443 }, "https://example.org/foo/bar"],
    [{ hostname: "example.org" }, { scheme: "https", port: 80 }, "https://example.org:80/foo/bar"],
    // A configured port counts, unless it is the scheme's own
    [{ port: 8083 }, {}, "http://example.com:8083/foo/bar"],
    [{ port: 80 }, { port: 8080 }, "http://example.com/foo/bar"],
    [{ scheme: "https", port: 443 }, {}, "https://example.com/foo/bar"],
    [{ scheme: "https", port: 80 }, {}, "https://example.com:80/foo/bar"],
    [{ scheme: "http", port: 443 }, {}, "http://example.com:443/foo/bar"],
    // Path and query
    [
      { path: { type: "ReplaceFullPath", replaceFullPath: "/new" } },
      { query: "a=1&b" },
      "http://example.com/new?a=1&b",
    ],
    [{ path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/new" } }, {}, "http://example.com/new/bar"],
    [{}, { host: "[::1]", port: 8080 }, "http://[::1]:8080/foo/bar"],
  ])("%j of %j goes to %s", (config, changes, location) => {
    const { redirect } = compile({ type: "RequestRedirect", requestRedirect: config });
    expect(redirectLocation(redirect!, { ...request, ...changes }, 4)).toBe(location);
  });

  test.each(prefixReplacements)(
    "%s with prefix %s replaced by %j leads to %s",
    (path, prefix, replacement, result) => {
      const { redirect } = compile({
        type: "RequestRedirect",
        requestRedirect: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: replacement } },
      });
      expect(redirectLocation(redirect!, { ...request, path }, charsOf(prefix))).toBe(
        `http://example.com${result}`,
      );
    },
  );

  test.each([301, 302, 303, 307, 308] as const)("status %d", (statusCode) => {
    expect(compile({ type: "RequestRedirect", requestRedirect: { statusCode } }).redirect?.statusCode).toBe(
      statusCode,
    );
  });

  test("302 unless configured", () => {
    expect(compile({ type: "RequestRedirect", requestRedirect: {} }).redirect?.statusCode).toBe(302);
  });
});

test("a header can carry what the request is; what is not known takes the client's own away", () => {
  const plan = compile({
    type: "RequestHeaderModifier",
    requestHeaderModifier: {
      setFrom: [
        { name: "X-Real-IP", from: "ClientIP" },
        { name: "x-host", from: "Host" },
        { name: "x-scheme", from: "Scheme" },
        { name: "x-method", from: "Method" },
        { name: "x-path", from: "Path" },
        { name: "x-target", from: "Target" },
        { name: "Content-Length", from: "Method" },
      ],
    },
  });
  const request = {
    clientAddress: "192.0.2.1",
    scheme: "https",
    authority: "a.test:8443",
    port: 8443,
    method: "PUT",
    path: "/x",
    query: "y=1",
    header: () => null,
  };
  const headers = new Headers({ "x-real-ip": "6.6.6.6" });
  applyHeaderOperations(plan.requestHeaders, headers, request);
  expect(Object.fromEntries(headers)).toEqual({
    "x-real-ip": "192.0.2.1",
    "x-host": "a.test:8443",
    "x-scheme": "https",
    "x-method": "PUT",
    "x-path": "/x",
    "x-target": "/x?y=1",
  });
  applyHeaderOperations(plan.requestHeaders, headers, { ...request, clientAddress: "unknown", query: "" });
  expect([headers.get("x-real-ip"), headers.get("x-target")]).toEqual([null, "/x"]);
});

describe("rule and backendRef combined", () => {
  const modify = (type: "RequestHeaderModifier" | "ResponseHeaderModifier", value: string): FilterInput => {
    const modifier = { add: [{ name: "trace", value }] };
    return type === "RequestHeaderModifier"
      ? { type, requestHeaderModifier: modifier }
      : { type, responseHeaderModifier: modifier };
  };

  test("requests change on the way down, responses on the way up", () => {
    const both = (value: string): FilterPlan =>
      compile(modify("RequestHeaderModifier", value), modify("ResponseHeaderModifier", value));
    const plan = combinePlans(both("rule"), both("ref"));
    const traced = (operations: FilterPlan["requestHeaders"]): string | null => {
      const headers = new Headers();
      applyHeaderOperations(operations, headers);
      return headers.get("trace");
    };
    expect(traced(plan.requestHeaders)).toBe("rule, ref");
    expect(traced(plan.responseHeaders)).toBe("ref, rule");
  });

  test("a backendRef's rewrite wins part by part", () => {
    const rule = compile({
      type: "URLRewrite",
      urlRewrite: { hostname: "rule.test", path: { type: "ReplaceFullPath", replaceFullPath: "/rule" } },
    });
    const plan = combinePlans(rule, compile({ type: "URLRewrite", urlRewrite: { hostname: "ref.test" } }));
    expect(plan.rewrite?.hostname).toBe("ref.test");
    expect(plan.rewrite?.path?.("/x", 0)).toBe("/rule");
  });

  test("an empty plan of a backendRef is the rule's own", () => {
    const rule = compile(modify("RequestHeaderModifier", "rule"));
    expect(combinePlans(rule, compile())).toBe(rule);
  });
});

test("response headers may be changed by status", () => {
  const plan = compile(
    { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "x-a", value: "always" }] } },
    {
      type: "ResponseHeaderModifier",
      responseHeaderModifier: {
        set: [{ name: "x-a", value: "failed" }],
        statusCodes: [{ type: "Range", range: { start: 500, end: 599 } }],
      },
    },
  );
  const valueAt = (status?: number): string | null => {
    const headers = new Headers();
    applyHeaderOperations(plan.responseHeaders, headers, undefined, status);
    return headers.get("x-a");
  };
  expect([valueAt(200), valueAt(500), valueAt(599), valueAt()]).toEqual([
    "always",
    "failed",
    "failed",
    "always",
  ]);
});
