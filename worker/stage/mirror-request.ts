// Backend stage: RequestMirror. Copies go out beside the request and their answers are thrown away; whatever becomes of
// them, the client is neither delayed nor told. A body is copied while it passes to the endpoint, up to a bound.
import { limits } from "#contract/limits.ts";
import { pickMirrors } from "#traffic/filter/mirror.ts";
import { evenDraws } from "#traffic/split/even-draws.ts";
import type { Exchange } from "../exchange.ts";
import { contentLengthOf, copyBody } from "../forward/copy-body.ts";
import { forward } from "./forward.ts";
import { pickEndpoint } from "./pick-endpoint.ts";
import { type BackendScope, compose, type Stage } from "./stage.ts";

/** Sends a copy; settles when its answer is there, and never rejects. */
type Mirror = (copy: Exchange) => Promise<void>;

export const mirrorRequest: Stage<BackendScope> = (scope, next) => {
  const { filters, backends, random } = scope;
  if (!filters.mirrors) return next;
  const plans = filters.mirrors.filter(({ backend }) => backends.has(backend));
  const senders = new Map(plans.map(({ backend }) => [backend, mirrorTo(scope, backend)]));
  const draw = evenDraws(random());
  return (exchange) => {
    // A connection that is to be upgraded is no request that could be repeated elsewhere.
    if (exchange.header("upgrade") !== null) return next(exchange);
    const picked = pickMirrors(plans, draw);
    const { body } = exchange;
    if (picked.length === 0) return next(exchange);
    if (!(body instanceof ReadableStream)) send(exchange, picked, senders, body ?? undefined);
    else copyThenSend(exchange, body, picked, senders);
    return next(exchange);
  };
};

function mirrorTo(scope: BackendScope, name: string): Mirror {
  const backend = scope.backends.get(name)!;
  const handler = compose([pickEndpoint, forward], { ...scope, filters: {}, backend });
  let underWay = 0;
  return async (copy) => {
    if (underWay >= limits.mirrorsUnderWay) return;
    underWay += 1;
    copy.backend = backend;
    copy.informs = false;
    copy.signal = AbortSignal.timeout(limits.mirrorTimeoutMs);
    try {
      const response = await handler(copy);
      await response.body?.cancel();
    } catch {
      // Nobody waits for it.
    } finally {
      underWay -= 1;
    }
  };
}

function send(
  exchange: Exchange,
  names: readonly string[],
  senders: ReadonlyMap<string, Mirror>,
  body: Uint8Array | undefined,
): void {
  for (const name of names) {
    const copy = exchange.fork();
    if (body) copy.replacedBody = body;
    exchange.lifetime.waitUntil(senders.get(name)!(copy));
  }
}

function copyThenSend(
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
  names: readonly string[],
  senders: ReadonlyMap<string, Mirror>,
): void {
  const { request, method } = exchange;
  const length = contentLengthOf(request);
  // A GET with a body only passes as the request that it came in.
  if (method === "GET" || method === "HEAD" || (length ?? 0) > limits.mirrorBodyBytes) return;
  const copied = copyBody(body, length, limits.mirrorBodyBytes);
  exchange.replacedBody = copied.body;
  // Forked now: the stages below change headers and path for their endpoint.
  const before = exchange.fork();
  const sent = copied.whole.then((whole) => whole && send(before, names, senders, whole));
  exchange.lifetime.waitUntil(sent);
}
