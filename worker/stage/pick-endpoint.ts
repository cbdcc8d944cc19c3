// Backend stage: one endpoint, by the backend's load balancer.
import { GatewayError } from "#contract/error.ts";
import { hashText } from "#traffic/balance/hash-text.ts";
import type { Exchange } from "../exchange.ts";
import { isLong, watchBody } from "../forward/watch-body.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import type { BackendScope, Handler, Stage } from "./stage.ts";

export const pickEndpoint: Stage<BackendScope> = ({ backend }, next) => {
  if (backend.endpoints.length === 0) return noEndpoint;
  const { type } = backend.backend.loadBalancer;
  const byClient = type === "ConsistentHash";
  const attempt = type === "LeastRequest" ? busyUntilEnd : busyUntilHead;
  return (exchange) => {
    const nowMs = Date.now();
    const hashKey = byClient ? hashText(exchange.chain.clientAddress) : undefined;
    const index = backend.balancer.pick({ nowMs, hashKey, exclude: exchange.tried });
    const endpoint = backend.endpoints[index];
    if (!endpoint) throw new GatewayError("no_healthy_endpoint");
    exchange.endpointIndex = index;
    exchange.endpoint = endpoint;
    return attempt(backend, index, nowMs, next, exchange);
  };
};

function noEndpoint(): never {
  throw new GatewayError("no_endpoint");
}

/** Most balancers ask only how fast an endpoint answers, which is known once the head is there. */
async function busyUntilHead(
  { balancer }: BackendPlan,
  index: number,
  startedMs: number,
  next: Handler,
  exchange: Exchange,
): Promise<Response> {
  balancer.started(index);
  let failed = true;
  try {
    const response = await next(exchange);
    failed = response.status >= 500;
    return response;
  } finally {
    const nowMs = Date.now();
    balancer.ended(index, { nowMs, latencyMs: nowMs - startedMs, failed });
  }
}

/** Least request counts what is under way, so downloads and event streams count until they end. */
async function busyUntilEnd(
  { balancer }: BackendPlan,
  index: number,
  startedMs: number,
  next: Handler,
  exchange: Exchange,
): Promise<Response> {
  balancer.started(index);
  let latencyMs = 0;
  let failed = true;
  const ended = (): void => balancer.ended(index, { nowMs: Date.now(), latencyMs, failed });
  try {
    const response = await next(exchange);
    latencyMs = Date.now() - startedMs;
    failed = response.status >= 500;
    if (isLong(response)) return watchBody(response, exchange.lifetime, ended);
    ended();
    return response;
  } catch (error) {
    ended();
    throw error;
  }
}
