// Joins a stream to a socket of Node: bytes in both directions at the reader's pace, half-close kept. The socket is named
// by what is used of it, so that agent and command line share this.
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { StreamHandlers, TunnelStream } from "./stream.ts";

/** Half-open sockets are asked for: `end` of one side must not end the other. */
export interface RelayedSocket {
  write(chunk: Uint8Array, written: () => void): unknown;
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  /** Breaks off, so that the other side is told by a reset. */
  resetAndDestroy(): unknown;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
}

export interface SocketRelayOptions {
  /** Of a reset that the socket's failure becomes. */
  readonly failure: ResetCode;
  /** Called once: with a code when the connection was broken off. */
  ended(code?: ResetCode, detail?: string): void;
}

export class SocketRelay {
  readonly #stream: TunnelStream;
  readonly #socket: RelayedSocket;
  readonly #options: SocketRelayOptions;
  #pending: Uint8Array | undefined;
  #socketEnded = false;
  #over = false;

  constructor(stream: TunnelStream, socket: RelayedSocket, options: SocketRelayOptions) {
    this.#stream = stream;
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (chunk) => {
      this.#pending = chunk;
      socket.pause();
      this.#pass();
    });
    socket.on("end", () => {
      // A paused socket says so, too, while the last of its bytes wait for the stream.
      this.#socketEnded = true;
      if (!this.#pending) stream.end();
    });
    socket.on("error", (error) => this.#finish(options.failure, error.message));
    socket.on("close", () => this.#finish());
  }

  /** For the stream, once it is answered. */
  get handlers(): Required<Pick<StreamHandlers, "onData" | "onEnd" | "onWritable" | "onReset">> {
    return {
      onData: (chunk) => this.receive(chunk),
      onEnd: () => void this.#socket.end(),
      onWritable: () => this.#pass(),
      onReset: ({ code, detail }) => {
        if (this.#over) return;
        this.#over = true;
        this.#socket.resetAndDestroy();
        this.#options.ended(code, detail);
      },
    };
  }

  /** Passes bytes on to the socket; their credit is returned when it has taken them. */
  receive(chunk: Uint8Array): void {
    this.#socket.write(chunk, () => {
      if (!this.#over) this.#stream.consumed(chunk.length);
    });
  }

  #pass(): void {
    if (!this.#pending) return;
    const taken = this.#stream.write(this.#pending);
    this.#pending = taken < this.#pending.length ? this.#pending.subarray(taken) : undefined;
    if (this.#pending) return;
    if (this.#socketEnded) this.#stream.end();
    else this.#socket.resume();
  }

  #finish(code?: ResetCode, detail?: string): void {
    if (this.#over) return;
    this.#over = true;
    if (code) this.#stream.reset(code, detail);
    this.#options.ended(code, detail);
  }
}
