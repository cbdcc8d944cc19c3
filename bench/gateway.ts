// `npm run bench -- gateway`: the gateway with several numbers of routes, through the tunnel, and HAProxy, nginx and
// http-proxy, against a Worker on the same workerd that only forwards, and against the gateway with 10 routes.
import { compare } from "./compare.ts";
import { bareWorker } from "./peers/bare-worker.ts";
import { haproxy } from "./peers/haproxy.ts";
import { httpProxy } from "./peers/http-proxy.ts";
import { gateway, tunnelGateway } from "./peers/isthmus.ts";
import { nginx } from "./peers/nginx.ts";

export async function benchGateway(quick: boolean): Promise<void> {
  await compare(
    [bareWorker, gateway({ name: "Isthmus, 10 routes", routeCount: 10 })],
    [
      gateway({ name: "Isthmus, 1,000 routes", routeCount: 1_000 }),
      gateway({ name: "Isthmus, 10,000 routes", routeCount: 10_000 }),
      tunnelGateway("Isthmus, through the tunnel"),
      haproxy,
      nginx,
      httpProxy,
    ],
    { title: "gateway", rounds: quick ? 1 : 5, secondsPerRound: 1, connections: 16 },
  );
}
