// Requests through the tunnel as the hub makes them, for tests: one function per kind of stream.
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import type { Fields, OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import type { TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { Journal } from "./journal.ts";

export interface Answer {
  readonly head: ResponseHead;
  readonly informational: readonly ResponseHead[];
  /** Credit returns as it is read. Destroyed with a `ResetError` if the stream is reset. */
  readonly body: Readable;
  /** Set once the body has ended. */
  trailers: Fields;
  readonly stream: TunnelStream;
}

export class ResetError extends Error {
  override readonly name = "ResetError";
  readonly reset: StreamReset;

  constructor(reset: StreamReset) {
    super(`${reset.code}: ${reset.detail}`);
    this.reset = reset;
  }
}

export function openHead(endpoint: string, head: Partial<OpenHead> = {}): OpenHead {
  return {
    kind: "http",
    endpoint,
    method: "GET",
    scheme: "https",
    authority: "www.example.com",
    target: "/",
    fields: [],
    ...head,
  };
}

/** Sends a request and resolves with its final head. Rejects with `ResetError`. */
export function exchange(
  session: TunnelSession,
  head: OpenHead,
  requestBody?: AsyncIterable<Uint8Array>,
  requestTrailers: Fields = [],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const informational: ResponseHead[] = [];
    const body = new PassThrough();
    let answer: Answer | undefined;
    let writable: (() => void) | undefined;
    let ended = false;
    const stream = session.open(
      head,
      {
        onHead(responseHead) {
          if (responseHead.status < 200) return void informational.push(responseHead);
          answer = { head: responseHead, informational, body, trailers: [], stream: stream! };
          resolve(answer);
        },
        onData(chunk) {
          body.write(chunk, () => stream!.consumed(chunk.length));
        },
        onEnd(trailers) {
          ended = true;
          answer!.trailers = trailers;
          body.end();
        },
        onReset(reset) {
          reject(new ResetError(reset));
          // What is complete stays complete, even if its reader is slower than the end of the connection.
          if (answer && !ended) body.destroy(new ResetError(reset));
        },
        onWritable: () => writable?.(),
      },
      requestBody === undefined,
    );
    if (!stream) return reject(new Error("no room for a stream"));
    if (!requestBody) return;
    const send = async () => {
      for await (const chunk of requestBody) {
        for (let rest = chunk; rest.length > 0 && stream.open;) {
          rest = rest.subarray(stream.write(rest));
          if (rest.length > 0) await new Promise<void>((resume) => (writable = resume));
        }
      }
      stream.end(requestTrailers);
    };
    send().catch(reject);
  });
}

export async function text(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  body.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(body, "end");
  return Buffer.concat(chunks).toString("utf8");
}

/** A WebSocket through the tunnel, as the hub sees it: what arrived, in order. */
export type WebSocketEvent =
  | { readonly type: "head"; readonly head: ResponseHead }
  | { readonly type: "message"; readonly text: boolean; readonly data: Buffer }
  | { readonly type: "ping" | "pong"; readonly payload: string }
  | { readonly type: "close"; readonly code: number; readonly reason: string }
  | { readonly type: "reset"; readonly reset: StreamReset };

export interface TunnelledWebSocket {
  readonly stream: TunnelStream;
  readonly events: Journal<WebSocketEvent>;
  /** Sends a whole message, waiting for the window. */
  send(data: Uint8Array, text: boolean): Promise<void>;
}

export function openWebSocket(session: TunnelSession, head: OpenHead): TunnelledWebSocket {
  const events = new Journal<WebSocketEvent>();
  let pieces: Uint8Array[] = [];
  let writable: (() => void) | undefined;
  const stream = session.open(
    head,
    {
      onHead: (responseHead) => events.add({ type: "head", head: responseHead }),
      onMessage(chunk, { text, last }) {
        pieces.push(chunk);
        stream!.consumed(chunk.length);
        if (!last) return;
        events.add({ type: "message", text, data: Buffer.concat(pieces) });
        pieces = [];
      },
      onData: (chunk) => stream!.consumed(chunk.length),
      onPing: (payload) => events.add({ type: "ping", payload: Buffer.from(payload).toString() }),
      onPong: (payload) => events.add({ type: "pong", payload: Buffer.from(payload).toString() }),
      onClose: (code, reason) => events.add({ type: "close", code, reason }),
      onReset: (reset) => events.add({ type: "reset", reset }),
      onWritable: () => writable?.(),
    },
    false,
  );
  if (!stream) throw new Error("no room for a stream");
  // An open WebSocket would hold up the agent's drain at the end of the test.
  onTestFinished(() => stream.reset("cancelled"));
  return {
    stream,
    events,
    async send(data, text) {
      let rest = data.subarray(stream.writeMessage(data, { text, last: true }));
      while (rest.length > 0) {
        await new Promise<void>((resume) => (writable = resume));
        rest = rest.subarray(stream.writeMessage(rest, { text, last: true }));
      }
    },
  };
}
