import { expect, test } from "vitest";
import { compressionSchema } from "#contract/compression.ts";
import { compileCompression, markCompressed, varyByEncoding } from "./compression.ts";

const suits = (fields: Record<string, string>, status = 200, policy: object = {}): boolean =>
  compileCompression(compressionSchema.parse(policy)).suits(status, new Headers(fields));

test.each([
  [{ "content-type": "text/html; charset=utf-8" }, true],
  [{ "content-type": "Application/JSON" }, true],
  [{ "content-type": "text/html", "content-length": "30" }, true],
  [{ "content-type": "text/html", "content-length": "29" }, false],
  [{ "content-type": "image/png" }, false],
  [{ "content-type": "text/html", "content-encoding": "br" }, false],
  [{ "content-type": "text/html", "cache-control": "public, no-transform" }, false],
  [{ "content-type": "text/html", "cache-control": "public" }, true],
  [{}, false],
])("%j: %s", (fields, expected) => {
  expect(suits(fields as Record<string, string>)).toBe(expected);
});

test("statuses whose body is whole, and types as they are listed", () => {
  const html = { "content-type": "text/html" };
  expect([200, 203, 204, 206, 304, 404].map((status) => suits(html, status))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(suits({ "content-type": "text/x-log" }, 200, { contentTypes: ["text/*"] })).toBe(true);
  expect(suits({ "content-type": "image/bmp" }, 200, { contentTypes: ["*/*"] })).toBe(true);
  expect(suits({}, 200, { contentTypes: ["*/*"] })).toBe(true);
  expect(suits({ "content-type": "text/event-stream" }, 200, { contentTypes: ["text/*"] })).toBe(true);
  expect(suits({ "content-type": "multipart/mixed" }, 200, { contentTypes: ["*/*"] })).toBe(false);
  expect(suits({ "content-type": "application/grpc-web" }, 200, { contentTypes: ["*/*"] })).toBe(false);
});

test.each([
  [null, undefined],
  ["", undefined],
  ["gzip", "Gzip"],
  ["deflate, GZIP;q=0.5, br", "Brotli"],
  ["br;q=0.4, GZIP;q=0.5", "Gzip"],
  ["x-gzip", "Gzip"],
  ["gzip, br", "Brotli"],
  ["gzip;q=0, br;q=0.000", undefined],
  ["br;q=0, *", "Gzip"],
  ["*;q=0", undefined],
  ["gzip, *;q=0.5", "Gzip"],
  ["identity", undefined],
  ["gzip;q=0.001;level=9", "Gzip"],
  ["gzip;q=nonsense", "Gzip"],
])("Accept-Encoding %s takes %s", (field, expected) => {
  const compressors = [{ type: "Brotli" }, { type: "Gzip" }];
  const plan = compileCompression(compressionSchema.parse({ compressors }));
  expect(plan.choose(field)?.type).toBe(expected);
});

test("the head of what is compressed", () => {
  const headers = new Headers({
    etag: '"abc"',
    "content-length": "9",
    "accept-ranges": "bytes",
    vary: "Origin",
  });
  varyByEncoding(headers);
  varyByEncoding(headers);
  markCompressed(headers, { type: "RawDeflate" });
  expect(Object.fromEntries(headers)).toEqual({
    "content-encoding": "deflate",
    etag: 'W/"abc"',
    vary: "Origin, Accept-Encoding",
  });
});
