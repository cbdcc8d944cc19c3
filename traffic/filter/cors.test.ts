// CORS: the Gateway API's conformance cases and the rules of HTTPCORSFilter.
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { corsSchema } from "#contract/cors.ts";
import type { RequestHead } from "../match/request-head.ts";
import { applyCors, compileCors, type CorsPlan, isPreflight, preflightHeaders } from "./cors.ts";

const plan = (config: z.input<typeof corsSchema>): CorsPlan => compileCors(corsSchema.parse(config));

const head = (method: string, headers: Record<string, string>): RequestHead => ({
  method,
  host: "example.com",
  path: "/",
  query: "",
  header: (name) => headers[name] ?? null,
});

const ask = (origin: string, method = "GET", headers?: string): RequestHead =>
  head("OPTIONS", {
    origin,
    "access-control-request-method": method,
    ...(headers && { "access-control-request-headers": headers }),
  });

const answer = (config: z.input<typeof corsSchema>, request: RequestHead): Record<string, string> => {
  const { vary, ...rest } = Object.fromEntries(preflightHeaders(plan(config), request));
  expect(vary).toContain("Origin");
  return rest;
};

const full = {
  allowOrigins: ["https://www.foo.com", "https://*.bar.com"],
  allowMethods: ["GET", "OPTIONS"],
  allowHeaders: ["x-header-1", "x-header-2"],
  exposeHeaders: ["x-header-3", "x-header-4"],
  allowCredentials: true,
  maxAge: 3600,
} satisfies z.input<typeof corsSchema>;

test("what is a preflight", () => {
  expect(isPreflight(ask("https://a.test"))).toBe(true);
  expect(isPreflight(head("OPTIONS", { origin: "https://a.test" }))).toBe(false);
  expect(isPreflight(head("OPTIONS", { "access-control-request-method": "GET" }))).toBe(false);
  expect(isPreflight(head("GET", { origin: "https://a.test", "access-control-request-method": "GET" }))).toBe(
    false,
  );
});

describe("preflight", () => {
  test.each(["https://www.foo.com", "https://www.bar.com", "https://xpto.www.bar.com"])(
    "from %s",
    (origin) => {
      expect(answer(full, ask(origin, "GET", "x-header-1, x-header-2"))).toEqual({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, OPTIONS",
        "access-control-allow-headers": "x-header-1, x-header-2",
        "access-control-expose-headers": "x-header-3, x-header-4",
        "access-control-max-age": "3600",
        "access-control-allow-credentials": "true",
      });
    },
  );

  test.each([
    "https://foobar.com",
    "https://bar.com",
    "https://www.foo.com.evil.example",
    "https://evilbar.com",
    "http://www.foo.com",
    "https://www.foo.com:8443",
    "null",
    "",
    "https://.bar.com",
    "https://x\r\n.bar.com",
    "https://*.bar.com/",
  ])("from %j is refused", (origin) => {
    expect(answer(full, ask(origin))).toEqual({});
  });

  test("default port, defaults of the filter", () => {
    expect(answer({ allowOrigins: ["https://a.test:443"] }, ask("https://A.test"))).toEqual({
      "access-control-allow-origin": "https://A.test",
      "access-control-max-age": "5",
    });
    expect(answer({}, ask("https://a.test"))).toEqual({});
  });

  test("scheme with any host", () => {
    expect(answer({ allowOrigins: ["https://*"] }, ask("https://any.thing"))).toHaveProperty(
      "access-control-allow-origin",
      "https://any.thing",
    );
    expect(answer({ allowOrigins: ["https://*"] }, ask("http://any.thing"))).toEqual({});
  });

  test("an expression is compared with the whole origin", () => {
    const config = { allowOriginPatterns: ["https://[a-z]+[.]example[.]com"] };
    expect(answer(config, ask("https://a.example.com"))).toHaveProperty("access-control-allow-origin");
    expect(answer(config, ask("https://b.a.example.com"))).toEqual({});
    expect(answer(config, ask("https://a.example.com.evil.test"))).toEqual({});
  });

  test("schemes of applications", () => {
    const config = { allowOrigins: ["test://localhost", "tauri://*.local:3000"] };
    expect(answer(config, ask("test://localhost"))).toHaveProperty("access-control-allow-origin");
    expect(answer(config, ask("tauri://app.local:3000"))).toHaveProperty("access-control-allow-origin");
    expect(answer(config, ask("tauri://localhost"))).toEqual({});
    expect(answer(config, ask("null"))).toEqual({});
  });

  test("every origin: * without credentials, the origin itself with them", () => {
    const request = ask("https://foobar.com:12345", "PUT", "x-a");
    expect(answer({ allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"] }, request)).toEqual({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "x-a",
      "access-control-max-age": "5",
    });
    expect(
      answer(
        {
          allowOrigins: ["*"],
          allowMethods: ["*"],
          allowHeaders: ["*"],
          exposeHeaders: ["*"],
          allowCredentials: true,
        },
        request,
      ),
    ).toEqual({
      "access-control-allow-origin": "https://foobar.com:12345",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "x-a",
      "access-control-max-age": "5",
    });
  });

  test("nothing asked for, nothing echoed; nor what is no list of names", () => {
    const any = { allowOrigins: ["*"], allowMethods: ["*" as const], allowHeaders: ["*"] };
    expect(answer(any, ask("https://a.test"))).not.toHaveProperty("access-control-allow-headers");
    expect(answer(any, ask("https://a.test", "GET", "x: y\r\nz"))).not.toHaveProperty(
      "access-control-allow-headers",
    );
  });
});

describe("other requests", () => {
  const respond = (
    config: z.input<typeof corsSchema>,
    request: RequestHead,
    from: Record<string, string> = {},
  ) => {
    const response = new Headers(from);
    applyCors(plan(config), request, response);
    return Object.fromEntries(response);
  };

  test("from an allowed origin", () => {
    expect(respond(full, head("GET", { origin: "https://www.foo.com" }), { vary: "accept" })).toEqual({
      "access-control-allow-origin": "https://www.foo.com",
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "x-header-3, x-header-4",
      vary: "accept, Origin",
    });
  });

  test("from another origin, or none: what the backend says does not count either", () => {
    const backend = { "access-control-allow-origin": "*", "access-control-allow-credentials": "true" };
    for (const headers of [{ origin: "https://foobar.com" }, {}] as Record<string, string>[]) {
      expect(respond(full, head("GET", headers), backend)).toEqual({ vary: "Origin" });
    }
  });

  test("for every origin alike, caches need not care", () => {
    for (const headers of [{ origin: "null" }, {}] as Record<string, string>[]) {
      expect(respond({ allowOrigins: ["*"] }, head("GET", headers))).toEqual({
        "access-control-allow-origin": "*",
      });
    }
  });
});

test.each([
  { allowOrigins: ["*", "https://a.test"] },
  { allowOrigins: ["a.test"] },
  { allowOrigins: ["//a.test"] },
  { allowOrigins: ["https://a.*.test"] },
  { allowMethods: ["*", "GET"] },
  { allowMethods: ["get"] },
  { allowHeaders: ["*", "x-a"] },
  { maxAge: 0 },
])("%j is no CORS filter", (config) => {
  expect(corsSchema.safeParse(config).success).toBe(false);
});
