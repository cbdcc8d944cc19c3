// A WebSocket of the runtime as the hub sees it.
import type { PeerSocket } from "#hub/peer-socket.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Accepts plainly (decision 0008). */
export function peerSocket(socket: WebSocket): PeerSocket {
  socket.binaryType = "arraybuffer";
  return {
    listen({ onMessage, onClose, onError }) {
      socket.accept();
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") onMessage(encoder.encode(data), true);
        else onMessage(new Uint8Array(data as ArrayBuffer), false);
      });
      socket.addEventListener("close", ({ code, reason }) => onClose(code, reason));
      socket.addEventListener("error", () => onError());
    },
    // Whether and when the runtime is done with the bytes it does not say, so they are never given back.
    send: (message) => socket.send(message),
    pass(message, isText, passed) {
      socket.send(isText ? decoder.decode(message) : message);
      passed();
    },
    close(code, reason) {
      try {
        socket.close(code, reason);
      } catch {
        // Closed already.
      }
    },
  };
}
