// Backend stage: circuit breaker and load shedding. Refuses at once, before an endpoint is touched.
import { GatewayError } from "#contract/error.ts";
import type { CircuitBreaker, CircuitResource } from "#traffic/retry/circuit-breaker.ts";
import { isShed, priorityOf } from "#traffic/retry/load-shedding.ts";
import type { Exchange } from "../exchange.ts";
import { relayWebSocket } from "../forward/relay-web-socket.ts";
import { isLong, watchBody } from "../forward/watch-body.ts";
import type { BackendScope, Handler, Stage } from "./stage.ts";

export const limitLoad: Stage<BackendScope> = (scope, next) => breakCircuit(scope, shedLoad(scope, next));

const shedLoad: Stage<BackendScope> = ({ backend, random }, next) => {
  const policy = backend.backend.loadShedding;
  if (!policy) return next;
  const { load } = backend;
  const header = policy.header?.toLowerCase();
  return async (exchange) => {
    const named = header === undefined ? null : exchange.header(header);
    const priority = priorityOf(policy, named, exchange.chain.trusted);
    if (isShed(policy, priority, load.inFlight, random())) throw new GatewayError("load_shed", priority);
    load.inFlight += 1;
    return whileUnderWay(next, exchange, () => {
      load.inFlight -= 1;
    });
  };
};

const breakCircuit: Stage<BackendScope> = ({ backend }, next) => {
  const { breaker } = backend.load;
  if (!breaker) return next;
  return async (exchange) => {
    const upgrades = exchange.header("upgrade") !== null;
    const held = upgrades ? "connections" : "parallelRequests";
    acquire(breaker, held);
    try {
      acquire(breaker, "pendingRequests");
    } catch (error) {
      breaker.release(held);
      throw error;
    }
    const untilHead: Handler = async () => {
      try {
        return await next(exchange);
      } finally {
        breaker.release("pendingRequests");
      }
    };
    return whileUnderWay(untilHead, exchange, () => breaker.release(held));
  };
};

/** Throws `circuit_open`. */
function acquire(breaker: CircuitBreaker, resource: CircuitResource): void {
  if (!breaker.acquire(resource)) throw new GatewayError("circuit_open", resource);
}

/**
 * `ended` runs exactly once: when there is no response, at the end of its body (of a short one: once the head is there), or
 * when its WebSocket closes.
 */
async function whileUnderWay(next: Handler, exchange: Exchange, ended: () => void): Promise<Response> {
  let response: Response;
  try {
    response = await next(exchange);
  } catch (error) {
    ended();
    throw error;
  }
  if (response.webSocket) return relayWebSocket(response, ended);
  if (isLong(response)) return watchBody(response, exchange.lifetime, { onEnd: ended });
  ended();
  return response;
}
