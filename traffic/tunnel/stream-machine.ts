// State of one stream: which frames it may send and receive, its two windows, and when it is over.
import { resetCodeOf, resetTable } from "#contract/tunnel/code.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { Frame } from "#contract/tunnel/frame.ts";
import type { Fields, OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import { limits } from "#contract/limits.ts";
import type { ReceiveWindow } from "./receive-window.ts";
import type { StreamHandlers, TunnelStream } from "./stream.ts";

/** What a stream needs of its connection. */
export interface StreamPort {
  send(frame: Frame): void;
  /** Bytes of data that the connection's window takes now, of which the first few may overdraw it. */
  roomBytes(headStartBytes: number): number;
  /** Streams wait for their turn. */
  contended(): boolean;
  /** Calls `stream.takeTurn()` when the connection has room again. */
  waitForRoom(stream: StreamMachine): void;
  consumed(bytes: number): void;
  over(stream: StreamMachine): void;
}

export type StreamFrame = Extract<Frame, { stream: number }>;

/** Less than this is not worth a frame while more is to come, so a peer with tiny windows costs itself, not us. */
const leastFragmentBytes = 1_024;
const none = new Uint8Array(0);

export class StreamMachine implements TunnelStream {
  readonly id: number;
  readonly head: OpenHead;
  handlers: StreamHandlers;
  readonly #port: StreamPort;
  readonly #window: ReceiveWindow;
  readonly #opener: boolean;
  #sendCreditBytes: number;
  #headStartBytes: number = limits.headStartBytes;
  #localEnded: boolean;
  #remoteEnded: boolean;
  /** The final head has passed. */
  #answered = false;
  /** Status 101 has passed: messages instead of data. */
  #upgraded = false;
  #informationalHeads = 0;
  #short = false;
  #hasTurn = false;
  #over = false;

  constructor(options: {
    id: number;
    head: OpenHead;
    handlers: StreamHandlers;
    port: StreamPort;
    window: ReceiveWindow;
    opener: boolean;
    sendCreditBytes: number;
    ended: boolean;
  }) {
    this.id = options.id;
    this.head = options.head;
    this.handlers = options.handlers;
    this.#port = options.port;
    this.#window = options.window;
    this.#opener = options.opener;
    this.#sendCreditBytes = options.sendCreditBytes;
    this.#localEnded = options.opener && options.ended;
    this.#remoteEnded = !options.opener && options.ended;
  }

  get open(): boolean {
    return !this.#over;
  }

  get unconsumedBytes(): number {
    return this.#window.unconsumedBytes;
  }

  // --- sending ------------------------------------------------------------------------------------------------------

  respond(head: ResponseHead, options: { readonly end?: boolean } = {}): void {
    if (this.#over) return;
    const { status, fields } = head;
    const end = options.end === true;
    const final = status >= 200 || status === 101;
    if (this.#opener || this.#answered) throw new Error("a stream is answered once, by who did not open it");
    if (end && !final) throw new Error("an informational head ends nothing");
    if ((status === 101) !== (status === 101 && this.head.kind === "websocket")) {
      throw new Error("only a WebSocket stream is answered 101");
    }
    this.#port.send({ type: "head", stream: this.id, end, status, fields });
    this.#answered = final;
    this.#upgraded = status === 101;
    if (end) this.#endLocal();
  }

  write(chunk: Uint8Array): number {
    return this.#write(chunk, (bytes) => ({ type: "data", stream: this.id, end: false, bytes }));
  }

  writeMessage(chunk: Uint8Array, kind: { readonly text: boolean; readonly last: boolean }): number {
    const { text } = kind;
    if (chunk.length === 0) {
      if (!this.#over && !this.#localEnded && kind.last) {
        this.#port.send({ type: "message", stream: this.id, text, last: true, bytes: none });
      }
      return 0;
    }
    return this.#write(chunk, (bytes, whole) => ({
      type: "message",
      stream: this.id,
      text,
      last: kind.last && whole,
      bytes,
    }));
  }

  #write(chunk: Uint8Array, frame: (bytes: Uint8Array, whole: boolean) => Frame): number {
    // Over: the handler knows already, and what it writes no longer matters to anyone.
    if (this.#over || this.#localEnded) return chunk.length;
    let sentBytes = 0;
    while (sentBytes < chunk.length) {
      const restBytes = chunk.length - sentBytes;
      // A small body leaves with its head; the first piece of a long one would gain nothing by it.
      const headStartBytes = restBytes <= this.#headStartBytes ? restBytes : 0;
      if (this.#mustWait(headStartBytes)) break;
      const roomBytes = this.#port.roomBytes(headStartBytes);
      const bytes = Math.min(restBytes, this.#sendCreditBytes, roomBytes, limits.framePayloadBytes);
      if (bytes < restBytes && bytes < leastFragmentBytes) {
        this.#short = true;
        if (roomBytes <= this.#sendCreditBytes) this.#port.waitForRoom(this);
        break;
      }
      const end = sentBytes + bytes;
      this.#sendCreditBytes -= bytes;
      this.#headStartBytes = Math.max(0, this.#headStartBytes - bytes);
      this.#port.send(frame(chunk.subarray(sentBytes, end), end === chunk.length));
      this.#hasTurn = false;
      sentBytes = end;
    }
    return sentBytes;
  }

  /** While others wait, a turn is one frame, however its user cuts what it writes. */
  #mustWait(headStartBytes: number): boolean {
    if (headStartBytes > 0 || this.#hasTurn || !this.#port.contended()) return false;
    this.#short = true;
    this.#port.waitForRoom(this);
    return true;
  }

  /** There is room, and it is this stream's turn. */
  takeTurn(): void {
    this.#hasTurn = true;
    this.writable();
    this.#hasTurn = false;
  }

  /** There may be room again. */
  writable(): void {
    if (!this.#short || this.#over) return;
    this.#short = false;
    this.handlers.onWritable?.();
  }

  ping(payload: Uint8Array): void {
    this.#signal("ping", payload);
  }

  pong(payload: Uint8Array): void {
    this.#signal("pong", payload);
  }

  #signal(kind: "ping" | "pong", payload: Uint8Array): void {
    if (this.#over || this.#localEnded || !this.#upgraded) return;
    this.#port.send({ type: "signal", stream: this.id, kind, bytes: payload.subarray(0, 125) });
  }

  close(code: number, reason: string): void {
    if (this.#over || this.#localEnded || !this.#upgraded) return;
    this.#port.send({ type: "close", stream: this.id, code, reason });
    this.#endLocal();
  }

  end(trailers: Fields = []): void {
    if (this.#over || this.#localEnded) return;
    if (trailers.length > 0) {
      this.#port.send({ type: "trailers", stream: this.id, fields: trailers });
    } else {
      this.#port.send({ type: "data", stream: this.id, end: true, bytes: none });
    }
    this.#endLocal();
  }

  reset(code: ResetCode, detail = ""): void {
    if (this.#over) return;
    this.#port.send({ type: "reset", stream: this.id, code: resetTable[code].number, detail });
    this.#finish();
  }

  consumed(bytes: number): void {
    if (this.#over) return;
    const counted = Math.min(bytes, this.#window.unconsumedBytes);
    this.#port.consumed(counted);
    const creditBytes = this.#window.consumed(counted);
    if (creditBytes > 0 && !this.#remoteEnded) {
      this.#port.send({ type: "credit", stream: this.id, bytes: creditBytes });
    }
    this.#finishIfDone();
  }

  // --- receiving ----------------------------------------------------------------------------------------------------

  /** Handles a frame of this stream (all but OPEN). */
  receive(frame: StreamFrame): void {
    switch (frame.type) {
      case "credit":
        return this.#receiveCredit(frame.bytes);
      case "reset":
        return this.abort(resetCodeOf(frame.code), frame.detail);
      case "head":
        return this.#receiveHead(frame);
      default:
        return this.#receiveBody(frame);
    }
  }

  #receiveCredit(bytes: number): void {
    this.#sendCreditBytes += bytes;
    if (this.#sendCreditBytes > 0x7fff_ffff) return this.#violated("flow_control", "credit beyond 2^31-1");
    this.writable();
  }

  #receiveHead(frame: Extract<Frame, { type: "head" }>): void {
    const { status, fields, end } = frame;
    const final = status >= 200 || status === 101;
    if (!this.#opener || this.#answered || this.#remoteEnded) {
      return this.#violated("stream_state", "a head out of place");
    }
    if (final ? status === 101 && (this.head.kind !== "websocket" || end) : end) {
      return this.#violated("stream_state", `a head with status ${status} out of place`);
    }
    if (!final && ++this.#informationalHeads > limits.informationalHeads) {
      return this.#violated("stream_state", "too many informational heads");
    }
    this.#answered = final;
    this.#upgraded = status === 101;
    this.handlers.onHead?.({ status, fields });
    if (end) this.#endRemote([]);
  }

  #receiveBody(
    frame: Exclude<StreamFrame, { type: "credit" | "reset" | "head" | "open" }> | StreamFrame,
  ): void {
    if (this.#remoteEnded || (this.#opener && !this.#answered)) {
      return this.#violated("stream_state", `a ${frame.type} frame out of place`);
    }
    const forWebSocket = frame.type === "message" || frame.type === "signal" || frame.type === "close";
    if (forWebSocket !== this.#upgraded || (this.head.kind === "websocket" && !this.#answered)) {
      return this.#violated("stream_state", `a ${frame.type} frame that this kind of stream does not have`);
    }
    switch (frame.type) {
      case "data":
        if (!this.#take(frame.bytes.length)) return;
        if (frame.bytes.length > 0) this.handlers.onData?.(frame.bytes);
        if (frame.end) this.#endRemote([]);
        return;
      case "trailers":
        return this.#endRemote(frame.fields);
      case "message":
        if (!this.#take(frame.bytes.length)) return;
        return this.handlers.onMessage?.(frame.bytes, { text: frame.text, last: frame.last });
      case "signal":
        return frame.kind === "ping"
          ? this.handlers.onPing?.(frame.bytes)
          : this.handlers.onPong?.(frame.bytes);
      case "close":
        this.#remoteEnded = true;
        this.handlers.onClose?.(frame.code, frame.reason);
        return this.#finishIfDone();
      default:
        return this.#violated("stream_state", `a ${frame.type} frame out of place`);
    }
  }

  #take(bytes: number): boolean {
    if (this.#window.received(bytes)) {
      this.#port.consumed(-bytes);
      return true;
    }
    this.#violated("flow_control", `${bytes} bytes beyond the stream's window`);
    return false;
  }

  /** The stream is over, and not by a call of its user. */
  abort(code: ResetCode, detail: string, safe = resetTable[code].safe): void {
    if (this.#over) return;
    this.#finish();
    this.handlers.onReset({ code, detail, safe });
  }

  #violated(code: ResetCode, detail: string): void {
    this.#port.send({ type: "reset", stream: this.id, code: resetTable[code].number, detail });
    this.abort(code, detail, false);
  }

  // --- ending -------------------------------------------------------------------------------------------------------

  #endLocal(): void {
    this.#localEnded = true;
    this.#finishIfDone();
  }

  #endRemote(trailers: Fields): void {
    if (this.#over) return;
    this.#remoteEnded = true;
    this.handlers.onEnd?.(trailers);
    this.#finishIfDone();
  }

  /** A stream holds its place until its bytes were passed on, too: that is what bounds memory. */
  #finishIfDone(): void {
    if (this.#localEnded && this.#remoteEnded && this.#window.unconsumedBytes === 0) this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#port.consumed(this.#window.unconsumedBytes);
    this.#window.release();
    this.#port.over(this);
  }
}
