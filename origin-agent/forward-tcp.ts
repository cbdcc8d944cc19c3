// One raw TCP stream to an endpoint: bytes in both directions, half-close kept.
import type { Socket } from "node:net";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { AgentError, systemCode } from "./agent-error.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import type { ExchangeEnded } from "./forward-http.ts";

export function forwardTcp(
  stream: TunnelStream,
  { endpoint, protocol }: SliceEndpoint,
  dial: Dial,
  onEnded: ExchangeEnded,
): StreamHandlers {
  /** What the client sent before the endpoint was connected; bounded by the stream's window. */
  const early: Uint8Array[] = [];
  let endpointSocket: Socket | undefined;
  let clientEnded = false;
  let endpointEnded = false;
  let pending: Buffer | undefined;
  let over = false;

  const finish = (code?: ResetCode, detail?: string) => {
    if (over) return;
    over = true;
    if (code) stream.reset(code, detail);
    onEnded(code, detail);
  };
  const forward = (socket: Socket, chunk: Uint8Array) =>
    socket.write(chunk, () => {
      if (!over) stream.consumed(chunk.length);
    });
  const flush = () => {
    if (!pending || !endpointSocket) return;
    const taken = stream.write(pending);
    pending = taken < pending.length ? pending.subarray(taken) : undefined;
    if (pending) return;
    if (endpointEnded) stream.end();
    else endpointSocket.resume();
  };
  const connected = (socket: Socket) => {
    endpointSocket = socket;
    stream.respond({ status: 200, fields: [] });
    for (const chunk of early.splice(0)) forward(socket, chunk);
    if (clientEnded) socket.end();
    socket
      .on("data", (chunk) => {
        pending = chunk;
        socket.pause();
        flush();
      })
      .on("end", () => {
        // A paused socket says so, too, while the last of its bytes wait for the stream.
        endpointEnded = true;
        if (!pending) stream.end();
      })
      .on("error", (error) => finish("endpoint_reset", error.message))
      .on("close", () => finish());
  };

  dial({ address: endpoint.address, port: endpoint.port, protocol, halfOpen: true }, (error, socket) => {
    if (over) return void socket?.destroy();
    if (socket) return connected(socket);
    finish(dialFailure(error), `${systemCode(error) ?? "error"}: ${error?.message ?? ""}`);
  });

  return {
    onData(chunk) {
      if (endpointSocket) forward(endpointSocket, chunk);
      else early.push(chunk);
    },
    onEnd() {
      clientEnded = true;
      endpointSocket?.end();
    },
    onWritable: flush,
    onReset({ code }) {
      over = true;
      endpointSocket?.resetAndDestroy();
      onEnded(code);
    },
  };
}

function dialFailure(error: Error | null): ResetCode {
  const isRefused = error instanceof AgentError && error.code === "dial_refused";
  return isRefused ? "endpoint_not_allowed" : "connect_failed";
}
