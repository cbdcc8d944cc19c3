import { expect, test } from "vitest";
import { applyHeaderOperations, compileHeaderOperations } from "./header-operations.ts";
import type { ClientRequest } from "./request-text.ts";

const request = { header: (name: string) => (name === "x-there" ? "1" : null) } as ClientRequest;

test("a header whose value is empty is there, unless that is not wanted", () => {
  const parts = (name: string) => [{ from: "Header" as const, name }];
  const operations = compileHeaderOperations({
    set: [],
    add: [],
    remove: [],
    setFrom: [
      { name: "kept", parts: parts("X-Missing") },
      { name: "left-out", parts: parts("X-Missing"), keepEmptyValue: false },
      { name: "filled", parts: parts("X-There"), keepEmptyValue: false },
    ],
  });
  const headers = new Headers({ "left-out": "the client's" });
  applyHeaderOperations(operations, headers, request);
  expect([...headers]).toEqual([
    ["filled", "1"],
    ["kept", ""],
  ]);
});
