// Part of the stage that picks an endpoint: where endpoints have bounds, a request waits for a place at one (decision 0029).
import { GatewayError } from "#contract/error.ts";
import type { PlacePicker } from "#traffic/balance/endpoint-queue.ts";
import type { Exchange } from "../exchange.ts";
import { relayWebSocket } from "../forward/relay-web-socket.ts";
import { watchBody } from "../forward/watch-body.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import type { EndpointPlaces } from "../plan/endpoint-places.ts";
import type { Handler } from "./stage.ts";

/** Index of an endpoint that is none of `full`; -1: there is none. */
export type PickFor = (exchange: Exchange, nowMs: number, full?: readonly number[]) => number;

interface PlaceScope {
  readonly backend: BackendPlan;
  readonly places: EndpointPlaces;
  readonly pick: PickFor;
  /** Whether the client is bound to an endpoint by a hash. */
  readonly isHashed: (exchange: Exchange) => boolean;
}

type Send = (exchange: Exchange, index: number, nowMs: number) => Promise<Response>;

export function inPlace(scope: PlaceScope, send: Send): Handler {
  return (exchange) => {
    const answered = answerInPlace(scope, exchange, send);
    // A client that leaves ends its request with everything that waits for it, and nobody would give the place back.
    exchange.lifetime.waitUntil(answered.catch(() => undefined));
    return answered;
  };
}

async function answerInPlace(
  { places, ...scope }: PlaceScope,
  exchange: Exchange,
  send: Send,
): Promise<Response> {
  const { signal } = exchange.request;
  const { index, leave } = await places.enter(pickerOf(scope, exchange), exchange.lifetime, signal);
  let response: Response;
  try {
    if (signal.aborted) throw new GatewayError("queue_timeout", "the client has left");
    response = await send(exchange, index, Date.now());
  } catch (error) {
    leave();
    throw error;
  }
  if (response.webSocket) return relayWebSocket(response, leave);
  if (signal.aborted) void response.body?.cancel().catch(() => undefined);
  return watchBody(response, exchange.lifetime, { onEnd: leave });
}

function pickerOf(
  { backend: { balancer }, pick, isHashed }: Omit<PlaceScope, "places">,
  exchange: Exchange,
): PlacePicker {
  const { bound, tried } = exchange;
  const own = bound && !tried?.includes(bound.endpointIndex) ? bound.endpointIndex : -1;
  const anyOf = (full: readonly number[]): number => pick(exchange, Date.now(), full);
  if (own >= 0) return { pick: anyOf, bound: () => (balancer.keepsSessions(own) ? own : -1), mayMove: true };
  return isHashed(exchange) ? { pick: anyOf, bound: () => pick(exchange, Date.now()) } : { pick: anyOf };
}
