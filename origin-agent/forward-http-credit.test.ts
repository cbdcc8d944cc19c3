// Credit of a request body that its endpoint never took: with sockets it takes a full kernel buffer to get there, so
// undici's part is played by the test.
import type { Dispatcher, Pool } from "undici";
import { expect, test } from "vitest";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import { forwardHttp } from "./forward-http.ts";
import { openHead } from "./testing/exchange.ts";

function exchangeWithSilentEndpoint() {
  const state = { receivedBytes: 0, consumedBytes: 0, ended: false };
  const stream = {
    id: 1,
    head: openHead("pods|10.0.0.1:80", { method: "POST" }),
    respond: () => undefined,
    end: () => void (state.ended = true),
    reset: () => undefined,
    consumed: (bytes: number) => void (state.consumedBytes += bytes),
    get unconsumedBytes() {
      return state.receivedBytes - state.consumedBytes;
    },
  } as unknown as TunnelStream;
  let undici!: Dispatcher.DispatchHandler;
  let body!: NodeJS.ReadableStream & { destroy(): void };
  const pool = {
    dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
      undici = handler;
      body = options.body as unknown as typeof body;
      return true;
    },
  } as unknown as Pool;
  const tunnel = forwardHttp(stream, pool, false, () => undefined);
  const controller = {
    rawHeaders: [],
    rawTrailers: [],
    abort: () => undefined,
  } as unknown as Dispatcher.DispatchController;
  undici.onRequestStart!(controller, {});
  const receive = (bytes: number) => {
    state.receivedBytes += bytes;
    tunnel.onData!(new Uint8Array(bytes));
  };
  const answer = () => {
    undici.onResponseStart!(controller, 413, {});
    undici.onResponseEnd!(controller, {});
    body.destroy();
  };
  return { state, receive, answer };
}

test("while the endpoint does not read, the client gets no credit", () => {
  const { state, receive } = exchangeWithSilentEndpoint();
  receive(16 * 1024);
  expect(state.consumedBytes).toBe(0);
});

test("an answer returns the credit of what the endpoint had not taken, and of all that still comes", () => {
  const { state, receive, answer } = exchangeWithSilentEndpoint();
  receive(16 * 1024);
  answer();
  expect(state).toMatchObject({ ended: true, consumedBytes: 16 * 1024 });
  receive(1_000);
  expect(state.consumedBytes).toBe(16 * 1024 + 1_000);
});
