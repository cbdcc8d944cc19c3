// The session machine: everything both ends of an authenticated tunnel connection do with frames. No I/O, no clock.
// The handshake comes before it (hub-handshake.ts, agent-handshake.ts) and yields the settings of both sides.
import { closeCodeOf, closeTable, resetTable, TunnelProtocolError } from "#contract/tunnel/code.ts";
import type { CloseCode, ResetCode } from "#contract/tunnel/code.ts";
import { chargedBytes, decodeMessage, maxStreamId } from "#contract/tunnel/frame.ts";
import type { Frame } from "#contract/tunnel/frame.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { limits } from "#contract/limits.ts";
import type { TunnelSettings } from "#contract/tunnel/settings.ts";
import { compactFrame } from "./compact-frame.ts";
import { ConnectionWindow } from "./connection-window.ts";
import { ControlAssembler, controlFrames } from "./control-assembler.ts";
import { Departure } from "./departure.ts";
import { defaultFlood, FloodGuard } from "./flood-guard.ts";
import type { FloodLimits } from "./flood-guard.ts";
import { KeepAlive } from "./keep-alive.ts";
import { Outbox, type SendMessage } from "./outbox.ts";
import { GrowthPool, ReceiveWindow } from "./receive-window.ts";
import { SessionTally } from "./session-tally.ts";
import { StreamMachine } from "./stream-machine.ts";
import type { StreamFrame, StreamPort } from "./stream-machine.ts";
import type { StreamHandlers, TunnelStream } from "./stream.ts";

export interface SessionOptions {
  /** The edge opens streams with odd ids, the agent with even ones. */
  readonly role: "edge" | "agent";
  /** What this side said in the handshake that it receives. */
  readonly local: TunnelSettings;
  /** What the other side said. */
  readonly remote: TunnelSettings;
  readonly send: SendMessage;
  /** Runs `flush` soon (`queueMicrotask`, `setImmediate`): frames written until then leave as one message. */
  schedule(flush: () => void): void;
  readonly handlers: SessionHandlers;
  /** How many costly frames the other side may send; default {@link defaultFlood}. */
  readonly flood?: FloodLimits;
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
  /** The session is over (either side). Close the WebSocket with `closeTable[code].number`. Called exactly once; all streams were reset before. */
  onClose(close: SessionClose): void;
}

export interface SessionClose {
  readonly code: CloseCode;
  readonly reason: string;
  /** True: this side closed. */
  readonly local: boolean;
}

const refusingHandlers: StreamHandlers = { onReset: () => {} };

export class TunnelSession {
  readonly tally = new SessionTally();
  readonly #options: SessionOptions;
  readonly #handlers: SessionHandlers;
  readonly #outbox: Outbox;
  readonly #window: ConnectionWindow;
  readonly #pool = new GrowthPool(limits.windowGrowthBytes);
  readonly #flood: FloodGuard;
  readonly #keepAlive: KeepAlive;
  readonly #control: ControlAssembler;
  readonly #streams = new Map<number, StreamMachine>();
  /** Streams that want to send and wait for the connection's window, in the order of their turns. */
  readonly #waiting = new Set<StreamMachine>();
  readonly #port: StreamPort;
  #message: Uint8Array = new Uint8Array(0);
  #nowMs: number;
  #openedStreams = 0;
  #acceptedStreams = 0;
  #lastOpened = 0;
  #lastAccepted = 0;
  #unconsumedBytes = 0;
  readonly #departure = new Departure();
  #drained = false;
  #closed = false;

  constructor(options: SessionOptions, nowMs: number) {
    this.#options = options;
    this.#handlers = options.handlers;
    this.#nowMs = nowMs;
    this.#outbox = new Outbox(options.send, (flush) => options.schedule(flush));
    this.#window = new ConnectionWindow(
      options.local.connectionWindowBytes,
      options.remote.connectionWindowBytes,
    );
    this.#flood = new FloodGuard(options.flood ?? defaultFlood, nowMs);
    this.#keepAlive = new KeepAlive(nowMs);
    this.#control = new ControlAssembler(options.local.maxControlBytes);
    this.#port = {
      send: (frame) => this.#send(frame),
      roomBytes: (headStartBytes) => this.#window.roomBytes(headStartBytes),
      contended: () => this.#waiting.size > 0,
      waitForRoom: (stream) => this.#waiting.add(stream),
      consumed: (bytes) => {
        this.#unconsumedBytes -= bytes;
      },
      over: (stream) => this.#over(stream),
    };
  }

  /** Open streams, both directions. */
  get streams(): number {
    return this.#streams.size;
  }

  /** No new stream can be opened: either side drains, or the session is over. */
  get draining(): boolean {
    return this.#departure.isClosedForStreams || this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Received and not yet consumed, over all streams. */
  get unconsumedBytes(): number {
    return this.#unconsumedBytes;
  }

  /** False: pings wait for an answer. */
  get responsive(): boolean {
    return !this.#keepAlive.isUnresponsive;
  }

  /** Smoothed; 0 before the first ping was answered. */
  get roundTripMs(): number {
    return this.#keepAlive.roundTripMs;
  }

  /** On the way to the other side, as far as its credit tells. */
  get inFlightBytes(): number {
    return this.#window.inFlightBytes;
  }

  // --- what this side does ------------------------------------------------------------------------------------------

  /**
   * Opens a stream; `undefined` when there is no room (stream limit, blocked connection, draining, closed). `ended`: it
   * has no body. Throws `RangeError` for a head that does not fit the protocol's limits.
   */
  open(head: OpenHead, handlers: StreamHandlers, ended: boolean): TunnelStream | undefined {
    const { role, local, remote } = this.#options;
    if (this.draining || this.#openedStreams >= remote.maxStreams || !this.#window.takesHeads())
      return undefined;
    const id = this.#lastOpened === 0 ? (role === "edge" ? 1 : 2) : this.#lastOpened + 2;
    if (id > maxStreamId) {
      this.drain("stream ids are used up");
      return undefined;
    }
    this.#send({ type: "open", stream: id, end: ended, head });
    this.#lastOpened = id;
    this.#openedStreams++;
    const stream = new StreamMachine({
      id,
      head,
      handlers,
      port: this.#port,
      window: new ReceiveWindow(local.initialWindowBytes, limits.streamWindowBytes, this.#pool),
      opener: true,
      sendCreditBytes: remote.initialWindowBytes,
      ended,
    });
    this.#streams.set(id, stream);
    return stream;
  }

  /** Sends a control message (JSON text). Throws `RangeError` beyond `remote.maxControlBytes`. */
  sendControl(text: string): void {
    if (this.#closed) return;
    const { maxControlBytes } = this.#options.remote;
    for (const frame of controlFrames(text, maxControlBytes)) this.#send(frame);
  }

  /** Call about once a second: sends pings and closes (`timeout`) a connection that fell silent. */
  tick(nowMs: number): void {
    if (this.#closed) return;
    this.#nowMs = nowMs;
    const due = this.#keepAlive.tick(nowMs, this.#streams.size > 0);
    if (due === "silent") this.close("timeout", "the other side answers no pings");
    else if (due !== undefined) this.#send({ type: "ping", ack: false, token: due });
  }

  /** No new streams in either direction from the moment the other side acknowledges; open streams go on. */
  drain(reason: string): void {
    if (!this.#closed && this.#departure.drain()) this.#announceDeparture(reason);
  }

  /**
   * Asks the other side to connect elsewhere. It opens no streams here any more; this side may until the other one, once
   * it has a connection to take their place, drains.
   */
  leave(reason: string): void {
    if (!this.#closed && this.#departure.leave()) this.#announceDeparture(reason);
  }

  /** Ends the session now: GO_AWAY with the code and the last stream taken up, then `onClose`. */
  close(code: CloseCode, reason: string): void {
    if (this.#closed) return;
    const { number } = closeTable[code];
    this.#send({ type: "goAway", ack: false, lastStream: this.#lastAccepted, code: number, reason });
    this.#outbox.flush();
    this.#end({ code, reason, local: true }, maxStreamId);
  }

  /** The transport is gone: resets every stream (`connection_lost`) and calls `onClose`. */
  lost(reason: string, code: CloseCode = "internal"): void {
    this.#end({ code, reason, local: false }, maxStreamId);
  }

  // --- what the other side does -------------------------------------------------------------------------------------

  /** Hands a received WebSocket message to the session. Never throws: a violation closes the session. */
  receive(message: Uint8Array, nowMs: number): void {
    if (this.#closed) return;
    this.#nowMs = nowMs;
    this.#message = message;
    this.#keepAlive.heard(nowMs);
    try {
      decodeMessage(message, this.#onFrame);
    } catch (error) {
      if (error instanceof TunnelProtocolError) this.close(error.code, error.message);
      else this.close("internal", String(error));
    }
  }

  readonly #onFrame = (frame: Frame, payloadBytes: number): void => {
    if (this.#closed) return;
    this.tally.received(frame, payloadBytes);
    const chargeBytes = chargedBytes(frame.type, payloadBytes);
    if (chargeBytes > 0) {
      const creditBytes = this.#window.received(chargeBytes);
      if (creditBytes > 0) this.#send({ type: "credit", stream: 0, bytes: creditBytes });
    }
    switch (frame.type) {
      case "ping":
        if (frame.ack) return this.#keepAlive.answered(frame.token, this.#nowMs);
        this.#charge("pings");
        return this.#send({ type: "ping", ack: true, token: frame.token });
      case "goAway":
        return this.#receiveGoAway(frame);
      case "control": {
        const text = this.#control.add(frame.bytes, frame.last);
        if (text === undefined) return;
        this.#charge("control messages");
        return this.#handlers.onControl(text);
      }
      case "ignored":
        return this.#charge("frames of unknown types");
      case "challenge":
      case "proof":
      case "ready":
      case "refused":
        throw new TunnelProtocolError("protocol_error", `a ${frame.type} frame after the handshake`);
      case "open":
        return this.#receiveOpen(frame);
      default:
        return this.#receiveStreamFrame(frame);
    }
  };

  #receiveGoAway(frame: Extract<Frame, { type: "goAway" }>): void {
    if (frame.ack) {
      this.#departure.acknowledged();
      return this.#checkDrained();
    }
    const code = closeCodeOf(frame.code);
    if (code !== "draining") return this.#end({ code, reason: frame.reason, local: false }, frame.lastStream);
    this.#charge("go-aways");
    const { number } = closeTable.draining;
    this.#send({ type: "goAway", ack: true, lastStream: this.#lastOpened, code: number, reason: "" });
    if (this.#departure.remoteDrains()) this.#handlers.onDraining?.(frame.reason);
  }

  #receiveOpen(frame: Extract<Frame, { type: "open" }>): void {
    const { stream: id, head, end } = frame;
    const fromEdge = id % 2 === 1;
    if (fromEdge === (this.#options.role === "edge") || id <= this.#lastAccepted) {
      throw new TunnelProtocolError("protocol_error", `stream ${id} cannot be opened by the other side`);
    }
    this.#lastAccepted = id;
    if (this.#acceptedStreams >= this.#options.local.maxStreams || this.#departure.isDrainAcknowledged) {
      return this.#refuse(id, "refused");
    }
    const { local, remote } = this.#options;
    const stream = new StreamMachine({
      id,
      head,
      handlers: refusingHandlers,
      port: this.#port,
      window: new ReceiveWindow(local.initialWindowBytes, limits.streamWindowBytes, this.#pool),
      opener: false,
      sendCreditBytes: remote.initialWindowBytes,
      ended: end,
    });
    this.#acceptedStreams++;
    this.#streams.set(id, stream);
    const handlers = this.#handlers.onStream(stream, head, end);
    if (typeof handlers !== "string") stream.handlers = handlers;
    else if (stream.open) {
      stream.reset(handlers);
      this.#charge("streams that were refused");
    }
  }

  #refuse(id: number, code: ResetCode): void {
    this.#charge("streams that were refused");
    this.#send({ type: "reset", stream: id, code: resetTable[code].number, detail: "" });
  }

  #receiveStreamFrame(frame: StreamFrame | Extract<Frame, { type: "credit" }>): void {
    if (frame.type === "credit" && frame.stream === 0) return this.#receiveConnectionCredit(frame.bytes);
    const stream = this.#streams.get(frame.stream);
    if (stream) {
      if (frame.type === "reset" && !this.#isOwn(frame.stream)) this.#charge("resets");
      return stream.receive(compactFrame(frame, this.#message));
    }
    // A stream that is over here: the other side had not heard of it yet. One that never was: it is confused.
    const last = this.#isOwn(frame.stream) ? this.#lastOpened : this.#lastAccepted;
    if (frame.stream > last) {
      throw new TunnelProtocolError(
        "protocol_error",
        `a ${frame.type} frame for stream ${frame.stream} that is not open`,
      );
    }
  }

  #receiveConnectionCredit(bytes: number): void {
    this.#window.credited(bytes);
    while (this.#waiting.size > 0 && this.#window.roomBytes(0) > 0) {
      const [stream] = this.#waiting;
      this.#waiting.delete(stream!);
      stream!.takeTurn();
    }
  }

  #isOwn(id: number): boolean {
    return (id % 2 === 1) === (this.#options.role === "edge");
  }

  // --- shared -------------------------------------------------------------------------------------------------------

  #send(frame: Frame): void {
    if (this.#closed) return;
    const payloadBytes = this.#outbox.write(frame);
    this.tally.sent(frame, payloadBytes);
    this.#window.sent(chargedBytes(frame.type, payloadBytes));
  }

  #announceDeparture(reason: string): void {
    const { number } = closeTable.draining;
    this.#send({ type: "goAway", ack: false, lastStream: maxStreamId, code: number, reason });
  }

  #charge(what: string): void {
    if (!this.#flood.charge(this.#nowMs)) throw new TunnelProtocolError("flood", `too many ${what}`);
  }

  #over(stream: StreamMachine): void {
    this.#waiting.delete(stream);
    if (!this.#streams.delete(stream.id)) return;
    if (this.#isOwn(stream.id)) this.#openedStreams--;
    else this.#acceptedStreams--;
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (!this.#departure.isDrainAcknowledged || this.#streams.size > 0 || this.#drained || this.#closed)
      return;
    this.#drained = true;
    this.#outbox.flush();
    this.#handlers.onDrained?.();
  }

  /** `lastTaken`: streams of ours above it were never looked at by the other side. */
  #end(close: SessionClose, lastTaken: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.tally.ended(this.#streams.size);
    for (const stream of this.#streams.values()) {
      const safe = this.#isOwn(stream.id) && stream.id > lastTaken;
      stream.abort("connection_lost", close.reason, safe);
    }
    this.#waiting.clear();
    this.#handlers.onClose(close);
  }
}
