// The session machine: everything both ends of an authenticated tunnel connection do with frames. No I/O, no clock.
// The handshake comes before it (hub-handshake.ts, agent-handshake.ts) and yields the settings of both sides.
import type { CloseCode, ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { TunnelSettings } from "#contract/tunnel/settings.ts";
import type { StreamHandlers, TunnelStream } from "./stream.ts";

export interface SessionOptions {
  /** The edge opens streams with odd ids, the agent with even ones. */
  readonly role: "edge" | "agent";
  /** What this side said in the handshake that it receives. */
  readonly local: TunnelSettings;
  /** What the other side said. */
  readonly remote: TunnelSettings;
  /** Sends one WebSocket message; the bytes are the callee's to keep. */
  send(message: Uint8Array): void;
  /** Runs `flush` soon (`queueMicrotask`, `setImmediate`): frames written until then leave as one message. */
  schedule(flush: () => void): void;
  readonly handlers: SessionHandlers;
}

export interface SessionHandlers {
  /** The other side opened a stream: the handlers that serve it, or the code to reset it with. `ended`: it has no body. */
  onStream(stream: TunnelStream, head: OpenHead, ended: boolean): StreamHandlers | ResetCode;
  /** A control message: JSON text, whole, at most `local.maxControlBytes`; `contract/tunnel/control-message.ts` parses it. */
  onControl(text: string): void;
  /** The other side drains: no stream can be opened any more; those that are open go on. Acknowledged by the session. */
  onDraining?(reason: string): void;
  /** After `drain()`: the other side acknowledged and every stream is finished. Close the WebSocket now (1000). */
  onDrained?(): void;
  /** Round-trip time of a ping sent by `tick`. */
  onPong?(roundTripMs: number): void;
  /** The session is over (either side). Close the WebSocket with `closeTable[code].number`. Called exactly once; all streams were reset before. */
  onClose(close: { readonly code: CloseCode; readonly reason: string; readonly local: boolean }): void;
}

/** Ping and silence limits of `tick`. */
export const keepAlive = { pingIntervalMs: 5_000, silenceMs: 15_000 } as const;

export declare class TunnelSession {
  constructor(options: SessionOptions, nowMs: number);
  /** Hands a received WebSocket message to the session. Never throws: a violation closes the session. */
  receive(message: Uint8Array, nowMs: number): void;
  /** Opens a stream; `undefined` when there is no room (stream limit, blocked connection, draining, closed). `ended`: it has no body. */
  open(head: OpenHead, handlers: StreamHandlers, ended: boolean): TunnelStream | undefined;
  /** Sends a control message (JSON text). Throws `RangeError` beyond `remote.maxControlBytes`. */
  sendControl(text: string): void;
  /** Call about once a second: sends pings and closes (`timeout`) a connection that fell silent. */
  tick(nowMs: number): void;
  /** No new streams in either direction from the moment the other side acknowledges; open streams go on. */
  drain(reason: string): void;
  /** Ends the session now: GO_AWAY with the code and the last stream taken up, then `onClose`. */
  close(code: CloseCode, reason: string): void;
  /** The transport is gone: resets every stream (`connection_lost`) and calls `onClose`. */
  lost(reason: string): void;
  /** Open streams, both directions. */
  readonly streams: number;
  readonly draining: boolean;
  readonly closed: boolean;
  /** Received and not yet consumed, over all streams. */
  readonly unconsumedBytes: number;
  /** On the way to the other side, as far as its credit tells. */
  readonly inFlightBytes: number;
}
