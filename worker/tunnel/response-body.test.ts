import { expect, test } from "vitest";
import { BodyFrameReader } from "#contract/body-frames.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import { ResponseBody } from "./response-body.ts";

function body() {
  const calls = { consumedBytes: 0, resets: [] as string[] };
  const stream = {
    consumed: (bytes: number) => void (calls.consumedBytes += bytes),
    reset: (code: string) => void calls.resets.push(code),
  } as unknown as TunnelStream;
  return { body: new ResponseBody(stream), calls };
}

test("an answer that is complete is one buffer, and its credit is returned at once", () => {
  const { body: download, calls } = body();
  download.data(new Uint8Array([1, 2]));
  download.data(new Uint8Array([3]));
  download.end();
  expect(download.take(3)).toEqual(new Uint8Array([1, 2, 3]));
  expect(calls.consumedBytes).toBe(3);
});

test("credit returns as the reader reads, not as frames arrive", async () => {
  const { body: download, calls } = body();
  const reader = (download.take(undefined) as ReadableStream<Uint8Array>).getReader();
  const chunk = new Uint8Array(16_384);
  for (let count = 0; count < 8; count++) download.data(chunk);
  expect(calls.consumedBytes).toBe(0);
  for (let count = 0; count < 6; count++) await reader.read();
  download.data(chunk);
  expect(calls.consumedBytes).toBe(6 * chunk.length);
  for (let count = 0; count < 3; count++) await reader.read();
  const waiting = reader.read();
  await scheduler.wait(0);
  expect(calls.consumedBytes).toBe(9 * chunk.length);
  download.end();
  expect((await waiting).done).toBe(true);
});

test("a stream that fails breaks the body, so no client takes half an answer for a whole one", async () => {
  const { body: download } = body();
  const reader = (download.take(undefined) as ReadableStream<Uint8Array>).getReader();
  download.data(new Uint8Array(1));
  await reader.read();
  download.fail("connection_lost: cut");
  await expect(reader.read()).rejects.toThrow("connection_lost: cut");
});

test("a reader that leaves resets the stream", async () => {
  const { body: download, calls } = body();
  await (download.take(undefined) as ReadableStream<Uint8Array>).cancel();
  expect(calls.resets).toEqual(["cancelled"]);
});

test("an answer without a body throws away what comes, and returns the credit", () => {
  const { body: download, calls } = body();
  download.data(new Uint8Array(5));
  download.discard();
  download.data(new Uint8Array(5));
  expect(calls.consumedBytes).toBe(10);
});

async function readFrames(body: BodyInit | null) {
  const frames = new BodyFrameReader();
  const data = frames
    .read(new Uint8Array(await new Response(body).arrayBuffer()))
    .flatMap((part) => [...part]);
  return { data, trailers: frames.trailers };
}

test("in frames, trailers follow the body, whether it was complete or came in pieces", async () => {
  const complete = body().body;
  complete.data(Uint8Array.of(1, 2));
  complete.end([["grpc-status", "0"]]);
  expect(complete.mayHaveTrailers).toBe(true);
  const expected = { data: [1, 2], trailers: [["grpc-status", "0"]] };
  expect(await readFrames(complete.takeFramed())).toEqual(expected);
  const pieces = body().body;
  pieces.data(Uint8Array.of(1));
  const framed = readFrames(pieces.takeFramed());
  pieces.data(Uint8Array.of(2));
  pieces.end([["grpc-status", "0"]]);
  expect(await framed).toEqual(expected);
});

test("in frames, credit is for what the endpoint sent", async () => {
  const { body: download, calls } = body();
  const reader = (download.takeFramed() as ReadableStream<Uint8Array>).getReader();
  const chunk = new Uint8Array(1_000);
  for (let count = 0; count < 5; count++) {
    const read = reader.read();
    download.data(chunk);
    await read;
  }
  await scheduler.wait(0);
  const waiting = reader.read();
  await scheduler.wait(0);
  expect(calls.consumedBytes).toBe(5 * chunk.length);
  download.end();
  await waiting;
});

test("a complete answer without trailers needs no frames", () => {
  const { body: download } = body();
  download.end();
  expect(download.mayHaveTrailers).toBe(false);
});
