// Connections of a backend that closes them when their endpoint goes down: each looks at its own endpoint.
import { GatewayError } from "#contract/error.ts";
import { endpointKey } from "#contract/snapshot.ts";
import type { Isolate } from "../state/isolate.ts";
import type { Connection } from "./connection.ts";

/** As often as gateways hear of the region. */
const lookMs = 1_000;

export interface WatchedEndpoint {
  /** Rejects with `endpoint_down`. */
  readonly down: Promise<never>;
  stop(): void;
}

/** `undefined`: what is under way goes on, whatever becomes of the endpoint. */
export function watchEndpoint(
  { backend, endpoint, lifetime }: Connection,
  isolate: Isolate,
): WatchedEndpoint | undefined {
  if (!backend?.backend.healthCheck.closeConnectionsOnFailure || !endpoint) return undefined;
  const key = endpointKey(backend.backend.name, endpoint.endpoint.id);
  const { promise: down, reject } = Promise.withResolvers<never>();
  down.catch(() => undefined);
  const look = (): void => {
    if (isolate.isUnhealthy(key)) return reject(new GatewayError("endpoint_down"));
    // Where nobody asks for anything else, nothing else brings news.
    isolate.awaitNews(lifetime);
    timer = setTimeout(look, lookMs);
  };
  let timer = setTimeout(look, lookMs);
  return { down, stop: () => clearTimeout(timer) };
}
