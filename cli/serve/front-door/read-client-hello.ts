// Reads how a client begins TLS, for what has to be known before a server is chosen for it.
import type { Socket } from "node:net";
import { type ClientHello, ClientHelloReader } from "#traffic/connection/client-hello.ts";

/**
 * Calls back once, with what was read. A connection that begins with no ClientHello, or not within `timeoutMs`, is
 * closed.
 */
export function readClientHello(
  socket: Socket,
  timeoutMs: number,
  found: (hello: ClientHello, start: Buffer) => void,
): void {
  const reader = new ClientHelloReader();
  const seen: Buffer[] = [];
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const forget = (): void => clearTimeout(timer);
  const giveUp = (): void => void socket.destroy();
  const onReadable = (): void => {
    for (;;) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen.push(chunk);
      const result = reader.push(chunk);
      if (result.type === "incomplete") continue;
      forget();
      socket.off("readable", onReadable).off("close", forget);
      if (result.type === "invalid") return giveUp();
      socket.off("error", giveUp);
      return found(result, Buffer.concat(seen));
    }
  };
  socket.once("close", forget).on("error", giveUp).on("readable", onReadable);
}
