// Backend stage: `timeouts.streamIdle` of the rule. A response whose body stands still for so long breaks off.
import { withTimeLimit } from "../time-limit.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const limitIdle: Stage<BackendScope> = ({ rule }, next) => {
  const idleMs = rule.timeouts.streamIdleMs;
  if (idleMs === undefined) return next;
  return async (exchange) => {
    const response = await next(exchange);
    if (response.body === null || response.webSocket) return response;
    const length = response.headers.get("content-length");
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
    exchange.lifetime.waitUntil(pump(response.body, writable, idleMs));
    const { status, statusText, headers } = response;
    return new Response(readable, { status, statusText, headers, encodeBody: "manual" });
  };
};

/** Never rejects. Only the endpoint is timed: a client that reads slowly is no fault of it. */
async function pump(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  idleMs: number,
): Promise<void> {
  const reader = source.getReader();
  const writer = sink.getWriter();
  try {
    for (;;) {
      const { value, done } = await withTimeLimit(reader.read(), idleMs, () => {
        throw new Error(`no data for ${idleMs} ms`);
      });
      if (done) break;
      await writer.write(value);
    }
    await writer.close();
  } catch (error) {
    void writer.abort(error).catch(() => undefined);
    void reader.cancel(error).catch(() => undefined);
  }
}
