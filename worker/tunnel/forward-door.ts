// Where clients arrive that forward ports: a bearer token, a backend's name, and a WebSocket to a hub of its tunnel.
import { forwardVersion } from "#contract/port-forward.ts";
import { nameSchema } from "#contract/snapshot.ts";
import type { ApiError } from "#contract/sync.ts";
import { FloodGuard } from "#traffic/tunnel/flood-guard.ts";
import type { Env } from "../env.ts";
import { objectFetch } from "../objects.ts";
import { askForward, isRefusal } from "./forward-grant.ts";
import { internalHeaders } from "./internal-headers.ts";
import { hubName, parseShard } from "./tunnel-target.ts";

/** Attempts at one isolate, each of which costs the control a look-up. */
const attemptFlood = { burst: 100, perSecond: 20 };

let attempts: FloodGuard | undefined;

export async function answerForwarder(request: Request, url: URL, env: Env): Promise<Response> {
  const client = clientOf(request);
  const name = nameSchema.safeParse(url.searchParams.get("name"));
  const refuse = (status: number, error: ApiError): Response => {
    const { code, message: reason } = error;
    console.warn(JSON.stringify({ event: "forward_refused", backend: name.data, client, code, reason }));
    return Response.json(error, { status });
  };
  const shard = parseShard(url);
  if (!name.success || shard === undefined) {
    return refuse(400, { code: "forward_invalid", message: "expected ?version=1&name=BACKEND&shard=K" });
  }
  if (url.searchParams.get("version") !== forwardVersion) {
    const message = `this edge forwards by version ${forwardVersion} of the protocol`;
    return refuse(400, { code: "version_unsupported", message });
  }
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return refuse(426, { code: "upgrade_required", message: "a port is forwarded over a WebSocket" });
  }
  const nowMs = Date.now();
  attempts ??= new FloodGuard(attemptFlood, nowMs);
  if (!attempts.charge(nowMs)) {
    return refuse(429, { code: "flood", message: "too many attempts", remedy: "Try again in a minute." });
  }
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) {
    return refuse(401, { code: "unauthenticated", message: "A bearer token is required." });
  }
  const answer = await askForward(env.CONTROL, { name: name.data, token });
  if (isRefusal(answer)) return refuse(answer.status, answer.error);
  // A fresh set of headers: nothing that the client sent gets further, its token neither.
  const headers = new Headers({
    upgrade: "websocket",
    [internalHeaders.operation]: "forward",
    [internalHeaders.forwarder]: encodeURIComponent(
      JSON.stringify({ principal: answer.principal, tokenId: answer.tokenId, backend: name.data, client }),
    ),
  });
  const hubUrl = new URL(url);
  hubUrl.search = new URLSearchParams({ tunnel: answer.tunnel, shard: String(shard) }).toString();
  return objectFetch(
    env,
    "TunnelHub",
    hubName({ tunnel: answer.tunnel, shard }),
    new Request(hubUrl, { headers }),
  );
}

/** As the front door says, or Cloudflare; a header counts only where no front door speaks. */
function clientOf(request: Request): string {
  const { clientIp } = (request.cf ?? {}) as { clientIp?: unknown };
  if (typeof clientIp === "string") return clientIp;
  return request.headers.get("cf-connecting-ip") ?? "unknown";
}
