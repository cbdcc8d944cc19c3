// The order of requests on a connection of HTTP/1.1, which Node leaves to its user.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Outgoing } from "./answer.ts";
import type { Incoming } from "./incoming.ts";

/** Requests that may wait on one connection; browsers send none ahead. */
const maxWaiting = 64;

interface Turns {
  last: ServerResponse;
  waiting: number;
}

/**
 * Requests that a client sends on one HTTP/1.1 connection without waiting take their turns: only safe ones may run side by
 * side (RFC 9112 §9.3.2), and Node hands out all of them at once. A client with too many ahead loses its connection.
 */
export function createTurns(): (request: Incoming, response: Outgoing, start: () => void) => void {
  const bySocket = new WeakMap<Socket, Turns>();
  return (request, response, start) => {
    if ("stream" in response) return start();
    const { socket } = request;
    const turns = bySocket.get(socket);
    if (!turns || (turns.waiting === 0 && turns.last.closed)) {
      bySocket.set(socket, { last: response, waiting: 0 });
      return start();
    }
    if (turns.waiting >= maxWaiting) return void socket.destroy();
    turns.waiting += 1;
    turns.last.once("close", () => {
      turns.waiting -= 1;
      if (!response.destroyed) start();
    });
    turns.last = response;
  };
}
