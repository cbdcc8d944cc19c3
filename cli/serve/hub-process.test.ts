import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { passToHub } from "./hub-process.ts";

/** A process whose channel takes what it is given when `sent` is called, and not before. */
class SlowChild extends EventEmitter {
  connected = true;
  readonly sent: (() => void)[] = [];
  readonly starts: string[] = [];

  send({ start }: { start: string }, _socket: Socket, _options: object, sent: () => void): void {
    this.starts.push(start);
    this.sent.push(sent);
  }
}

const pass = (child: SlowChild | undefined, start = "aGVsbG8="): Socket => {
  const socket = new Socket();
  passToHub(child as unknown as ChildProcess | undefined, start, socket);
  return socket;
};

test("a connection is given away with what was read of it, and closed here once it has gone", () => {
  const child = new SlowChild();
  const socket = pass(child, "AQID");
  expect([child.starts, socket.destroyed]).toEqual([["AQID"], false]);
  child.sent[0]!();
  expect(socket.destroyed).toBe(true);
});

test("without a process, or behind 64 that it has not taken, a connection is closed", () => {
  expect(pass(undefined).destroyed).toBe(true);
  const gone = new SlowChild();
  gone.connected = false;
  expect(pass(gone).destroyed).toBe(true);
  const child = new SlowChild();
  const waiting = Array.from({ length: 64 }, () => pass(child));
  expect(waiting.some(({ destroyed }) => destroyed)).toBe(false);
  expect(pass(child).destroyed).toBe(true);
  child.sent[0]!();
  expect(pass(child).destroyed).toBe(false);
});

test("those that a process has not taken at its end are closed", () => {
  const child = new SlowChild();
  const waiting = [pass(child), pass(child)];
  child.emit("exit");
  expect(waiting.every(({ destroyed }) => destroyed)).toBe(true);
});
