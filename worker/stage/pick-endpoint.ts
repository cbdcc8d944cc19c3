// Backend stage: one endpoint, by the backend's load balancer.
import type { ConsistentHashPolicy } from "#contract/backend-policy.ts";
import { GatewayError } from "#contract/error.ts";
import { type BackendProtocol, speaksHttp2 } from "#contract/snapshot.ts";
import { compileHashKey } from "#traffic/balance/hash-type.ts";
import { httpStatusOfGrpc } from "#traffic/grpc/status.ts";
import type { Exchange } from "../exchange.ts";
import { isLong, watchBody } from "../forward/watch-body.ts";
import { resultOfError, resultOfStatus } from "#traffic/outlier/request-result.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import { clientKeyOf } from "./client-key.ts";
import { inPlace, type PickFor } from "./endpoint-place.ts";
import type { BackendScope, Handler, Stage } from "./stage.ts";

/** What nothing is said of. */
const addressHash: ConsistentHashPolicy = { type: "SourceIP" };

export const pickEndpoint: Stage<BackendScope> = ({ backend, rule }, next) => {
  if (backend.endpoints.length === 0) return noEndpoint;
  const { type, consistentHash = addressHash } = backend.backend.loadBalancer;
  const keyOf = type === "ConsistentHash" ? clientKeyOf(consistentHash) : undefined;
  const numberOf = compileHashKey(consistentHash);
  // A retry policy would rather have the same endpoint again than none; `redispatch` is only for other ones.
  const mayRepeat = rule.retry !== undefined;
  const attempt = type === "LeastRequest" ? busyUntilEnd : busyUntilHead;
  const pick: PickFor = (exchange, nowMs, full) => {
    const { bound, tried } = exchange;
    const passedOver = full && tried ? [...tried, ...full] : (full ?? tried);
    if (bound && !passedOver?.includes(bound.endpointIndex)) return bound.endpointIndex;
    const key = keyOf?.(exchange);
    const hashKey = key === undefined ? undefined : numberOf(key);
    const index = backend.balancer.pick({ nowMs, hashKey, exclude: passedOver });
    if (index >= 0 || !tried || !mayRepeat) return index;
    return backend.balancer.pick({ nowMs, hashKey, exclude: full });
  };
  const send = (exchange: Exchange, index: number, nowMs: number): Promise<Response> => {
    const endpoint = backend.endpoints[index];
    if (!endpoint) throw new GatewayError("no_healthy_endpoint");
    exchange.endpointIndex = index;
    exchange.endpoint = endpoint;
    return attempt(backend, index, nowMs, next, exchange);
  };
  const { places } = backend;
  if (places)
    return inPlace({ backend, places, pick, isHashed: (exchange) => keyOf?.(exchange) !== undefined }, send);
  return (exchange) => {
    const nowMs = Date.now();
    return send(exchange, pick(exchange, nowMs), nowMs);
  };
};

function noEndpoint(): never {
  throw new GatewayError("no_endpoint");
}

/** Most balancers ask only how fast an endpoint answers, which is known once the head is there. */
async function busyUntilHead(
  backend: BackendPlan,
  index: number,
  startedMs: number,
  next: Handler,
  exchange: Exchange,
): Promise<Response> {
  const {
    balancer,
    backend: { protocol },
  } = backend;
  balancer.started(index);
  let failed = true;
  try {
    const response = await next(exchange);
    const status = statusOf(response, protocol);
    failed = status >= 500;
    record(backend, index, status, startedMs, exchange);
    return response;
  } catch (error) {
    recordError(backend, index, error, startedMs, exchange);
    throw error;
  } finally {
    const nowMs = Date.now();
    balancer.ended(index, { nowMs, latencyMs: nowMs - startedMs, failed });
  }
}

/** A call of gRPC that fails at once says so beside a status of 200 (Envoy's outlier detection reads it likewise). */
function statusOf({ status, headers }: Response, protocol: BackendProtocol): number {
  const grpc = speaksHttp2(protocol) ? headers.get("grpc-status") : null;
  return grpc === null ? status : httpStatusOfGrpc(Number(grpc));
}

function record(
  { watch, errors, awaitNews }: BackendPlan,
  index: number,
  status: number,
  startedMs: number,
  { lifetime }: Exchange,
): void {
  if (!watch && !errors) return;
  const nowMs = Date.now();
  watch?.record(index, resultOfStatus(status), nowMs - startedMs, nowMs);
  if (errors?.answered(index, status, nowMs)) awaitNews(lifetime);
}

function recordError(
  { watch, errors, awaitNews }: BackendPlan,
  index: number,
  error: unknown,
  startedMs: number,
  { cancelled, lifetime }: Exchange,
): void {
  if ((!watch && !errors) || cancelled?.aborted || !(error instanceof GatewayError)) return;
  const result = resultOfError(error.code);
  const nowMs = Date.now();
  if (result) watch?.record(index, result, nowMs - startedMs, nowMs);
  if (errors?.failed(index, error.code, nowMs)) awaitNews(lifetime);
}

/** Least request counts what is under way, so downloads and event streams count until they end. */
async function busyUntilEnd(
  backend: BackendPlan,
  index: number,
  startedMs: number,
  next: Handler,
  exchange: Exchange,
): Promise<Response> {
  const {
    balancer,
    backend: { protocol },
  } = backend;
  balancer.started(index);
  let latencyMs = 0;
  let failed = true;
  const ended = (): void => balancer.ended(index, { nowMs: Date.now(), latencyMs, failed });
  try {
    const response = await next(exchange);
    latencyMs = Date.now() - startedMs;
    const status = statusOf(response, protocol);
    failed = status >= 500;
    record(backend, index, status, startedMs, exchange);
    if (isLong(response)) return watchBody(response, exchange.lifetime, { onEnd: ended });
    ended();
    return response;
  } catch (error) {
    recordError(backend, index, error, startedMs, exchange);
    ended();
    throw error;
  }
}
