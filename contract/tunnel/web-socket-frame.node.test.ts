import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { FrameWriter } from "./frame-writer.ts";
import { frameInPlace, webSocketHeadBytes } from "./web-socket-frame.ts";

/** A message with room before it, as a `FrameWriter` makes long ones. */
function roomy(bytes: number): Uint8Array {
  const buffer = new Uint8Array(webSocketHeadBytes + bytes).fill(0xee);
  return buffer.fill(7, webSocketHeadBytes).subarray(webSocketHeadBytes);
}

test.each([0, 1, 125, 126, 127, 255, 256, 0xffff, 0x1_0000, 0x1_0001, 200_000])(
  "the library for WebSockets reads frames of %d bytes, from either end",
  async (bytes) => {
    const http = createServer();
    onTestFinished(() => void http.close());
    const server = new WebSocketServer({ noServer: true });
    const received = Promise.withResolvers<Buffer>();
    http.on("upgrade", (request, socket, early) => {
      server.handleUpgrade(request, socket, early, (webSocket) => {
        webSocket.on("message", received.resolve).on("error", received.reject);
        socket.write(frameInPlace(roomy(bytes), false)!);
      });
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    onTestFinished(() => client.terminate());
    client.once("upgrade", ({ socket }) => socket.write(frameInPlace(roomy(bytes), true)!));
    const [[atClient], atServer] = await Promise.all([once(client, "message"), received.promise]);
    for (const message of [atClient as Buffer, atServer]) {
      expect(message.length).toBe(bytes);
      expect(message.every((byte) => byte === 7)).toBe(true);
    }
  },
);

test("long messages of a writer have the room, short ones are left as they are", () => {
  const writer = new FrameWriter();
  const message = (bytes: number): Uint8Array => {
    writer.bytes(new Uint8Array(bytes).fill(7));
    return writer.take();
  };
  expect(frameInPlace(message(100), true)).toBeUndefined();
  for (const bytes of [40_000, 65_545, 131_081, 200_000]) {
    const long = message(bytes);
    expect(frameInPlace(long, false)?.length).toBe(bytes + (bytes > 0xffff ? 10 : 4));
    expect(long).toEqual(new Uint8Array(bytes).fill(7));
  }
});
