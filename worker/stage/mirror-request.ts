// Backend stage: RequestMirror. Copies go out beside the request and their answers are thrown away; whatever becomes of
// them, the client is neither delayed nor told. A body is copied while it passes to the endpoint, up to a bound.
import { limits } from "#contract/limits.ts";
import { type MirrorPlan, pickMirrors } from "#traffic/filter/mirror.ts";
import { evenDraws } from "#traffic/split/even-draws.ts";
import type { Exchange } from "../exchange.ts";
import { contentLengthOf, copyBody } from "../forward/copy-body.ts";
import { forward } from "./forward.ts";
import { pickEndpoint } from "./pick-endpoint.ts";
import { type BackendScope, compose, type Stage } from "./stage.ts";

/** Sends a copy; settles when its answer is there, and never rejects. */
type Send = (copy: Exchange) => Promise<void>;

interface Mirror {
  readonly send: Send;
}

export const mirrorRequest: Stage<BackendScope> = (scope, next) => {
  const { filters, backends, random } = scope;
  if (!filters.mirrors) return next;
  const mirrors = filters.mirrors
    .filter(({ backend }) => backends.has(backend))
    .map((plan) => ({ ...plan, send: mirrorTo(scope, plan) }));
  const draw = evenDraws(random());
  return (exchange) => {
    // A connection that is to be upgraded is no request that could be repeated elsewhere.
    if (exchange.header("upgrade") !== null) return next(exchange);
    const picked = pickMirrors(mirrors, draw);
    const { body } = exchange;
    if (picked.length === 0) return next(exchange);
    if (!(body instanceof ReadableStream)) send(exchange, picked, body ?? undefined);
    else copyThenSend(exchange, body, picked);
    return next(exchange);
  };
};

function mirrorTo(scope: BackendScope, { backend: name, hostname, target }: MirrorPlan): Send {
  const backend = scope.backends.get(name)!;
  const handler = compose([pickEndpoint, forward], { ...scope, filters: {}, backend });
  let underWay = 0;
  return async (copy) => {
    if (underWay >= limits.mirrorsUnderWay) return;
    underWay += 1;
    copy.backend = backend;
    if (hostname !== undefined) copy.upstreamAuthority = hostname;
    if (target) {
      const { path, query } = target(copy);
      copy.upstreamPath = path;
      copy.upstreamQuery = query;
    }
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

function send(exchange: Exchange, mirrors: readonly Mirror[], body: Uint8Array | undefined): void {
  for (const mirror of mirrors) {
    const copy = exchange.fork();
    if (body) copy.replacedBody = body;
    exchange.lifetime.waitUntil(mirror.send(copy));
  }
}

function copyThenSend(
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
  mirrors: readonly Mirror[],
): void {
  const { request, method } = exchange;
  const length = contentLengthOf(request);
  // A GET with a body only passes as the request that it came in.
  if (method === "GET" || method === "HEAD" || (length ?? 0) > limits.mirrorBodyBytes) return;
  const copied = copyBody(body, length, limits.mirrorBodyBytes);
  exchange.replacedBody = copied.body;
  // Forked now: the stages below change headers and path for their endpoint.
  const before = exchange.fork();
  const sent = copied.whole.then((whole) => whole && send(before, mirrors, whole));
  exchange.lifetime.waitUntil(sent);
}
