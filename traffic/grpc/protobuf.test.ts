import { expect, test } from "vitest";
import { encodeMessage, ProtoMessage } from "./protobuf.ts";

// The examples of the specification (protobuf.dev/programming-guides/encoding).
test.each([
  ["a number", encodeMessage([[1, 150]]), [0x08, 0x96, 0x01]],
  ["text", encodeMessage([[2, "testing"]]), [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]],
  ["a message", encodeMessage([[3, [[1, 150]]]]), [0x1a, 0x03, 0x08, 0x96, 0x01]],
  ["octets", encodeMessage([[1, Uint8Array.of(0, 255)]]), [0x0a, 0x02, 0, 255]],
  ["nothing", encodeMessage([]), []],
  ["a field beyond 15", encodeMessage([[16, 1]]), [0x80, 0x01, 0x01]],
  ["a number beyond 32 bits", encodeMessage([[1, 2 ** 40]]), [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]],
])("%s is written", (_what, written, octets) => expect([...written]).toEqual(octets));

test("what is written is read", () => {
  const read = new ProtoMessage(
    encodeMessage([
      [1, 7],
      [2, "é"],
      [3, [[1, "inner"]]],
      [3, [[1, "other"]]],
      [4, 2 ** 40],
    ]),
  );
  expect([read.number(1), read.text(2), read.number(4)]).toEqual([7, "é", 2 ** 40]);
  expect(read.messages(3).map((inner) => inner.text(1))).toEqual(["inner", "other"]);
  expect(read.message(3).text(1)).toBe("other");
});

test("fields that are not there have their defaults", () => {
  const read = new ProtoMessage(new Uint8Array());
  expect([read.number(1), read.text(1), read.messages(1), read.has(1)]).toEqual([0, "", [], false]);
  expect(read.message(1).text(1)).toBe("");
});

test("fields of fixed length are passed over", () => {
  const octets = [0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x18, 5];
  expect(new ProtoMessage(Uint8Array.from(octets)).number(3)).toBe(5);
});

test.each([
  ["is cut short in a number", [0x08, 0x96]],
  ["is cut short in text", [0x12, 0x07, 0x74]],
  ["is cut short in a fixed field", [0x09, 1]],
  ["announces more than there can be", [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ["has a number without end", [0x08, ...Array.from({ length: 11 }, () => 0xff)]],
  ["has a group, which nobody writes any more", [0x0b, 0x0c]],
])("a message that %s is none", (_what, octets) => {
  expect(() => new ProtoMessage(Uint8Array.from(octets))).toThrow("message");
});
