import { expect, test } from "vitest";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import type { PeerSocket } from "./peer-socket.ts";
import { WebSocketRelay } from "./websocket-relay.ts";

test("credit for what follows a message is held back until the client has taken it", () => {
  let creditBytes = 0;
  const stream = { open: true, consumed: (bytes: number) => void (creditBytes += bytes) } as TunnelStream;
  const passing: (() => void)[] = [];
  const passed: string[] = [];
  const socket: PeerSocket = {
    listen: () => {},
    send: () => {},
    pass(message, isText, left) {
      passed.push(`${isText} ${new TextDecoder().decode(message)}`);
      passing.push(left);
    },
    close: () => {},
  };
  const relay = new WebSocketRelay(stream, socket, () => {});
  const receive = (text: string, last: boolean): void =>
    relay.receive(new TextEncoder().encode(text), { text: true, last });
  receive("abc", false);
  receive("de", true);
  expect([passed, creditBytes]).toEqual([["true abcde"], 5]);
  receive("fgh", true);
  receive("i", false);
  expect([passed.length, creditBytes]).toEqual([2, 5]);
  passing.shift()!();
  expect(creditBytes).toBe(5);
  passing.shift()!();
  expect(creditBytes).toBe(9);
});
