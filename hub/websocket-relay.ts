// Carries a WebSocket between the client and a stream. A runtime may have whole messages only, and no backpressure on either
// side of a WebSocket, so both directions are bounded here: by the longest message, and by what may wait for a slow endpoint.
import { limits } from "#contract/limits.ts";
import type { StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import type { PeerSocket } from "./peer-socket.ts";

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly text: boolean;
}

/** RFC 6455 §7.4.1: codes that an endpoint may put into a close frame. */
function isSendable(code: number): boolean {
  return (
    (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code))
  );
}

export class WebSocketRelay {
  readonly #stream: TunnelStream;
  readonly #socket: PeerSocket;
  readonly #onEnd: () => void;
  readonly #outgoing: Outgoing[] = [];
  /** Of the first of `#outgoing`. */
  #sentBytes = 0;
  #outgoingBytes = 0;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  /** Messages on their way to the client. While there are any, credit for those behind them is held back. */
  #passing = 0;
  #heldBytes = 0;

  /** `onEnd` runs when the client's side is closed, perhaps more than once. */
  constructor(stream: TunnelStream, socket: PeerSocket, onEnd: () => void) {
    this.#stream = stream;
    this.#socket = socket;
    this.#onEnd = onEnd;
    socket.listen({
      onMessage: (message, isText) => this.#fromClient(message, isText),
      onClose: (code, reason) => this.#clientClosed(code, reason),
      onError: () => {
        onEnd();
        stream.reset("cancelled", "the client's WebSocket broke");
      },
    });
  }

  // --- client -> endpoint -------------------------------------------------------------------------------------------

  #fromClient(bytes: Uint8Array, text: boolean): void {
    if (!this.#stream.open || this.#closing) return;
    if (this.#outgoingBytes + bytes.length > limits.webSocketBacklogBytes) {
      this.#stream.reset("cancelled", "the client sends faster than the endpoint reads");
      this.#socket.close(1013, "the endpoint reads too slowly");
      return;
    }
    this.#outgoing.push({ bytes, text });
    this.#outgoingBytes += bytes.length;
    if (this.#outgoing.length === 1) this.writable();
  }

  #clientClosed(code: number, reason: string): void {
    this.#onEnd();
    if (code === 1006) return this.#stream.reset("cancelled", "the client's WebSocket broke");
    this.#closing = { code: isSendable(code) ? code : 1005, reason };
    if (this.#outgoing.length === 0) this.#stream.close(this.#closing.code, reason);
  }

  /** The stream takes more. */
  writable(): void {
    for (;;) {
      const next = this.#outgoing[0];
      if (!next) break;
      const rest = next.bytes.subarray(this.#sentBytes);
      const sentBytes = this.#stream.writeMessage(rest, { text: next.text, last: true });
      this.#outgoingBytes -= sentBytes;
      if (sentBytes < rest.length) {
        this.#sentBytes += sentBytes;
        return;
      }
      this.#sentBytes = 0;
      this.#outgoing.shift();
    }
    if (this.#closing) this.#stream.close(this.#closing.code, this.#closing.reason);
  }

  // --- endpoint -> client -------------------------------------------------------------------------------------------

  /** A piece of a message from the endpoint. */
  receive(chunk: Uint8Array, kind: { readonly text: boolean; readonly last: boolean }): void {
    this.#heldBytes += chunk.length;
    this.#returnCredit();
    this.#piecesBytes += chunk.length;
    if (this.#piecesBytes > limits.webSocketMessageBytes) {
      this.#stream.reset("message_too_large", `more than ${limits.webSocketMessageBytes} bytes`);
      this.#close(1009, "message too large");
      return;
    }
    this.#pieces.push(chunk);
    if (!kind.last) return;
    const whole = this.#take();
    this.#passing += 1;
    try {
      this.#socket.pass(whole, kind.text, () => {
        this.#passing -= 1;
        this.#returnCredit();
      });
    } catch {
      // Not UTF-8, or the client is gone; either way this WebSocket is over.
      this.#stream.reset("cancelled", "a message could not be passed on");
      this.#close(1007, "");
    }
  }

  #returnCredit(): void {
    if (this.#passing > 0 || this.#heldBytes === 0) return;
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    this.#stream.consumed(bytes);
  }

  #take(): Uint8Array {
    const pieces = this.#pieces;
    const totalBytes = this.#piecesBytes;
    this.#pieces = [];
    this.#piecesBytes = 0;
    if (pieces.length === 1) return pieces[0]!.slice();
    const whole = new Uint8Array(totalBytes);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** This side ends: the client hears why, the endpoint that its peer goes away. */
  leave(code: number, reason: string): void {
    this.#stream.close(1001, reason);
    this.#close(code, reason);
  }

  /** The endpoint closed. */
  closed(code: number, reason: string): void {
    this.#close(code, reason);
  }

  /** The stream is over: 1012 (service restart) asks the client to connect again, 1011 says that the endpoint failed. */
  fail(reset: StreamReset): void {
    this.#close(reset.code === "connection_lost" ? 1012 : 1011, reset.code);
  }

  #close(code: number, reason: string): void {
    this.#onEnd();
    if (isSendable(code)) this.#socket.close(code, reason);
    else this.#socket.close();
  }
}
