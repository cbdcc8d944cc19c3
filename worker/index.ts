// Entry point of the gateway worker: wires the app to the isolate, and names the objects and doors.
import { createApp, policyStages } from "./app.ts";
import { acceptConnection } from "./connection/accept-connection.ts";
import { createGatesOf } from "./connection/connection-gate.ts";
import { createDialOf } from "./connection/dial-endpoint.ts";
import { departure } from "./departure.ts";
import type { Env } from "./env.ts";
import type { Lifetime } from "./exchange.ts";
import { createIsolateOf } from "./state/isolate-of.ts";
import { answerAgent } from "./tunnel/tunnel-door.ts";

export { GatewayDoor } from "./gateway-door.ts";
export { RateLimiter } from "./limit/rate-limiter.ts";
export { StateDoor } from "./state-door.ts";
export { RegionState } from "./state/region-state.ts";
export { TunnelHub } from "./tunnel/tunnel-hub.ts";

const isolateOf = createIsolateOf(policyStages);
const app = createApp(isolateOf);
const dialOf = createDialOf();
const gatesOf = createGatesOf();

export default {
  /** Of TCP and TLS listeners; on Cloudflare there are none. */
  connect(socket: Socket, env: Env, context: ExecutionContext): Promise<void> {
    // workerd also comes here with CONNECT requests at HTTP listeners, which are no proxies. It has answered 200 by then.
    if (!(context as Lifetime).props?.tcp) return socket.close();
    const inputs = { isolate: isolateOf(env), dial: dialOf(env), gates: gatesOf(env) };
    return acceptConnection(socket, context as Lifetime, inputs);
  },
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    // Where there is no listener of its own for agents, a host name is.
    if (env.TUNNEL_HOSTNAME && new URL(request.url).hostname === env.TUNNEL_HOSTNAME) {
      return answerAgent(request, env);
    }
    const answer = app.fetch(request, env, context);
    return departure.isNear ? departure.hold(answer) : answer;
  },
};
