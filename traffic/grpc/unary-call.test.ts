import { expect, test } from "vitest";
import { messageFrame, readUnaryAnswer } from "./unary-call.ts";
import { GrpcWebCodec } from "./web.ts";

const message = Uint8Array.of(8, 1);
const trailers = (status: string) => new GrpcWebCodec("grpc-web").encodeTrailers([["grpc-status", status]]);
const body = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

test("a message is framed with its length", () => {
  expect([...messageFrame(message)]).toEqual([0, 0, 0, 0, 2, 8, 1]);
  expect([...messageFrame(new Uint8Array(300)).subarray(0, 5)]).toEqual([0, 0, 0, 1, 44]);
});

test("the message of an answer whose status is OK, in the body or in the head", () => {
  expect(readUnaryAnswer(null, body(messageFrame(message), trailers("0")))).toEqual(message);
  expect(readUnaryAnswer("0", messageFrame(message))).toEqual(message);
});

test.each([
  ["a status of the head alone", "7", new Uint8Array(), "grpc-status 7"],
  ["a status behind the message", null, body(messageFrame(message), trailers("13")), "grpc-status 13"],
  ["no status at all", null, messageFrame(message), "grpc-status missing"],
  ["a status that is none", "x", messageFrame(message), "grpc-status x"],
  ["no message", null, trailers("0"), "no message"],
  [
    "two messages",
    null,
    body(messageFrame(message), messageFrame(message), trailers("0")),
    "not one plain message",
  ],
  ["a compressed message", "0", Uint8Array.of(1, 0, 0, 0, 1, 8), "not one plain message"],
  ["half a header", "0", Uint8Array.of(0, 0), "cut short"],
  ["half a message", "0", Uint8Array.of(0, 0, 0, 0, 9, 8), "cut short"],
])("%s is no answer", (_what, head, octets, reason) => {
  expect(() => readUnaryAnswer(head, octets)).toThrow(reason);
});
