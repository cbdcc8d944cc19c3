// A request's body, kept so that it can be sent again: bounded, and only where another attempt is possible at all.
import { limits } from "#contract/limits.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import type { Exchange } from "../exchange.ts";
import { contentLengthOf } from "../forward/copy-body.ts";
import { ReplayBody } from "../forward/replay-body.ts";

/** For a call of gRPC, which has no length and may be a stream that never ends before its answer. */
export function streamedBody({ body, request }: Exchange): ReplayBody | undefined {
  if (!(body instanceof ReadableStream) || !grpcProtocolOf(request.headers.get("content-type")))
    return undefined;
  return new ReplayBody(body, limits.replayBodyBytes);
}

/** True when every attempt can send the whole body. Reads a short one in full first. */
export async function keepBody(exchange: Exchange): Promise<boolean> {
  const { body, method } = exchange;
  if (!(body instanceof ReadableStream)) return true;
  const length = contentLengthOf(exchange.request);
  if (length === undefined || length > limits.replayBodyBytes) return false;
  // `fetch` makes no GET or HEAD with a body; such a request passes once, as it came.
  if (method === "GET" || method === "HEAD") return false;
  exchange.replacedBody = new Uint8Array(await new Response(body).arrayBuffer());
  return true;
}
