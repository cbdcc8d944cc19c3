// Door of a gateway process for its supervisor. Bound to a Unix socket that only the supervisor's own processes can open.
import { WorkerEntrypoint } from "cloudflare:workers";
import { gatewayCalls } from "#contract/gateway-call.ts";
import { departure } from "./departure.ts";
import type { Env } from "./env.ts";

export class GatewayDoor extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || !Object.values<string>(gatewayCalls).includes(pathname)) {
      return new Response("no such call", { status: 404 });
    }
    if (pathname === gatewayCalls.ping) return new Response(null, { status: 204 });
    departure.begin(Date.now());
    try {
      // The body says nothing; its end, or its breaking off, is the word.
      await request.body?.pipeTo(new WritableStream());
    } catch {
      // Whoever held it is gone.
    } finally {
      departure.letGo();
    }
    return new Response(null, { status: 204 });
  }
}
