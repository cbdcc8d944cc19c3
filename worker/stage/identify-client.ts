// Entry: who the client is, as far as the socket and trusted proxies tell (docs/forwarding.md).
import type { ClientDetector } from "#traffic/forwarding/forwarded.ts";
import type { Exchange } from "../exchange.ts";

export function identifyClient(exchange: Exchange): void {
  identify(exchange, exchange.plan.detectClient);
}

/** Anew, once it is known at which listener: it may believe other proxies. */
export function identifyAtListener(exchange: Exchange): void {
  const { listener, plan } = exchange;
  const detect = listener && plan.detectClientAt.get(listener.name);
  if (detect) identify(exchange, detect);
}

function identify(exchange: Exchange, detect: ClientDetector): void {
  exchange.chain = detect(peerAddress(exchange.request), exchange.header("x-forwarded-for"));
}

/**
 * `cf.clientIp` is written by workerd or by the front door of `isthmus serve`. Cloudflare has no such field, but sets
 * `CF-Connecting-IP` itself, whatever the client sent.
 */
export function peerAddress(request: Request): string {
  const clientIp = (request.cf as { clientIp?: unknown } | undefined)?.clientIp;
  if (typeof clientIp === "string") return clientIp;
  return request.headers.get("cf-connecting-ip") ?? "unknown";
}
