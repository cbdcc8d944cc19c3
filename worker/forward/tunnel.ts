// Forwards to an endpoint that an agent dials: through a hub of the tunnel, which knows the agents' connections.
import { requestTrailersHeader } from "#contract/body-frames.ts";
import { type ErrorCode, errorTable, GatewayError } from "#contract/error.ts";
import { endpointKey } from "#contract/snapshot.ts";
import { isIdempotent } from "#traffic/retry/retry-policy.ts";
import type { Exchange } from "../exchange.ts";
import type { TunnelPlan } from "../plan/tunnel-plan.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { limits } from "#contract/limits.ts";
import { proxiedConnectionField, proxiedConnectionText } from "#contract/proxied-connection.ts";
import { hubName } from "#contract/tunnel/target.ts";
import { peerAddress } from "../stage/identify-client.ts";
import { upstreamRequest } from "./upstream-request.ts";

/**
 * Tries the hubs that hold agents, then the others. A second hub is asked only when the first had no way to the
 * endpoint, or was lost with an idempotent request, and the request has no body, which the first hub may have begun to
 * read.
 */
export async function forwardThroughTunnel(exchange: Exchange, tunnel: TunnelPlan): Promise<Response> {
  if (tunnel.isStarting) await tunnel.untilStarted(exchange.lifetime, (ms) => scheduler.wait(ms));
  let failure: GatewayError | undefined;
  for (const shard of tunnel.shardsToTry(Date.now(), isLong(exchange))) {
    try {
      return await throughHub(exchange, tunnel, hubName({ tunnel: tunnel.name, shard }));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      failure ??= error;
      const isLost = error.code === "tunnel_reset" && isIdempotent(exchange.method);
      const elsewhere = isLost || (error.retrySafe && error.code === "tunnel_unavailable");
      if (!elsewhere || exchange.body instanceof ReadableStream) throw error;
    }
  }
  throw failure ?? new GatewayError("tunnel_unavailable");
}

/** Its body is a transfer: more than a hub and its agent have on the way at once. How long an answer is nobody knows before. */
function isLong({ body, request }: Exchange): boolean {
  if (!(body instanceof ReadableStream)) return false;
  return Number(request.headers.get("content-length")) > limits.connectionWindowBytes;
}

async function throughHub(exchange: Exchange, tunnel: TunnelPlan, hub: string): Promise<Response> {
  const { backend, endpoint, scheme, upstreamAuthority } = exchange;
  if (!backend || !endpoint) throw new GatewayError("internal", "no endpoint was picked");
  const { body, announced } = bodyForHub(exchange);
  const request = new Request(
    ...upstreamRequest(exchange, `${scheme}://${upstreamAuthority}${exchange.upstreamTarget}`, body),
  );
  if (announced !== undefined) request.headers.set(requestTrailersHeader, announced);
  request.headers.set(internalHeaders.endpoint, endpointKey(backend.backend.name, endpoint.endpoint.id));
  request.headers.set(internalHeaders.operation, "stream");
  if (backend.backend.proxyProtocol) {
    const client = peerAddress(exchange.request);
    request.headers.set(proxiedConnectionField, proxiedConnectionText(client, serverAddress(exchange)));
  }
  const { trailers, informational } = doorFacts(exchange.request);
  setOrDelete(request.headers, internalHeaders.trailers, trailers);
  setOrDelete(request.headers, internalHeaders.informational, exchange.informs ? informational : undefined);
  const response = await askHub(tunnel, hub, request, exchange.bodySignal);
  const code = response.headers.get(internalHeaders.tunnelError);
  if (code === null) return response;
  throw new GatewayError(
    isErrorCode(code) ? code : "tunnel_reset",
    `${hub}: ${endpoint.endpoint.id}: ${code}`,
    {
      retrySafe: response.headers.get(internalHeaders.tunnelErrorSafe) === "1",
    },
  );
}

/** In frames where trailers may follow it, and the names of those. Such a body has no length. */
function bodyForHub({ body, trailers, headers, upstreamIdentity }: Exchange): {
  body: Exchange["body"];
  announced?: string;
} {
  if (!trailers || body === null || !headers) return { body };
  const names = trailers.announcedBehind(headers, upstreamIdentity);
  return names.length === 0 ? { body } : { body: trailers.frame(body, names), announced: names.join(", ") };
}

/** Of the client's connection; where a gateway process accepts itself nothing tells which address of several it was. */
function serverAddress({ request, listener }: Exchange): string {
  const { serverIp } = doorFacts(request);
  if (serverIp !== undefined) return serverIp;
  const { port = 0, addresses = [] } = listener ?? {};
  const [only = peerAddress(request).startsWith("[") ? "::" : "0.0.0.0"] =
    addresses.length === 1 ? addresses : [];
  return only.includes(":") ? `[${only}]:${port}` : `${only}:${port}`;
}

interface DoorFacts {
  /** Where its client has connected to, `ADDRESS:PORT`. */
  readonly serverIp?: string;
  /** Its client takes trailers (decision 0012). */
  readonly trailers?: string;
  /** Where informational answers go (decision 0021). */
  readonly informational?: string;
}

/** What only a front door can write. */
function doorFacts({ cf }: Request): DoorFacts {
  return (cf as DoorFacts | undefined) ?? {};
}

function setOrDelete(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) headers.delete(name);
  else headers.set(name, value);
}

async function askHub(
  tunnel: TunnelPlan,
  hub: string,
  request: Request,
  bodySignal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await tunnel.fetchHub(hub, request);
  } catch (error) {
    bodySignal?.throwIfAborted();
    const detail = `${hub}: ${error instanceof Error ? error.message : String(error)}`;
    throw new GatewayError("tunnel_reset", detail, { cause: error });
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
