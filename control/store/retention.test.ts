import { expect, test } from "vitest";
import { versionsToForget } from "./retention.ts";

const bounds = { maxVersions: 4, minVersions: 2, maxBytes: 100 };
const sizes = (...bytes: number[]): { version: number; bytes: number }[] =>
  bytes.map((size, index) => ({ version: bytes.length - index, bytes: size }));

test.each([
  ["nothing under both bounds", sizes(10, 10, 10), []],
  ["the oldest over the number", sizes(1, 1, 1, 1, 1, 1), [2, 1]],
  ["the oldest over the size", sizes(50, 40, 20, 20), [2, 1]],
  ["never the newest ones", sizes(500, 500), []],
])("forgets %s", (_name, versions, forgotten) => {
  expect(versionsToForget(versions, bounds)).toEqual(forgotten);
});
