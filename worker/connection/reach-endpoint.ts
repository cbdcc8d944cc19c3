// Connects to an endpoint of the picked backend, and to another one where that fails: no byte of the client has been
// sent by then, so nothing can happen twice.
import { counterName } from "#contract/counter-name.ts";
import { GatewayError } from "#contract/error.ts";
import type { PlacePicker } from "#traffic/balance/endpoint-queue.ts";
import { resultOfError } from "#traffic/outlier/request-result.ts";
import { asGatewayError } from "../report/error-response.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import type { Place } from "../plan/endpoint-places.ts";
import type { Connection } from "./connection.ts";
import type { DialEndpoint } from "./dial-endpoint.ts";

export interface ReachedEndpoint {
  readonly socket: Socket;
  /** The connection is over. Call it exactly once. */
  ended(failed: boolean): void;
}

/** Rejects with the first failure, when no attempt is left or no other endpoint can be had. */
export async function reachEndpoint(
  connection: Connection,
  backend: BackendPlan,
  dial: DialEndpoint,
): Promise<ReachedEndpoint> {
  const { rule, preferred } = connection.rule!;
  const own = preferred[connection.refIndex] ?? -1;
  if (backend.endpoints.length === 0) throw new GatewayError("no_endpoint");
  const { client } = connection;
  const hashKey = client && backend.hashAddress?.(client.address);
  const pick = (full: readonly number[] = []): number => {
    const exclude = [...connection.tried, ...full];
    if (own >= 0 && !exclude.includes(own) && backend.balancer.keepsSessions(own)) return own;
    return backend.balancer.pick({ nowMs: Date.now(), hashKey, exclude });
  };
  let failure: GatewayError | undefined;
  while (connection.tried.length < rule.maxConnectAttempts) {
    const place = await placeFor(
      connection,
      backend,
      { pick, ...(hashKey !== undefined && { bound: pick }) },
      failure,
    );
    const { index } = place;
    const endpoint = backend.endpoints[index];
    if (!endpoint) break;
    if (failure)
      connection.plan.counters.countEvent(counterName("retries_total", { backend: backend.backend.name }));
    connection.endpointIndex = index;
    connection.endpoint = endpoint;
    try {
      const { socket, ended } = await attempt(connection, backend, index, dial);
      return { socket, ended: (failed) => (ended(failed), place.leave()) };
    } catch (error) {
      place.leave();
      failure ??= asGatewayError(error);
      connection.tried = [...connection.tried, index];
    }
  }
  throw failure ?? new GatewayError("no_healthy_endpoint");
}

/** One that endpoints without bounds have always. */
async function placeFor(
  { lifetime }: Connection,
  { places }: BackendPlan,
  picker: PlacePicker,
  failure: GatewayError | undefined,
): Promise<Place> {
  if (!places) return { index: picker.pick([]), leave: () => undefined };
  try {
    return await places.enter(picker, lifetime);
  } catch (error) {
    throw failure ?? error;
  }
}

async function attempt(
  connection: Connection,
  backend: BackendPlan,
  index: number,
  dial: DialEndpoint,
): Promise<ReachedEndpoint> {
  const { balancer, watch, errors } = backend;
  const startedMs = Date.now();
  balancer.started(index);
  const ended = (latencyMs: number, failed: boolean): void =>
    balancer.ended(index, { nowMs: Date.now(), latencyMs, failed });
  try {
    const socket = await dial(connection, backend, backend.endpoints[index]!);
    const connectedMs = Date.now();
    watch?.record(index, "success", connectedMs - startedMs, connectedMs);
    errors?.connected(index);
    return { socket, ended: (failed) => ended(connectedMs - startedMs, failed) };
  } catch (error) {
    const nowMs = Date.now();
    const { code } = asGatewayError(error);
    const result = resultOfError(code);
    if (result) watch?.record(index, result, nowMs - startedMs, nowMs);
    if (errors?.failed(index, code, nowMs)) backend.awaitNews(connection.lifetime);
    ended(nowMs - startedMs, true);
    throw error;
  }
}
