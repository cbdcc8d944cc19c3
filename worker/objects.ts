// The one way to a Durable Object: through its namespace where it lives in this process or account, else through the
// service of the process that owns it (decisions 0001, 0011).
import { internalHeaders } from "#contract/internal-headers.ts";
import { type ObjectClass, objectPath } from "#contract/object-path.ts";
import type { Env } from "./env.ts";

/**
 * Sends `request` to an object. Its headers must be mutable (a request made with `new Request`).
 * Rejects as `fetch` does when the object, or the process that owns it, cannot be reached.
 */
export function objectFetch(
  env: Env,
  className: ObjectClass,
  name: string,
  request: Request,
): Promise<Response> {
  const namespace = objectNamespace(env, className);
  if (namespace) return objectStub(namespace, name).fetch(request);
  const owner = className === "TunnelHub" ? hubService(env, name) : env.STATE;
  if (!owner) throw new Error(`Neither a namespace for ${className} nor a service that has one is bound.`);
  request.headers.set(internalHeaders.object, objectPath(className, name));
  return owner.fetch(request);
}

/** Ids of objects by name: working one out is a hash, which costs 27 of the 120 µs of a call within a process (measured). */
const ids = new WeakMap<DurableObjectNamespace, Map<string, DurableObjectId>>();
/** Names of tunnels come and go with the configuration. */
const maxIds = 1_000;

export function objectStub(namespace: DurableObjectNamespace, name: string): DurableObjectStub {
  let known = ids.get(namespace);
  if (!known || known.size >= maxIds) ids.set(namespace, (known = new Map()));
  let id = known.get(name);
  if (!id) known.set(name, (id = namespace.idFromName(name)));
  return namespace.get(id);
}

/** The process that has a hub, by the shard at the end of its name, `<tunnel>:<shard>`. */
function hubService(env: Env, hub: string): Fetcher | undefined {
  return env[`hub:${shardOf(hub)}`];
}

/** The same for connections. */
export function hubConnections(env: Env, hub: string): Fetcher | undefined {
  return env[`connections:${shardOf(hub)}`];
}

function shardOf(hub: string): string {
  return hub.slice(hub.lastIndexOf(":") + 1);
}

/** False where no agent can ever connect: `isthmus serve` without a port for them. */
export function hasHubs(env: Env): boolean {
  return env.TUNNEL_HUB !== undefined || env["hub:0"] !== undefined;
}

export function objectNamespace(env: Env, className: ObjectClass): DurableObjectNamespace | undefined {
  switch (className) {
    case "RegionState":
      return env.REGION_STATE;
    case "TunnelHub":
      return env.TUNNEL_HUB;
    case "RateLimiter":
      return env.RATE_LIMITER;
  }
}
