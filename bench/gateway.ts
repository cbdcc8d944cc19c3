// `npm run bench -- gateway`: the gateway beside a bare forwarding Worker, HAProxy, nginx and http-proxy, one core each.
// A ratio of 1 is the bare Worker.
import { compare } from "./compare.ts";
import { bareWorker } from "./peers/bare-worker.ts";
import { haproxy } from "./peers/haproxy.ts";
import { httpProxy } from "./peers/http-proxy.ts";
import { gateway, tunnelGateway } from "./peers/isthmus.ts";
import { nginx } from "./peers/nginx.ts";

export async function benchGateway(quick: boolean): Promise<void> {
  await compare(
    [
      bareWorker,
      gateway({ name: "Isthmus, 10 routes", routeCount: 10 }),
      gateway({ name: "Isthmus, 1,000 routes", routeCount: 1_000 }),
      gateway({ name: "Isthmus, 10,000 routes", routeCount: 10_000 }),
      tunnelGateway("Isthmus, through the tunnel"),
      haproxy,
      nginx,
      httpProxy,
    ],
    { title: "gateway, direct", rounds: quick ? 1 : 5, secondsPerRound: quick ? 1 : 3, connections: 32 },
  );
}
