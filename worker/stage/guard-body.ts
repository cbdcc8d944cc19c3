// Rule stage: a request body that breaks off, is malformed or comes too slowly is the client's doing. The
// client is told so, and no endpoint is blamed for it or takes the half that it got for a whole.
import { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";
import { contentLengthOf } from "../forward/copy-body.ts";
import type { Handler, RuleScope, Stage } from "./stage.ts";

export const guardBody: Stage<RuleScope> = (_scope, next) => (exchange) => {
  const { body, method, request, listener } = exchange;
  // A GET or HEAD with a body only passes as the request that it came in.
  if (method === "GET" || method === "HEAD" || !(body instanceof ReadableStream)) return next(exchange);
  const receivedMs = listener?.timeouts?.requestReceivedMs;
  const length = contentLengthOf(request);
  // The runtime holds a body to the length that it declares; only one in chunks can be malformed.
  if (length !== undefined && receivedMs === undefined) return next(exchange);
  return guarded(exchange, body, length, receivedMs, next);
};

async function guarded(
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
  receivedMs: number | undefined,
  next: Handler,
): Promise<Response> {
  const { readable, writable } =
    length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
  const breakOff = new AbortController();
  exchange.replacedBody = readable;
  exchange.bodySignal = breakOff.signal;
  const giveUp = (): void => breakOff.abort(new GatewayError("request_receive_timeout"));
  const timer = receivedMs === undefined ? null : setTimeout(giveUp, receivedMs);
  // Without `preventAbort`, `fetch` would end a chunked body in due form where it breaks off (workerd 1.20261102.1). What
  // the runtime says of the body is about the client's connection; an endpoint's failure reaches `next` before.
  const received = body.pipeTo(writable, { preventAbort: true }).then(
    () => clearTimeout(timer),
    (error: unknown) => breakOff.abort(new GatewayError("request_incomplete", String(error))),
  );
  exchange.lifetime.waitUntil(received);
  try {
    return await next(exchange);
  } finally {
    clearTimeout(timer);
  }
}
