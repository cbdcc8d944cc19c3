// Keep-alive connections to endpoints: one undici pool per endpoint of the slice, closed when the slice drops it.
import { isIPv6 } from "node:net";
import { Pool } from "undici";
import type { buildConnector } from "undici";
import { limits } from "#contract/limits.ts";
import type { Endpoint } from "#contract/snapshot.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";

export interface EndpointPools {
  /** The pool of an endpoint, made at its first use. */
  get(target: SliceEndpoint): Pool;
  /** Closes the pools of endpoints that are no longer in the slice; their requests finish first. */
  retain(endpoints: ReadonlyMap<string, SliceEndpoint>): void;
  close(): Promise<void>;
}

export function createEndpointPools(dial: Dial): EndpointPools {
  const pools = new Map<string, Pool>();
  const drop = (key: string, pool: Pool) => {
    pools.delete(key);
    // Closing waits for requests in flight; a connection that breaks meanwhile is reported to its request.
    return pool.close().catch(() => undefined);
  };
  return {
    get(target) {
      const key = poolKey(target);
      let pool = pools.get(key);
      if (!pool) {
        pool = openPool(target, dial);
        pools.set(key, pool);
      }
      return pool;
    },
    retain(endpoints) {
      const wanted = new Set([...endpoints.values()].map(poolKey));
      for (const [key, pool] of pools) if (!wanted.has(key)) void drop(key, pool);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy().catch(() => undefined)));
      pools.clear();
    },
  };
}

/** Backends that share an address share its connections. */
const poolKey = ({ endpoint, protocol }: SliceEndpoint): string =>
  `${protocol} ${endpoint.address} ${endpoint.port}`;

/** Host of an endpoint as a URL writes it. */
export function endpointHost({ address }: Endpoint): string {
  return isIPv6(address) ? `[${address}]` : address;
}

function openPool({ endpoint, protocol }: SliceEndpoint, dial: Dial): Pool {
  const { address, port } = endpoint;
  const connect: buildConnector.connector = (_options, callback) =>
    dial({ address, port, protocol }, (error, socket) =>
      error ? callback(error, null) : callback(null, socket!),
    );
  return new Pool(`${protocol.toLowerCase()}://${endpointHost(endpoint)}:${port}`, {
    connect,
    // One request at a time per connection, as many connections as streams need (bounded by streamsPerConnection).
    pipelining: 1,
    connections: null,
    maxHeaderSize: limits.headBytes,
    // The gateway owns request timeouts; an agent that cut a slow answer short would break the route's.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Below the 5 s of Node's own server, the shortest common default, so the pod rarely closes first.
    keepAliveTimeout: 4_000,
  });
}
