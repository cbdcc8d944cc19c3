// A WebSocket of the `ws` package as the hub sees it.
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { frameInPlace } from "#contract/tunnel/web-socket-frame.ts";
import type { PeerSocket } from "#hub/peer-socket.ts";
import { transferred } from "./transfer-garbage.ts";

/**
 * What may wait for a peer that does not read. Windows keep data, heads and trailers far below; only one that provokes
 * answers which no window counts (acknowledgements, resets) and reads none comes here.
 */
const maxQueuedBytes = 16 * 1024 * 1024;

/** Completes handshakes; `maxMessageBytes` bounds what is put together before it is looked at. */
export class Upgrader {
  readonly #server: WebSocketServer;
  readonly #answers = new WeakMap<IncomingMessage, UpgradeAnswer>();

  constructor(maxMessageBytes: number) {
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      // The endpoint's choice, where there is one; never one of our own.
      handleProtocols: (_offered, request) => this.#answers.get(request)?.protocol ?? false,
    });
    this.#server.on("headers", (lines, request) => {
      for (const [name, value] of this.#answers.get(request)?.fields ?? []) lines.push(`${name}: ${value}`);
    });
  }

  /** Throws where the request is no handshake, or the client has gone. */
  accept(request: IncomingMessage, socket: Duplex, early: Buffer, answer?: UpgradeAnswer): PeerSocket {
    if (answer) this.#answers.set(request, answer);
    let accepted: WebSocket | undefined;
    this.#server.handleUpgrade(request, socket, early, (webSocket) => {
      accepted = webSocket;
    });
    if (!accepted) throw new Error("the WebSocket's handshake came to nothing");
    return peerSocket(accepted, socket);
  }
}

/** More of the answer with status 101; of characters that HTTP allows. */
export interface UpgradeAnswer {
  readonly protocol: string | undefined;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** `connection`: what is below `socket`, which writes whole frames there, and each at once. */
function peerSocket(socket: WebSocket, connection: Duplex): PeerSocket {
  const sent = (message: Uint8Array): void => {
    transferred(message.length);
    if (socket.bufferedAmount > maxQueuedBytes) socket.terminate();
  };
  return {
    listen({ onMessage, onClose, onError }) {
      socket
        .on("message", (data, isBinary) => onMessage(ownBytes(data as Buffer), !isBinary))
        .on("close", (code, reason) => onClose(code, reason.toString("utf8")))
        .on("error", onError);
    },
    send(message, left) {
      if (socket.readyState !== WebSocket.OPEN) return left?.();
      const frame = frameInPlace(message, false);
      if (frame) connection.write(frame, left);
      else socket.send(message, { binary: true }, left);
      sent(message);
    },
    pass(message, isText, passed) {
      if (isText && !isUtf8(message)) throw new TypeError("text that is not UTF-8");
      if (socket.readyState !== WebSocket.OPEN) return passed();
      socket.send(message, { binary: !isText }, passed);
      sent(message);
    },
    close: (code, reason) => socket.close(code, reason),
  };
}

/**
 * A small message must not keep all alive that was read from the kernel with it. No `Buffer`: its `slice`, which is how the
 * session takes bytes for itself, copies nothing.
 */
function ownBytes(message: Buffer): Uint8Array {
  transferred(message.length);
  const { buffer, byteOffset, length } = message;
  return 2 * length < buffer.byteLength
    ? new Uint8Array(message)
    : new Uint8Array(buffer, byteOffset, length);
}
