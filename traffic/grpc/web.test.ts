import * as fc from "fast-check";
import { expect, test } from "vitest";
import { GrpcWebCodec, grpcRequestFields, grpcWebCodecOf, grpcWebResponseFields } from "./web.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const asText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

test("a text body is decoded however it is cut and wherever it is padded", () => {
  const run = fc.property(
    fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }),
    fc.integer({ min: 1, max: 9 }),
    (messages, size) => {
      const sender = new GrpcWebCodec("grpc-web-text");
      const sent = messages.flatMap((message) => [...sender.encode(message)]);
      const codec = new GrpcWebCodec("grpc-web-text");
      const seen: number[] = [];
      for (let at = 0; at < sent.length; at += size) {
        seen.push(...codec.decode(Uint8Array.from(sent.slice(at, at + size))));
      }
      expect(seen).toEqual(messages.flatMap((message) => [...message]));
    },
  );
  fc.assert(run, { numRuns: 500 });
});

test("a binary body passes as it is", () => {
  const codec = new GrpcWebCodec("grpc-web");
  const bytes = Uint8Array.of(0, 0, 0, 0, 1, 255);
  expect(codec.decode(bytes)).toBe(bytes);
  expect(codec.encode(bytes)).toBe(bytes);
});

test("trailers are a last frame, with a flag and a length of its own", () => {
  const trailers = [
    ["grpc-status", "0"],
    ["x-a", "b"],
  ] as const;
  const block = "grpc-status: 0\r\nx-a: b\r\n";
  const frame = new GrpcWebCodec("grpc-web").encodeTrailers(trailers);
  expect([...frame.subarray(0, 5)]).toEqual([0x80, 0, 0, 0, block.length]);
  expect(asText(frame.subarray(5))).toBe(block);
  const text = new GrpcWebCodec("grpc-web-text").encodeTrailers(trailers);
  expect(atob(asText(text))).toBe(asText(frame));
});

test("text that is no base64 is refused", () => {
  expect(() => new GrpcWebCodec("grpc-web-text").decode(ascii("!!!!"))).toThrow();
});

test("content types in both directions, and no length that would be wrong", () => {
  const request = [
    ["content-type", "application/grpc-web-text+proto"],
    ["content-length", "8"],
    ["x-a", "b"],
  ] as const;
  expect(grpcWebCodecOf(request)).toBeInstanceOf(GrpcWebCodec);
  expect(grpcRequestFields(request)).toEqual([
    ["content-type", "application/grpc+proto"],
    ["x-a", "b"],
  ]);
  expect(grpcWebResponseFields([["content-type", "application/grpc+proto"]], request)).toEqual([
    ["content-type", "application/grpc-web-text+proto"],
  ]);
  // A server's error page stays what it says it is.
  expect(grpcWebResponseFields([["content-type", "text/html"]], request)).toEqual([
    ["content-type", "text/html"],
  ]);
});

test.each([["application/grpc"], ["application/json"]])("%s needs no translation", (type) => {
  expect(grpcWebCodecOf([["content-type", type]])).toBeUndefined();
});
