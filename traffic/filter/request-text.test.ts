// Texts that are put together from a request.
import { describe, expect, test } from "vitest";
import { headerModifierSchema, responseHeaderModifierSchema } from "#contract/header-modifier.ts";
import { filterSchema } from "#contract/http-route.ts";
import { requestTextSchema, type RequestText } from "#contract/request-text.ts";
import { compileFilters } from "./compile.ts";
import { applyHeaderOperations, compileResponseOperations } from "./header-operations.ts";
import { redirectLocation } from "./redirect.ts";
import { compileOptionalText, compileRequestText } from "./request-text.ts";

const fields: Record<string, string> = { "x-user": "Ann", cookie: "theme=dark; lang=de" };
const request = {
  clientAddress: "192.0.2.7",
  clientPort: "50123",
  protocol: "HTTP/2",
  tlsVersion: "TLSv1.3",
  scheme: "https" as const,
  authority: "Shop.test:8443",
  host: "shop.test",
  port: 8443,
  method: "GET",
  path: "/a/b",
  query: "id=7&q=x%20y&id=8",
  uniqueId: "0b4c8f5e-8b5f-4c7e-9a53-1f6a3b0c2d4e",
  timeMs: 1_700_000_000_123,
  clientCertificate: {
    verification: "SUCCESS",
    subject: "CN=ann,OU=shop",
    issuer: "CN=clients",
    certificate: "MIIB",
  },
  header: (name: string) => fields[name] ?? null,
};
const textOf = (parts: RequestText, changes: Partial<typeof request> = {}): string =>
  compileRequestText(requestTextSchema.parse(parts))({ ...request, ...changes });
const replace = (pattern: string, substitution: string) => ({
  type: "ReplaceRegexMatch" as const,
  replaceRegexMatch: { pattern, substitution },
});

test.each<[RequestText[number], string]>([
  [{ text: "as it is" }, "as it is"],
  [{ from: "ClientIP" }, "192.0.2.7"],
  [{ from: "ClientPort" }, "50123"],
  [{ from: "Protocol" }, "HTTP/2"],
  [{ from: "TLSVersion" }, "TLSv1.3"],
  [{ from: "TLSCipher" }, ""],
  [{ from: "ClientCertificate" }, "MIIB"],
  [{ from: "Scheme" }, "https"],
  [{ from: "Host" }, "Shop.test:8443"],
  [{ from: "Hostname" }, "Shop.test"],
  [{ from: "Port" }, "8443"],
  [{ from: "Method" }, "GET"],
  [{ from: "Path" }, "/a/b"],
  [{ from: "Query" }, "id=7&q=x%20y&id=8"],
  [{ from: "Search" }, "?id=7&q=x%20y&id=8"],
  [{ from: "Target" }, "/a/b?id=7&q=x%20y&id=8"],
  [{ from: "UniqueID" }, "0b4c8f5e-8b5f-4c7e-9a53-1f6a3b0c2d4e"],
  [{ from: "Time" }, "1700000000123"],
  [{ from: "ClientCertificateVerification" }, "SUCCESS"],
  [{ from: "ClientCertificateSubject", name: "OU" }, "shop"],
  [{ from: "ClientCertificateSubject", name: "O" }, ""],
  [{ from: "ClientCertificateSubject" }, "CN=ann,OU=shop"],
  [{ from: "ClientCertificateIssuer", name: "cn" }, "clients"],
  [{ from: "Header", name: "X-User" }, "Ann"],
  [{ from: "Header", name: "x-none" }, ""],
  [{ from: "QueryParam", name: "id" }, "7"],
  [{ from: "QueryParam", name: "q" }, "x%20y"],
  [{ from: "QueryParam", name: "i" }, ""],
  [{ from: "Cookie", name: "lang" }, "de"],
  [{ from: "Host", transforms: [{ type: "Lower" }, replace(":[0-9]+$", "")] }, "shop.test"],
  [{ from: "Method", transforms: [{ type: "Lower" }, { type: "Upper" }] }, "GET"],
  [{ from: "Target", transforms: [{ type: "URLEncode" }] }, "%2Fa%2Fb%3Fid%3D7%26q%3Dx%2520y%26id%3D8"],
  [{ from: "Path", transforms: [replace("/([a-z])", "-\\1")] }, "-a-b"],
])("%j is %s", (part, text) => {
  expect(textOf([part])).toBe(text);
});

describe("texts in texts", () => {
  const optional = (parts: RequestText): string | undefined =>
    compileOptionalText(requestTextSchema.parse(parts))(request);
  const missing: RequestText[number] = { from: "Header", name: "x-none" };

  test("are transformed as a whole", () => {
    const inner: RequestText = [
      { from: "Method" },
      { text: "-" },
      { parts: [{ from: "Path" }], transforms: [{ type: "Upper" }] },
    ];
    expect(textOf([{ text: "<" }, { parts: inner, transforms: [{ type: "Reverse" }] }])).toBe("<B/A/-TEG");
  });

  test("are missing where one of their parts is, unless it may be empty", () => {
    const transforms = [{ type: "Upper" as const }];
    expect(optional([{ parts: [{ text: "a" }, missing], transforms }])).toBeUndefined();
    expect(optional([{ parts: [{ text: "a" }, { ...missing, missingIsEmpty: true }], transforms }])).toBe(
      "A",
    );
    expect(optional([{ text: "a" }, { parts: [{ text: "b" }, missing], missingIsEmpty: true }])).toBe("a");
    expect(textOf([{ text: "a" }, { parts: [{ text: "b" }, missing] }])).toBe("a");
  });

  test("go four levels deep, and have 128 parts in all", () => {
    const nested = (depth: number): RequestText =>
      depth === 1 ? [{ from: "Method" }] : [{ parts: nested(depth - 1), transforms: [{ type: "Lower" }] }];
    expect(textOf(nested(4))).toBe("get");
    expect(requestTextSchema.safeParse(nested(5)).success).toBe(false);
    const wide: RequestText = Array.from({ length: 5 }, () => ({
      parts: Array.from({ length: 26 }, () => ({ text: "a" })),
    }));
    expect(requestTextSchema.safeParse(wide).error?.issues[0]?.message).toContain("128 parts");
  });
});

test("values of response headers tell what the response was", () => {
  const modifier = responseHeaderModifierSchema.parse({
    remove: ["x-old"],
    setFrom: [
      {
        name: "x-all",
        parts: [{ from: "Status" }, { text: " " }, { from: "ResponseHeader", name: "X-Kept" }],
      },
      { name: "x-gone", parts: [{ from: "ResponseHeader", name: "x-old" }], keepEmptyValue: false },
      { name: "x-cookie", parts: [{ from: "ResponseCookie", name: "sid" }] },
      { name: "x-by", parts: [{ from: "EndpointName" }] },
    ],
  });
  const headers = new Headers({ "x-kept": "yes", "x-old": "no" });
  headers.append("set-cookie", "other=1");
  headers.append("set-cookie", "sid=abc; Path=/");
  const operations = compileResponseOperations(modifier);
  applyHeaderOperations(operations, headers, { ...request, endpointName: "first" }, 201);
  expect(["x-all", "x-gone", "x-cookie", "x-by"].map((name) => headers.get(name))).toEqual([
    "201 yes",
    null,
    "abc",
    "first",
  ]);
  const ofRequest = { setFrom: [{ name: "x", parts: [{ from: "Status" }] }] };
  expect(headerModifierSchema.safeParse(ofRequest).success).toBe(false);
});

test("names in a certificate that nobody vouches for are not said", () => {
  const clientCertificate = {
    verification: "FAILED:expired",
    subject: "CN=ann",
    issuer: "CN=clients",
    certificate: "MIIB",
  };
  const subject: RequestText = [{ from: "ClientCertificateSubject", name: "CN" }];
  expect(textOf(subject, { clientCertificate })).toBe("");
  expect(textOf([{ from: "ClientCertificate" }], { clientCertificate })).toBe("");
  expect(textOf([{ from: "ClientCertificateVerification" }], { clientCertificate })).toBe("FAILED:expired");
});

test("parts stand one behind the other", () => {
  expect(textOf([{ text: "https://" }, { from: "Host" }, { from: "Search" }], { query: "" })).toBe(
    "https://Shop.test:8443",
  );
});

test("what a client sends cannot make a text longer than 64 KiB", () => {
  const path = `/${"a".repeat(16_000)}`;
  const parts: RequestText = [{ from: "Path", transforms: [replace("^.*$", "\\0".repeat(100))] }];
  expect(textOf([...parts, ...parts], { path }).length).toBe(65_536);
});

test.each([
  [[{}], "text, from or parts"],
  [[{ text: "a", from: "Host" }], "text, from or parts"],
  [[{ from: "Header" }], "name of the Header"],
  [[{ from: "Host", name: "x" }], "have names"],
  [[{ text: "a", transforms: [{ type: "Lower" }] }], "not transformed"],
  [[{ from: "Host", transforms: [replace("(?=a)", "")] }], ""],
])("%j is refused", (parts, message) => {
  expect(requestTextSchema.safeParse(parts).error?.issues[0]?.message).toContain(message);
});

describe("where they stand", () => {
  const hostile = { ...request, header: () => 'a\r\nSet-Cookie: b "<>\u00e9' };
  const parts = [{ text: "/x?" }, { from: "Header" as const, name: "x" }];

  test("a header's value cannot end the line", () => {
    const requestHeaderModifier = {
      setFrom: [{ name: "a", parts }],
      addFrom: [{ name: "A", from: "Method" }],
    };
    const filter = filterSchema.parse({ type: "RequestHeaderModifier", requestHeaderModifier });
    const headers = new Headers({ a: "the client's" });
    applyHeaderOperations(compileFilters([filter]).requestHeaders, headers, hostile);
    expect(headers.get("a")).toBe('/x?aSet-Cookie: b "<>\u00e9, GET');
  });

  test("a Location is a URI", () => {
    const filter = filterSchema.parse({ type: "RequestRedirect", requestRedirect: { location: parts } });
    const { redirect } = compileFilters([filter]);
    expect(redirectLocation(redirect!, hostile, 0)).toBe("/x?a%0D%0ASet-Cookie:%20b%20%22%3C%3E%C3%A9");
  });

  test.each([
    [[{ text: "new" }, { from: "Search" }], { path: "/new", query: "id=7&q=x%20y&id=8" }],
    [[{ text: "/x/../admin/%61?a b#c" }], { path: "/admin/a", query: "a%20b" }],
    [[{ from: "Path" }, { text: "?" }], { path: "/a/b", query: "" }],
  ])("a target of %j is %j", (target, expected) => {
    const filter = filterSchema.parse({ type: "URLRewrite", urlRewrite: { target } });
    expect(compileFilters([filter]).rewrite?.target?.(request)).toEqual(expected);
  });

  test("a body", () => {
    const directResponse = { bodyFrom: [{ from: "Path" }], headersFrom: [{ name: "x", from: "Host" }] };
    const filter = filterSchema.parse({ type: "DirectResponse", directResponse });
    const { body, headers } = compileFilters([filter]).directResponse!;
    expect(typeof body === "function" && body(request)).toBe("/a/b");
    const made = new Headers();
    applyHeaderOperations(headers, made, request);
    expect(Object.fromEntries(made)).toEqual({
      "content-type": "text/plain; charset=utf-8",
      x: "Shop.test:8443",
    });
  });
});
