// Bounds a request's body: by what it declares, or else by counting while it streams.
import { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";
import type { Handler } from "../stage/stage.ts";

/**
 * Rejects with `request_too_large`: at once when the request declares too much, or as soon as too much has come. What an
 * endpoint has received of a longer body by then is broken off, not ended.
 */
export async function withBodyLimit(exchange: Exchange, maxBytes: number, next: Handler): Promise<Response> {
  const { body } = exchange;
  const declared = exchange.header("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(`declares ${declared} bytes`);
  // The runtime holds a body to the length that it declares.
  if (declared !== null || !(body instanceof ReadableStream)) return next(exchange);
  // A GET with a body only passes as the request that it came in, uncounted.
  if (exchange.method === "GET" || exchange.method === "HEAD") throw tooLarge("declares no length");
  const breakOff = new AbortController();
  let seenBytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      seenBytes += chunk.byteLength;
      if (seenBytes <= maxBytes) return controller.enqueue(chunk);
      breakOff.abort(tooLarge(`more than ${maxBytes} bytes`));
      // An error here would end a chunked body in due form, and half of it would pass for a whole (workerd
      // 1.20261102.1). Aborting the fetch breaks it off; until that is done nothing more may come.
      return new Promise(() => undefined);
    },
  });
  exchange.replacedBody = body.pipeThrough(counter);
  exchange.bodySignal = exchange.bodySignal
    ? AbortSignal.any([exchange.bodySignal, breakOff.signal])
    : breakOff.signal;
  try {
    return await next(exchange);
  } catch (error) {
    throw breakOff.signal.aborted ? breakOff.signal.reason : error;
  }
}

function tooLarge(detail: string): GatewayError {
  return new GatewayError("request_too_large", detail);
}
