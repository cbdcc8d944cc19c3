// One stream of a tunnel connection as its user sees it: what to call, and what is called.
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { Fields, OpenHead, ResponseHead } from "#contract/tunnel/head.ts";

/** Why a stream ended early. */
export interface StreamReset {
  readonly code: ResetCode;
  /** For the log; may be empty. */
  readonly detail: string;
  /** True: nothing of the request can have reached an endpoint, so another attempt is safe for any method. */
  readonly safe: boolean;
}

/** Called by the session while it handles a received message, in the order of the wire. None may throw. */
export interface StreamHandlers {
  /** Opener only. An informational head (1xx but 101) may precede the final one. */
  onHead?(head: ResponseHead): void;
  /** A piece of the body, yours to keep. Return its credit with `stream.consumed(chunk.length)` once it is passed on. */
  onData?(chunk: Uint8Array): void;
  /** A piece of a WebSocket message; `last` ends the message. Return the credit with `stream.consumed(chunk.length)`. */
  onMessage?(chunk: Uint8Array, kind: { readonly text: boolean; readonly last: boolean }): void;
  /** WebSocket control frames; pings are not answered by the session. */
  onPing?(payload: Uint8Array): void;
  onPong?(payload: Uint8Array): void;
  /** The other side closed the WebSocket (code 1005: without a status). Ends its direction: no `onEnd` follows. */
  onClose?(code: number, reason: string): void;
  /** The body is complete; `trailers` is empty where there were none. */
  onEnd?(trailers: Fields): void;
  /** The stream is over before both directions ended. Called at most once, and never for a reset of one's own. */
  onReset(reset: StreamReset): void;
  /** `write` or `writeMessage` took less than it was given, and there is room again. */
  onWritable?(): void;
}

export interface TunnelStream {
  readonly id: number;
  readonly head: OpenHead;
  /** Answerer only: the response head, 1xx any number of times (at most 16), then one final. `end`: no body follows. */
  respond(head: ResponseHead, options?: { readonly end?: boolean }): void;
  /**
   * Sends what the windows allow of `chunk` and returns how many bytes that were; the bytes are copied, so the caller
   * may reuse the buffer. After less than `chunk.length`, `onWritable` is called once when there is room for the rest.
   */
  write(chunk: Uint8Array): number;
  /** As `write`, for (a piece of) a WebSocket message. `last`: the message ends with this piece. */
  writeMessage(chunk: Uint8Array, kind: { readonly text: boolean; readonly last: boolean }): number;
  ping(payload: Uint8Array): void;
  pong(payload: Uint8Array): void;
  /** Closes the WebSocket and this direction. Code 1005 stands for "no status". */
  close(code: number, reason: string): void;
  /** Ends this direction. */
  end(trailers?: Fields): void;
  /** Gives the stream up in both directions; no handler is called afterwards. */
  reset(code: ResetCode, detail?: string): void;
  /** Returns credit for received bytes that were passed on. */
  consumed(bytes: number): void;
  /** Bytes received and not yet `consumed`. */
  readonly unconsumedBytes: number;
  /** False once both directions ended or the stream was reset. */
  readonly open: boolean;
}
