import { expect, test } from "vitest";
import { ReplayBody } from "./replay-body.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: ReadableStream<Uint8Array>): Promise<string> => new Response(body).text();

function source() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own) });
  return { stream, send: (part: string) => controller.enqueue(bytes(part)), end: () => controller.close() };
}

test("another attempt begins anew and goes on where the one before stopped", async () => {
  const { stream, send, end } = source();
  const body = new ReplayBody(stream, 100);
  const first = body.open().getReader();
  send("one ");
  expect(new TextDecoder().decode((await first.read()).value)).toBe("one ");
  // It waits for more when it is given up.
  const waiting = first.read();
  const second = text(body.open());
  send("two ");
  await expect(waiting).rejects.toThrow("another attempt has begun");
  send("three");
  end();
  expect(await second).toBe("one two three");
  expect(await text(body.open())).toBe("one two three");
});

test("beyond the bound nothing is kept, and the attempt goes on", async () => {
  const { stream, send, end } = source();
  const body = new ReplayBody(stream, 5);
  const all = text(body.open());
  send("123");
  await scheduler.wait(0);
  expect(body.replayable).toBe(true);
  send("456");
  send("789");
  end();
  expect(await all).toBe("123456789");
  expect(body.replayable).toBe(false);
});

test("once settled, a body that is given up gives up its source", async () => {
  let cancelled: unknown;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes("x")),
    cancel: (reason) => void (cancelled = reason),
  });
  const body = new ReplayBody(stream, 100);
  const reader = body.open().getReader();
  await reader.read();
  body.settle();
  await reader.cancel("enough");
  expect(cancelled).toBe("enough");
});

test("a source that fails fails the attempt", async () => {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error("the client left")),
  });
  await expect(text(new ReplayBody(stream, 100).open())).rejects.toThrow("the client left");
});
