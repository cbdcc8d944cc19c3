// Direct responses and custom error pages.
import { expect, test } from "vitest";
import type { z } from "zod";
import { errorPagesSchema } from "#contract/error-pages.ts";
import { directResponseSchema, responseOverridesSchema } from "#contract/local-response.ts";
import { applyHeaderOperations } from "./header-operations.ts";
import {
  compileDirectResponse,
  compileErrorPages,
  compileResponseOverrides,
  type LocalResponse,
} from "./local-response.ts";

const direct = (config: z.input<typeof directResponseSchema>): LocalResponse =>
  compileDirectResponse(directResponseSchema.parse(config));

const headersOf = (response: LocalResponse | undefined): Record<string, string> => {
  const headers = new Headers();
  applyHeaderOperations(response?.headers, headers);
  return Object.fromEntries(headers);
};

const none = new Headers();

test("status, type, body, headers", () => {
  const response = direct({
    statusCode: 503,
    contentType: "text/html",
    body: { inline: "<h1>later</h1>" },
    header: { set: [{ name: "Retry-After", value: "60" }], add: [{ name: "x-a", value: "1" }] },
  });
  expect(response).toMatchObject({ status: 503, body: "<h1>later</h1>" });
  expect(headersOf(response)).toEqual({ "content-type": "text/html", "retry-after": "60", "x-a": "1" });
});

test("defaults: 200, plain text, nothing without a body", () => {
  expect(headersOf(direct({ body: { inline: "ok" } }))).toEqual({
    "content-type": "text/plain; charset=utf-8",
  });
  expect(direct({})).toEqual({ status: 200, headers: [], body: null });
});

test.each([204, 205, 304])("%d has no body", (statusCode) => {
  expect(direct({ statusCode, body: { inline: "x" } }).body).toBeNull();
});

test("framing cannot be set", () => {
  expect(headersOf(direct({ header: { set: [{ name: "Content-Length", value: "9" }] } }))).toEqual({});
});

test("overrides by value and range, the first entry for a status counts, its status stays unless given", () => {
  const plan = compileResponseOverrides(
    responseOverridesSchema.parse([
      { match: { statusCodes: [{ type: "Value", value: 503 }] }, response: { body: { inline: "busy" } } },
      {
        match: {
          statusCodes: [
            { type: "Range", range: { start: 500, end: 599 } },
            { type: "Value", value: 404 },
          ],
        },
        response: { statusCode: 500, body: { inline: "sorry" } },
      },
    ]),
  );
  expect(plan(503, true, none)).toMatchObject({ status: 503, body: "busy" });
  expect(plan(502, false, none)).toMatchObject({ status: 500, body: "sorry" });
  expect(plan(404, true, none)).toMatchObject({ status: 500, body: "sorry" });
  expect(plan(200, true, none)).toBeUndefined();
});

test("a backend has the response, and nothing else is said of it then", () => {
  const match = { statusCodes: [{ type: "Value", value: 503 }] };
  const backendRef = { name: "pages" };
  const requestHeaders = [{ name: "x-a", value: "1" }];
  const read = (response: unknown) => responseOverridesSchema.safeParse([{ match, response }]);
  expect(compileResponseOverrides(read({ backendRef, requestHeaders }).data!)(503, true, none)).toEqual({
    backend: "pages",
    requestHeaders,
  });
  expect(read({ backendRef, statusCode: 500 }).success).toBe(false);
  expect(read({ requestHeaders }).success).toBe(false);
});

test("an override may be for what backends answer, or for what the gateway answers", () => {
  const match = { statusCodes: [{ type: "Value", value: 503 }] };
  const page = (source: string) => ({ match, source, response: { body: { inline: source } } });
  const plan = compileResponseOverrides(responseOverridesSchema.parse([page("Backend"), page("Local")]));
  expect(plan(503, true, none)).toMatchObject({ body: "Backend" });
  expect(plan(503, false, none)).toMatchObject({ body: "Local" });
});

test("the first error page for a code or a status counts", () => {
  const find = compileErrorPages(
    errorPagesSchema.parse([
      { match: { errorCodes: ["endpoint_connect_failed"] }, response: { statusCode: 503 } },
      {
        match: { statusCodes: [{ type: "Range", range: { start: 500, end: 599 } }] },
        response: { contentType: "text/html", body: { inline: "sorry" } },
      },
      { match: { errorCodes: ["unauthorized"] }, response: { statusCode: 204, body: { inline: "lost" } } },
    ]),
  );
  const refused = find({ code: "endpoint_connect_failed", status: 502 });
  expect(refused).toEqual({ status: 503, headers: [], body: null, keepsBody: true });
  const contentType = { kind: "set", name: "content-type", value: "text/html" };
  const page = { headers: [contentType], body: "sorry", keepsBody: false };
  expect(find({ code: "endpoint_reset", status: 502 })).toEqual(page);
  expect(find({ code: "unauthorized", status: 401 })).toMatchObject({ status: 204, body: null });
  expect(find({ code: "forbidden", status: 403 })).toBeUndefined();
});

test("an error page is for codes or statuses, and has one body", () => {
  const read = (match: unknown, response: unknown) =>
    errorPagesSchema.safeParse([{ match, response }]).success;
  expect(read({ errorCodes: ["internal"] }, {})).toBe(true);
  expect(read({}, {})).toBe(false);
  expect(read({ errorCodes: ["nothing"] }, {})).toBe(false);
  const body = { inline: "a" };
  expect(read({ errorCodes: ["internal"] }, { body, bodyFrom: [{ text: "b" }] })).toBe(false);
});

test("an override may be put together from the request, and keep no headers", () => {
  const match = { statusCodes: [{ type: "Value", value: 404 }] };
  const read = (response: unknown) => responseOverridesSchema.safeParse([{ match, response }]);
  const plan = compileResponseOverrides(read({ bodyFrom: [{ text: "lost" }], keepHeaders: false }).data!);
  expect(plan(404, true, none)).toMatchObject({ keepsHeaders: false, body: expect.any(Function) });
  expect(compileResponseOverrides(read({}).data!)(404, true, none)).toMatchObject({ keepsHeaders: true });
  expect(read({ keepHeaders: false, backendRef: { name: "pages" } }).success).toBe(false);
  expect(read({ body: { inline: "a" }, bodyFrom: [{ text: "b" }] }).success).toBe(false);
});
