// `npm run bench -- layer-4`: connections passed on as they are, beside HAProxy in `mode tcp`, one core each, and nginx's
// stream module; straight to the endpoint and through the tunnel. A ratio of 1 is HAProxy.
import { compare } from "./compare.ts";
import { connectionGateway, connectionTunnel, haproxyTcp, nginxStream } from "./peers/layer-4.ts";

export async function benchLayer4(quick: boolean): Promise<void> {
  await compare(
    [haproxyTcp],
    [
      connectionGateway("Isthmus, idle limit of 1h (default)", "1h"),
      connectionGateway("Isthmus, no idle limit", "0s"),
      connectionTunnel("Isthmus, through the tunnel"),
      nginxStream,
    ],
    {
      title: "layer 4, small requests",
      rounds: quick ? 1 : 5,
      secondsPerRound: 1,
      connections: 16,
    },
  );
}
