import { expect, test } from "vitest";
import { createNamedFiles } from "../named-files.ts";
import { bodyOfFile, replyOfFile } from "./error-file.ts";

const reply = (text: string) => replyOfFile("f", createNamedFiles(new Map([["f", text]])));

test("a response is read as it goes over the wire", () => {
  const text =
    "HTTP/1.0 503 Busy\r\nConnection: close\r\nContent-Type: text/html\r\nRetry-After: 5\r\nX-Off: 10%\r\n\r\n<p>50% more\n\n";
  expect(reply(text)).toEqual({
    status: 503,
    contentType: "text/html",
    // Both are log-format strings.
    body: "<p>50%% more\n\n",
    headers: [
      { name: "Retry-After", value: "5" },
      { name: "X-Off", value: "10%%" },
    ],
  });
  expect(reply("HTTP/1.1 404 Not Found\nContent-Length: 4\n\nü!\n")).toMatchObject({ body: "ü!\n" });
  expect(reply("HTTP/1.1 204\n\n")).toEqual({
    status: 204,
    contentType: undefined,
    body: undefined,
    headers: [],
  });
});

test("an empty file is no answer", () => {
  expect(reply("")).toBeUndefined();
  expect(replyOfFile("/dev/null", createNamedFiles(new Map()))).toBeUndefined();
});

test("a page has at most 16 KiB, and any lines in time", () => {
  const head = "HTTP/1.1 503 Busy\n\n";
  expect(reply(head + "x".repeat(16_384 - head.length))!.body).toHaveLength(16_384 - head.length);
  expect(() => reply(head + "x".repeat(16_385 - head.length))).toThrow(/longer than 16384 bytes/);
  expect(() => reply("HTTP/1.1 503 Busy\n" + "a: b\n".repeat(3_000))).toThrow(/empty line/);
  expect(() => bodyOfFile("f", createNamedFiles(new Map([["f", "\uFFFD"]])))).toThrow(/UTF-8/);
});
