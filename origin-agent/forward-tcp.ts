// One raw TCP stream to an endpoint: bytes in both directions, half-close kept.
import type { Socket } from "node:net";
import type { ResetCode } from "#contract/tunnel/code.ts";
import { SocketRelay } from "#traffic/tunnel/socket-relay.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { connectFailure } from "./connect-failure.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import type { ExchangeEnded } from "./endpoint-answer.ts";

export function forwardTcp(
  stream: TunnelStream,
  target: SliceEndpoint,
  dial: Dial,
  onEnded: ExchangeEnded,
): StreamHandlers {
  /** What the client sent before the endpoint was connected; bounded by the stream's window. */
  const early: Uint8Array[] = [];
  let handlers: SocketRelay["handlers"] | undefined;
  let clientEnded = false;
  let over = false;

  const finish = (code?: ResetCode, detail?: string) => {
    if (over) return;
    over = true;
    onEnded(code, detail);
  };
  const connected = (socket: Socket) => {
    stream.respond({ status: 200, fields: [] });
    ({ handlers } = new SocketRelay(stream, socket, { failure: "endpoint_reset", ended: finish }));
    for (const chunk of early.splice(0)) handlers.onData(chunk);
    if (clientEnded) handlers.onEnd([]);
  };

  dial({ ...dialTargetOf(target), halfOpen: true }, (error, socket) => {
    if (over) return void socket?.destroy();
    if (socket) return connected(socket);
    const code = connectFailure(error);
    const detail = `${systemCode(error) ?? "error"}: ${error?.message ?? ""}`;
    stream.reset(code, detail);
    finish(code, detail);
  });

  return {
    onData(chunk) {
      if (handlers) handlers.onData(chunk);
      else early.push(chunk);
    },
    onEnd() {
      clientEnded = true;
      handlers?.onEnd([]);
    },
    onWritable: () => handlers?.onWritable(),
    onReset(reset) {
      if (handlers) handlers.onReset(reset);
      else finish(reset.code);
    },
  };
}
