// Opens the connection to an endpoint: straight to it, or through a hub to an agent that dials it.
import { connect } from "cloudflare:sockets";
import { GatewayError } from "#contract/error.ts";
import { endpointKey, speaksTls } from "#contract/snapshot.ts";
import type { Env } from "../env.ts";
import { hubConnections } from "../objects.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import type { EndpointPlan } from "../plan/endpoint-plan.ts";
import type { TunnelPlan } from "../plan/tunnel-plan.ts";
import { compileConnectTo } from "../state/connect-to.ts";
import { withTimeLimit } from "../time-limit.ts";
import { hubName } from "#contract/tunnel/target.ts";
import type { Connection } from "./connection.ts";
import { askHub, type HubConnect } from "./hub-connection.ts";

/** Rejects with a `GatewayError` where there is no connection. */
export type DialEndpoint = (
  connection: Connection,
  backend: BackendPlan,
  endpoint: EndpointPlan,
) => Promise<Socket>;

/** The environment is the same object for all connections of an isolate. */
export function createDialOf(): (env: Env) => DialEndpoint {
  const dials = new WeakMap<Env, DialEndpoint>();
  return (env) => {
    let dial = dials.get(env);
    if (!dial) dials.set(env, (dial = createDialEndpoint(env)));
    return dial;
  };
}

function createDialEndpoint(env: Env): DialEndpoint {
  const connectTo = compileConnectTo(env.CONNECT_TO);
  // The address is for the platform's sake: the service is one socket.
  const connectHub: HubConnect = (hub) => hubConnections(env, hub)?.connect("hub:1", { allowHalfOpen: true });
  return async (connection, backend, plan) => {
    const { connectMs } = connection.rule!.rule.timeouts;
    if (backend.tunnel) return dialTunnel(backend, backend.tunnel, plan, connectHub, connectMs);
    // An agent keeps the backend's own by itself.
    const limitMs = Math.min(connectMs, backend.backend.connectTimeoutMs ?? Infinity);
    const { address, port } = connectTo(plan.endpoint.address, plan.endpoint.port);
    const socket = connect(
      { hostname: address.includes(":") ? `[${address}]` : address, port },
      { secureTransport: speaksTls(backend.backend.protocol) ? "on" : "off", allowHalfOpen: true },
    );
    await opened(socket, limitMs, plan.endpoint.id);
    return socket;
  };
}

/** Hubs that hold agents first, the others in case that an agent has just connected there. */
async function dialTunnel(
  { backend }: BackendPlan,
  tunnel: TunnelPlan,
  { endpoint }: EndpointPlan,
  connectHub: HubConnect,
  connectMs: number,
): Promise<Socket> {
  let failure: GatewayError | undefined;
  for (const shard of tunnel.shardsToTry(Date.now())) {
    const hub = hubName({ tunnel: tunnel.name, shard });
    const socket = connectHub(hub);
    if (!socket)
      throw new GatewayError(
        "tunnel_unavailable",
        "connections through tunnels need `isthmus serve --tunnel`",
      );
    try {
      await opened(socket, connectMs, hub);
      const asked = askHub(socket, { hub, endpoint: endpointKey(backend.name, endpoint.id) });
      const answer = await withTimeLimit(asked, connectMs, () => tooLate(endpoint.id, connectMs));
      if (answer === undefined) return socket;
      failure ??= new GatewayError(answer, `${hub}: ${endpoint.id}: ${answer}`);
    } catch (error) {
      failure ??=
        error instanceof GatewayError ? error : new GatewayError("tunnel_reset", `${hub}: ${String(error)}`);
    }
    socket.close().catch(() => undefined);
    if (failure.code !== "tunnel_unavailable") break;
  }
  throw failure ?? new GatewayError("tunnel_unavailable");
}

async function opened(socket: Socket, limitMs: number, where: string): Promise<void> {
  // Rejected, too, when the connection fails later; the streams tell whoever uses them.
  socket.closed.catch(() => undefined);
  try {
    await withTimeLimit<unknown>(socket.opened, limitMs, () => tooLate(where, limitMs));
  } catch (error) {
    socket.close().catch(() => undefined);
    if (error instanceof GatewayError) throw error;
    const detail = `${where}: ${error instanceof Error ? error.message : String(error)}`;
    throw new GatewayError("endpoint_connect_failed", detail, { cause: error });
  }
}

function tooLate(where: string, limitMs: number): never {
  throw new GatewayError("endpoint_connect_timeout", `${where}: no connection within ${limitMs} ms`);
}
