// TunnelDoor: where agents arrive, to join (the only thing possible for them without a certificate) and to open tunnels; and
// clients that forward ports.
import { WorkerEntrypoint } from "cloudflare:workers";
import { encodeBase64 } from "#contract/identity/pem.ts";
import { IdentityError } from "#contract/identity/identity-error.ts";
import { forwardPath } from "#contract/port-forward.ts";
import { apiErrorSchema, joinRequestSchema } from "#contract/sync.ts";
import type { ApiError } from "#contract/sync.ts";
import { FloodGuard } from "#traffic/tunnel/flood-guard.ts";
import type { Env } from "../env.ts";
import { objectFetch } from "../objects.ts";
import { answerForwarder } from "./forward-door.ts";
import { internalHeaders } from "./internal-headers.ts";
import { transportCertificate } from "./transport-identity.ts";
import { hubName, joinPath, parseTunnelTarget, tunnelPath } from "./tunnel-target.ts";

/** A join request is a token and a signing request; ours are under 2 KiB. */
const joinBytes = 16 * 1024;
const joinTimeoutMs = 10_000;
/** Of one isolate. Joining is rare: once in an agent's life. */
const joinFlood = { burst: 50, perSecond: 5 };

let joins: FloodGuard | undefined;

export class TunnelDoor extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Promise<Response> {
    return answerAgent(request, this.env);
  }
}

/** What the door answers; the gateway calls it for requests to `TUNNEL_HOSTNAME`. Never rejects. */
export async function answerAgent(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url);
  try {
    if (url.pathname === joinPath) return await join(request, env);
    if (url.pathname === tunnelPath) return await connect(request, url, env);
    if (url.pathname === forwardPath) return await answerForwarder(request, url, env);
  } catch (error) {
    console.warn(JSON.stringify({ event: "tunnel_door_failed", path: url.pathname, reason: String(error) }));
    return refusal(503, { code: "unavailable", message: "the edge cannot serve agents at the moment" });
  }
  return refusal(404, {
    code: "not_found",
    message: "agents find /.well-known/isthmus/{join,tunnel} here, clients /.well-known/isthmus/forward",
  });
}

async function join(request: Request, env: Env): Promise<Response> {
  if (request.method !== "POST")
    return refusal(405, { code: "method_not_allowed", message: "POST a join request" });
  const nowMs = Date.now();
  joins ??= new FloodGuard(joinFlood, nowMs);
  if (!joins.charge(nowMs)) {
    return refusal(429, {
      code: "flood",
      message: "too many join requests",
      remedy: "Try again in a minute.",
    });
  }
  const text = await readText(request, joinBytes);
  if (text === undefined) return refusal(413, { code: "too_large", message: "the join request is too long" });
  const parsed = joinRequestSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return refusal(400, { code: "join_request_invalid", message: `${path.join(".") || "body"}: ${message}` });
  }
  const answer = await env.CONTROL.fetch("https://control/join", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(parsed.data),
    signal: AbortSignal.timeout(joinTimeoutMs),
  });
  const body = await answer.text();
  if (!answer.ok) {
    const refused = apiErrorSchema.safeParse(parseJson(body));
    const { code = `status ${answer.status}`, message: reason = "" } = refused.data ?? {};
    console.warn(JSON.stringify({ event: "join_refused", tunnel: parsed.data.tunnel, code, reason }));
  }
  return new Response(body, { status: answer.status, headers: { "content-type": "application/json" } });
}

async function connect(request: Request, url: URL, env: Env): Promise<Response> {
  const target = parseTunnelTarget(url);
  if (!target) return refusal(400, { code: "tunnel_invalid", message: "expected ?tunnel=NAME&shard=K" });
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return refusal(426, { code: "upgrade_required", message: "a tunnel is a WebSocket" });
  }
  let certificate: Uint8Array;
  try {
    certificate = transportCertificate(request.cf, target.tunnel);
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    const { code, message } = error;
    console.warn(JSON.stringify({ event: "tunnel_refused", ...target, code, reason: message }));
    return refusal(403, { code, message });
  }
  // A fresh set of headers: nothing that the agent sent gets further.
  const headers = new Headers({
    upgrade: "websocket",
    [internalHeaders.operation]: "connect",
    [internalHeaders.transportCertificate]: encodeBase64(certificate),
  });
  return objectFetch(env, "TunnelHub", hubName(target), new Request(url, { headers }));
}

/** Undefined when the body is longer than `limitBytes`; no more than that is read. */
async function readText(request: Request, limitBytes: number): Promise<string | undefined> {
  if (!request.body) return "";
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  for await (const chunk of request.body) {
    totalBytes += chunk.length;
    if (totalBytes > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return new Blob(chunks).text();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(status: number, error: ApiError): Response {
  return Response.json(error, { status });
}
