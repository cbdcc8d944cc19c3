// The one written rule for paths (docs/paths.md): a table, and its properties on random paths.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { headOf, snapshotOf } from "./match-case.ts";
import { compileMatcher } from "./matcher.ts";
import { normalizePath } from "./path.ts";

test.each<[raw: string, canonical: string | undefined]>([
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["/a/b/", "/a/b/"],
  ["/.well-known/x", "/.well-known/x"],
  ["/a.b/..c/...", "/a.b/..c/..."],
  // Percent-encoding
  ["/%61%2D%5f%7e", "/a-_~"],
  ["/caf%c3%a9", "/caf%C3%A9"],
  ["/café", "/caf%C3%A9"],
  ["/a%20b%3f%23", "/a%20b%3F%23"],
  ["/%252e%252e/", "/%252e%252e/"],
  ['/a|b{c}[d]^`<>"', "/a%7Cb%7Bc%7D%5Bd%5D%5E%60%3C%3E%22"],
  ["/%zz", undefined],
  ["/%", undefined],
  ["/%4", undefined],
  ["/%00", undefined],
  ["/a\u0000", undefined],
  ["/a b", undefined],
  ["/a\tb", undefined],
  ["/a?b", undefined],
  ["/a#b", undefined],
  ["/\ud800", undefined],
  // Overlong UTF-8 spellings of / and .
  ["/%c0%af", undefined],
  ["/%C1%9C", undefined],
  ["/%e0%80%af", undefined],
  ["/%f0%80%80%af", undefined],
  ["/%E0%A4%A9", "/%E0%A4%A9"],
  // Dot segments
  ["/a/./b", "/a/b"],
  ["/a/../b", "/b"],
  ["/a/..", "/"],
  ["/a/b/..", "/a/"],
  ["/a/.", "/a/"],
  ["/../../a", "/a"],
  ["/a/%2e%2E/b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/a/..;/b", undefined],
  ["/a/%2e%2e;x=1/b", undefined],
  ["/a/.;/b", undefined],
  ["/a;x/../b", "/b"],
  // Empty segments
  ["//a///b//", "/a/b/"],
  ["//", "/"],
  ["/a//../b", "/a/b"],
  ["//evil.example/x", "/evil.example/x"],
  // Slashes in disguise
  ["/a\\b", "/a/b"],
  ["/a\\..\\b", "/b"],
  ["/a%2fb", undefined],
  ["/a%5Cb", undefined],
  ["/public%2f..%2fadmin", undefined],
  // Not a path
  ["", undefined],
  ["*", undefined],
  ["a/b", undefined],
  ["http://example.com/", undefined],
])("%j -> %j", (raw, canonical) => {
  expect(normalizePath(raw)).toBe(canonical);
});

test.each<[raw: string, action: "KeepUnchanged" | "UnescapeAndForward", canonical: string]>([
  ["/a%2fb%5c", "KeepUnchanged", "/a%2Fb%5C"],
  ["/a%2fb", "UnescapeAndForward", "/a/b"],
  ["/public%2f..%5cadmin", "UnescapeAndForward", "/admin"],
])("%j with %s -> %j", (raw, action, canonical) => {
  expect(normalizePath(raw, action)).toBe(canonical);
});

test("a canonical path is returned as it is", () => {
  const path = ["", "api", "v1", "users;id=7", "x.y"].join("/");
  expect(normalizePath(path)).toBe(path);
});

const piece = fc.constantFrom(
  "/",
  "//",
  "a",
  "B",
  ".",
  "..",
  "%2e",
  "%2E%2e",
  ";",
  ";x=1",
  "%2F",
  "%5c",
  "\\",
  "%61",
  "%7E",
  "%c3%a9",
  "é",
  "%",
  "%25",
  "%00",
  "%20",
  "+",
  "[",
  "😀",
  "%C0%AE",
  "\u007f",
);
const raw = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`);
const action = fc.constantFrom(
  "RejectRequest" as const,
  "KeepUnchanged" as const,
  "UnescapeAndForward" as const,
);

test(
  "canonical paths are stable, have no dot or empty segments, and only characters of RFC 3986",
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(raw, action, (path, escapedSlashes) => {
        const canonical = normalizePath(path, escapedSlashes);
        if (canonical === undefined) return;
        expect(normalizePath(canonical, escapedSlashes)).toBe(canonical);
        expect(canonical).toMatch(/^\/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*$/);
        expect(canonical.slice(1).split("/").slice(0, -1)).not.toContain("");
        for (const segment of canonical.split("/")) expect(segment).not.toMatch(/^\.\.?(?:;|$)/);
        if (escapedSlashes !== "KeepUnchanged") expect(canonical).not.toMatch(/%2F|%5C/);
      }),
      { numRuns: 2_000 },
    );
  },
);

// How the most lenient servers read a path: parameters dropped, escapes decoded, backslashes and runs of slashes taken
// for one slash, dot segments resolved.
function lenientReading(path: string): string {
  const decoded = path
    .replace(/;[^/]*/g, "")
    .replace(/%([0-9A-F]{2})/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll("\\", "/");
  const resolved: string[] = [];
  for (const segment of decoded.split("/")) {
    if (segment === "..") resolved.pop();
    else if (segment !== "." && segment !== "") resolved.push(segment);
  }
  return `/${resolved.join("/")}`;
}

test(
  "no spelling of a path falls to another rule than the path a lenient server reads from it",
  { timeout: 60_000 },
  () => {
    const matcher = compileMatcher(
      snapshotOf([
        {
          name: "r",
          rules: ["/", "/a", "/a/B", "/B", "/~"].map((value) => [
            { path: { type: "PathPrefix" as const, value } },
          ]),
        },
      ]),
    );
    const ruleOf = (path: string): string | undefined =>
      matcher.match("web", headOf({ target: path }))?.rule.id;
    fc.assert(
      fc.property(raw, (path) => {
        const canonical = normalizePath(path);
        if (canonical === undefined) return;
        const matched = ruleOf(canonical);
        if (matched !== undefined) expect(matched).toBe(ruleOf(lenientReading(canonical)));
      }),
      { numRuns: 2_000 },
    );
  },
);
