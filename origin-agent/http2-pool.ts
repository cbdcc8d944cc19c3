// Connections of HTTP/2 to one endpoint: one for as many streams as it takes, another when it is full. One that says
// goodbye (GOAWAY) finishes what it has and gets nothing new.
import { connect, type ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { limits } from "#contract/limits.ts";
import { speaksTls } from "#contract/snapshot.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import { endpointHost } from "./endpoint-host.ts";

/** Runs once. An error says why there is no connection: nothing has been sent. */
export type SessionCallback = (error: Error | null, session?: ClientHttp2Session) => void;

/** An idle connection costs the pod something, too. */
const idleMs = 60_000;
/** All streams of a connection together; each has at most `limits.streamWindowBytes` of it. */
const connectionWindowBytes = 4 * 1024 * 1024;
/** MiB. The default of 10 would refuse streams beside forty slow readers; what they hold the tunnel's windows bound. */
const maxSessionMemory = 1_024;

export class Http2Pool {
  readonly #target: SliceEndpoint;
  readonly #dial: Dial;
  /** Streams that are open on each connection that takes new ones. */
  readonly #usable = new Map<ClientHttp2Session, number>();
  readonly #all = new Set<ClientHttp2Session>();
  /** Who waits for the connection that is being made. */
  #waiting: SessionCallback[] = [];

  constructor(target: SliceEndpoint, dial: Dial) {
    this.#target = target;
    this.#dial = dial;
  }

  /** Gives a connection for one stream; whoever opens it calls `opened`. */
  acquire(callback: SessionCallback): void {
    for (const [session, streams] of this.#usable) {
      if (session.closed || session.destroyed) continue;
      if (streams < (session.remoteSettings.maxConcurrentStreams ?? Infinity)) return callback(null, session);
    }
    if (this.#waiting.push(callback) > 1) return;
    this.#dial(dialTargetOf(this.#target), (error, socket) => {
      const waiting = this.#waiting;
      this.#waiting = [];
      const opened = error ?? this.#open(socket!);
      for (const take of waiting) {
        if (opened instanceof Error) take(opened);
        else take(null, opened);
      }
    });
  }

  /** A stream has been opened on the connection; `ended` at its end. */
  opened(session: ClientHttp2Session): void {
    this.#count(session, 1);
  }

  ended(session: ClientHttp2Session): void {
    this.#count(session, -1);
  }

  /** Streams that are open finish first. */
  close(): void {
    for (const session of this.#all) session.close();
    this.#usable.clear();
  }

  destroy(): void {
    for (const session of this.#all) session.destroy();
  }

  #count(session: ClientHttp2Session, change: 1 | -1): void {
    const streams = this.#usable.get(session);
    if (streams !== undefined) this.#usable.set(session, streams + change);
  }

  #open(socket: Socket): ClientHttp2Session | Error {
    const { endpoint, protocol } = this.#target;
    const secure = speaksTls(protocol);
    if (secure && (socket as TLSSocket).alpnProtocol !== "h2") {
      socket.destroy();
      return new Error("the endpoint does not offer HTTP/2 (ALPN h2)");
    }
    const origin = `${secure ? "https" : "http"}://${endpointHost(endpoint)}:${endpoint.port}`;
    const session = connect(origin, {
      createConnection: () => socket,
      maxSessionMemory,
      maxHeaderListPairs: limits.fieldsPerHead,
      settings: {
        enablePush: false,
        initialWindowSize: limits.streamWindowBytes,
        maxHeaderListSize: limits.headBytes,
      },
    });
    this.#usable.set(session, 0);
    this.#all.add(session);
    session.once("connect", () => session.setLocalWindowSize(connectionWindowBytes));
    session.setTimeout(idleMs, () => {
      if (this.#usable.get(session) === 0) session.close();
    });
    session.on("goaway", () => this.#usable.delete(session));
    // Each of its streams is told.
    session.on("error", () => this.#usable.delete(session));
    session.once("close", () => {
      this.#usable.delete(session);
      this.#all.delete(session);
    });
    return session;
  }
}
