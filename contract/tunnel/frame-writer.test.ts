import { expect, test } from "vitest";
import { FrameWriter } from "./frame-writer.ts";

const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);

function message(writer: FrameWriter, bytes: number, value: number): Uint8Array {
  writer.bytes(filled(bytes, value));
  return writer.take();
}

test.each([10, 5_000, 65_545, 200_000])(
  "messages of %d bytes stay as they are while the next are written",
  (bytes) => {
    const writer = new FrameWriter();
    const messages = [1, 2, 3].map((value) => message(writer, bytes, value));
    expect(messages).toEqual([1, 2, 3].map((value) => filled(bytes, value)));
  },
);

test("a long message's buffer is used again once it was given back, and not before", () => {
  const writer = new FrameWriter();
  const [first, second] = [message(writer, 65_545, 1), message(writer, 65_545, 2)];
  expect(second!.buffer).not.toBe(first!.buffer);
  writer.giveBack(first!);
  const third = message(writer, 60_000, 3);
  expect(third.buffer).toBe(first!.buffer);
  expect(third).toEqual(filled(60_000, 3));
  expect(second).toEqual(filled(65_545, 2));
});

test("a short message keeps no long buffer alive, and few buffers are kept", () => {
  const writer = new FrameWriter();
  const long = Array.from({ length: 20 }, (_, value) => message(writer, 65_545, value));
  for (const each of long) writer.giveBack(each);
  const again = Array.from({ length: 20 }, (_, value) => message(writer, 65_545, value));
  const buffers = new Set(long.map(({ buffer }) => buffer));
  expect(again.filter(({ buffer }) => buffers.has(buffer))).toHaveLength(8);
  expect(message(writer, 100, 1).buffer.byteLength).toBe(100);
});
