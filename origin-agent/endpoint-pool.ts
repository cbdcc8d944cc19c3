// Kept connections to endpoints: one pool per endpoint of the slice and version of HTTP, closed when the slice drops it.
import { Pool } from "undici";
import type { buildConnector } from "undici";
import { limits } from "#contract/limits.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import { EndpointAgent } from "./endpoint-agent.ts";
import { endpointHost } from "./endpoint-host.ts";
import { Http2Pool } from "./http2-pool.ts";
import { skipContinue } from "./skip-continue.ts";

/** Below the 5 s of Node's own server, the shortest common default, so the pod rarely closes first. */
const idleMs = 4_000;

/** Clients of HTTP/1.1, each with connections of its own. */
export interface Http1Clients {
  /** undici's. */
  readonly pool: Pool;
  /** Node's, for requests with trailers. */
  readonly agent: EndpointAgent;
  /** Requests that are under way finish first. */
  close(): Promise<void>;
}

/** Pools are made at their first use. */
export interface EndpointPools {
  http1(target: SliceEndpoint): Http1Clients;
  http2(target: SliceEndpoint): Http2Pool;
  /** Closes the pools of endpoints that are no longer in the slice; their requests finish first. */
  retain(endpoints: ReadonlyMap<string, SliceEndpoint>): void;
  close(): Promise<void>;
}

interface Kept<T> {
  /** `connectionKey` of the endpoint as the slice has it. */
  readonly way: string;
  readonly pool: T;
}

type Closing = { close(): unknown };

export function createEndpointPools(dial: Dial): EndpointPools {
  const http1 = new Map<string, Kept<Http1Clients>>();
  const http2 = new Map<string, Kept<Http2Pool>>();
  return {
    http1: (target) => pooled(http1, target, () => openHttp1(target, dial)),
    http2: (target) => pooled(http2, target, () => new Http2Pool(target, dial)),
    retain(endpoints) {
      const wanted = new Set([...endpoints.values()].map(({ connectionKey }) => connectionKey));
      for (const pools of [http1, http2]) {
        for (const [key, { way }] of pools) if (!wanted.has(way)) close(pools, key);
      }
    },
    async close() {
      for (const { pool } of http1.values()) pool.agent.destroy();
      await Promise.all([...http1.values()].map(({ pool }) => pool.pool.destroy().catch(() => undefined)));
      for (const { pool } of http2.values()) pool.destroy();
      http1.clear();
      http2.clear();
    },
  };
}

function pooled<T extends Closing>(pools: Map<string, Kept<T>>, target: SliceEndpoint, open: () => T): T {
  const { connectionKey: key, header } = target;
  const kept = pools.get(key) ?? { way: target.slicedKey, pool: open() };
  // In the order of their use, as far as clients make them.
  if (header) pools.delete(key);
  pools.set(key, kept);
  if (header && pools.size > limits.agentClientPools) closeOldest(pools);
  return kept.pool;
}

/** Of those that are for one connection of a client. */
function closeOldest(pools: Map<string, Kept<Closing>>): void {
  for (const [key, { way }] of pools) if (way !== key) return close(pools, key);
}

function close(pools: Map<string, Kept<Closing>>, key: string): void {
  const kept = pools.get(key);
  pools.delete(key);
  // Closing waits for requests in flight; a connection that breaks meanwhile is reported to its request.
  void Promise.resolve(kept?.pool.close()).catch(() => undefined);
}

function openHttp1(target: SliceEndpoint, dial: Dial): Http1Clients {
  const pool = openPool(target, dial);
  const agent = new EndpointAgent(target, dial, idleMs);
  return {
    pool,
    agent,
    async close() {
      agent.close();
      await pool.close();
    },
  };
}

function openPool(target: SliceEndpoint, dial: Dial): Pool {
  const { endpoint, protocol } = target;
  const connect: buildConnector.connector = (_options, callback) =>
    dial(dialTargetOf(target), (error, socket) =>
      error ? callback(error, null) : callback(null, skipContinue(socket!)),
    );
  return new Pool(`${protocol.toLowerCase()}://${endpointHost(endpoint)}:${endpoint.port}`, {
    connect,
    // One request at a time per connection, as many connections as streams need (bounded by streamsPerConnection).
    pipelining: 1,
    connections: null,
    maxHeaderSize: limits.headBytes,
    // The gateway owns request timeouts; an agent that cut a slow answer short would break the route's.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: idleMs,
  });
}
