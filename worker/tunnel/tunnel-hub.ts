// TunnelHub: the Durable Object at which the connections of one shard of one tunnel end: the hub's shell on Cloudflare and
// under `wrangler dev`. WebSockets are accepted plainly, not for hibernation (decision 0008).
import { DurableObject } from "cloudflare:workers";
import { decodeBase64 } from "#contract/identity/pem.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { parseTunnelTarget } from "#contract/tunnel/target.ts";
import { forwarderSchema } from "#hub/forward-session.ts";
import { Hub, type Refusal } from "#hub/hub.ts";
import type { PeerSocket } from "#hub/peer-socket.ts";
import { authorityOf } from "#hub/tunnel-door.ts";
import type { Env } from "../env.ts";
import { hubRuntime } from "./hub-runtime.ts";
import { peerSocket } from "./peer-socket.ts";
import { requestCall } from "./request-call.ts";

export class TunnelHub extends DurableObject<Env> {
  readonly #hub: Hub;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#hub = new Hub(hubRuntime(env));
  }

  override fetch(request: Request): Response | Promise<Response> {
    const operation = request.headers.get(internalHeaders.operation);
    if (operation === "stream") return this.#hub.request(requestCall(request));
    if (operation === "connect") return this.#connect(request);
    if (operation === "forward") return this.#forward(request);
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname.endsWith("/push")) return this.#exchange(request);
    return Response.json({ code: "not_found", message: "a hub answers /push" }, { status: 404 });
  }

  async #exchange(request: Request): Promise<Response> {
    const report = await this.#hub.exchange(await request.json());
    if (report) return Response.json(report);
    return Response.json({ code: "push_invalid", message: "this is no exchange" }, { status: 400 });
  }

  /** The door has verified the transport and overwritten every internal header. */
  #connect(request: Request): Response {
    const url = new URL(request.url);
    const target = parseTunnelTarget(url);
    const certificate = request.headers.get(internalHeaders.transportCertificate);
    if (!target || !certificate) return new Response(null, { status: 400 });
    const transport = { transportCertificate: decodeBase64(certificate) };
    const arrival = { target, authority: authorityOf(url), path: url.pathname, ...transport };
    return upgraded((accept) => this.#hub.connect(arrival, accept));
  }

  /** The door has asked the control, and overwritten every internal header. */
  #forward(request: Request): Response {
    const target = parseTunnelTarget(new URL(request.url));
    const forwarder = forwarderSchema.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(internalHeaders.forwarder) ?? "null")),
    );
    if (!target || !forwarder.success) return new Response(null, { status: 400 });
    return upgraded((accept) => this.#hub.forward(target, forwarder.data, accept));
  }
}

function upgraded(take: (accept: () => PeerSocket) => Refusal | undefined): Response {
  const [client, server] = Object.values(new WebSocketPair());
  const refused = take(() => peerSocket(server!));
  if (refused) return Response.json(refused.error, { status: refused.status });
  return new Response(null, { status: 101, webSocket: client! });
}
