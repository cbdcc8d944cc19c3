// What a row of a table says of an answer, and of what the endpoint got.
import { expect } from "vitest";
import type { Echo } from "../system/echo-server.ts";
import type { Answer } from "../system/http.ts";
import type { See } from "./row.ts";

export function expectSeen(answer: Answer, { status = 200, headers, seen, by }: See, at: string): void {
  expect(answer.status, at).toBe(status);
  if (by !== undefined) expect(String(answer.headers["x-served-by"]).replace(/-\d$/, ""), at).toBe(by);
  expectHeaders(answer.headers, headers, at);
  if (!seen) return;
  const echo = JSON.parse(answer.body) as Echo;
  if (seen.url !== undefined) expect(echo.url, at).toBe(seen.url);
  if (seen.method !== undefined) expect(echo.method, at).toBe(seen.method);
  expectHeaders(echo.headers, seen.headers, at);
}

function expectHeaders(
  found: Readonly<Record<string, string | string[] | undefined>>,
  expected: See["headers"] = {},
  at: string,
): void {
  for (const [name, value] of Object.entries(expected)) {
    const text = [found[name] ?? []].flat().join(", ");
    if (value === null) expect(found, at).not.toHaveProperty(name);
    else if (value instanceof RegExp) expect(text, at).toMatch(value);
    else expect(text, at).toBe(value);
  }
}
