import { expect, test } from "vitest";
import { responseOverridesSchema } from "#contract/local-response.ts";
import { applyHeaderOperations, compileResponseOperations } from "./header-operations.ts";
import { compileResponseOverrides } from "./local-response.ts";
import { compileResponseCondition } from "./response-condition.ts";

const present = (name: string) => ({ type: "Present" as const, name, value: "" });

test("statuses, headers and exclusions hold together", () => {
  const holds = compileResponseCondition({
    statusCodes: [{ type: "Range", range: { start: 400, end: 499 } }],
    responseHeaders: [{ type: "RegularExpression", name: "X-Kind", value: "go.*" }],
    not: [{ statusCodes: [{ type: "Value", value: 410 }], responseHeaders: [present("x-keep")] }],
  })!;
  const gone = new Headers({ "x-kind": "gone" });
  const kept = new Headers({ "x-kind": "gone", "x-keep": "" });
  expect(holds(404, gone)).toBe(true);
  expect(holds(200, gone)).toBe(false);
  expect(holds(undefined, gone)).toBe(false);
  expect(holds(404, new Headers())).toBe(false);
  expect(holds(410, gone)).toBe(true);
  expect(holds(410, kept)).toBe(false);
  expect(holds(404, kept)).toBe(true);
});

test("without a condition it is for every response, with one that cannot be read for none", () => {
  expect(compileResponseCondition({})).toBeUndefined();
  const broken = { type: "RegularExpression" as const, name: "x", value: "(" };
  expect(compileResponseCondition({ responseHeaders: [broken] })!(200, new Headers({ x: "(" }))).toBe(false);
});

test("a change sees what those before it have made of the headers", () => {
  const none = { set: [], add: [], remove: [] };
  const operations = [
    ...compileResponseOperations({ ...none, set: [{ name: "x-first", value: "1" }] }),
    ...compileResponseOperations({
      ...none,
      set: [{ name: "x-second", value: "2" }],
      responseHeaders: [present("x-first")],
    }),
  ];
  const headers = new Headers();
  applyHeaderOperations(operations, headers, undefined, 200);
  expect(headers.get("x-second")).toBe("2");
});

test("the first override whose conditions hold counts", () => {
  const any = [{ type: "Range", range: { start: 200, end: 599 } }];
  const plan = compileResponseOverrides(
    responseOverridesSchema.parse([
      {
        match: { statusCodes: any, responseHeaders: [{ name: "x-kind", value: "bad" }] },
        response: { statusCode: 403 },
      },
      {
        match: { statusCodes: [{ type: "Value", value: 500 }] },
        response: { statusCode: 503, keepBody: true },
      },
      {
        match: { statusCodes: [{ type: "Value", value: 200 }] },
        response: { statusCode: 204, keepBody: true },
      },
    ]),
  );
  expect(plan(500, true, new Headers({ "x-kind": "bad" }))).toMatchObject({ status: 403 });
  expect(plan(500, true, new Headers())).toEqual({ newStatus: 503, hasContent: true });
  expect(plan(200, true, new Headers())).toEqual({ newStatus: 204, hasContent: false });
  expect(plan(302, true, new Headers())).toBeUndefined();
});

test("a body that stays has another status, and nothing else", () => {
  const match = { statusCodes: [{ type: "Value", value: 500 }] };
  const read = (response: unknown) => responseOverridesSchema.safeParse([{ match, response }]).success;
  expect(read({ keepBody: true, statusCode: 503 })).toBe(true);
  expect(read({ keepBody: true })).toBe(false);
  expect(read({ keepBody: true, statusCode: 503, contentType: "text/html" })).toBe(false);
});

test("a header's expression that is none is refused", () => {
  const match = {
    statusCodes: [{ type: "Value", value: 500 }],
    responseHeaders: [{ type: "RegularExpression", name: "x", value: "(" }],
  };
  const read = responseOverridesSchema.safeParse([{ match, response: {} }]);
  expect(read.error?.issues[0]?.path).toEqual([0, "match", "responseHeaders", 0, "value"]);
});
