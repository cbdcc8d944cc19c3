// Where agents and clients that forward ports arrive, and are sent on to the hub that they are let in to.
import { encodeBase64 } from "#contract/identity/pem.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { hubName, type TunnelTarget } from "#contract/tunnel/target.ts";
import { judgeArrival } from "#hub/tunnel-door.ts";
import type { Env } from "../env.ts";
import { objectFetch } from "../objects.ts";
import { askControl, log } from "./hub-runtime.ts";

/** What the door answers; the gateway calls it for requests to `TUNNEL_HOSTNAME`. Never rejects. */
export async function answerAgent(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url);
  const verdict = await judgeArrival(
    {
      method: request.method,
      url,
      isUpgrade: request.headers.get("upgrade")?.toLowerCase() === "websocket",
      authorization: request.headers.get("authorization") ?? undefined,
      client: clientOf(request),
      facts: request.cf,
      text: (limitBytes) => readText(request, limitBytes),
    },
    { askControl: askControl(env), log },
  );
  const json = { "content-type": "application/json" };
  switch (verdict.type) {
    case "answer":
      return new Response(verdict.text, { status: verdict.status, headers: json });
    case "agent":
      return sendOn(env, url, verdict.target, {
        [internalHeaders.operation]: "connect",
        [internalHeaders.transportCertificate]: encodeBase64(verdict.transportCertificate),
      });
    case "forwarder":
      return sendOn(env, url, verdict.target, {
        [internalHeaders.operation]: "forward",
        [internalHeaders.forwarder]: encodeURIComponent(JSON.stringify(verdict.forwarder)),
      });
  }
}

/** A fresh set of headers: nothing that a stranger sent gets further. */
async function sendOn(
  env: Env,
  url: URL,
  target: TunnelTarget,
  headers: Record<string, string>,
): Promise<Response> {
  const hubUrl = new URL(url);
  hubUrl.search = new URLSearchParams({ tunnel: target.tunnel, shard: String(target.shard) }).toString();
  const request = new Request(hubUrl, { headers: { upgrade: "websocket", ...headers } });
  try {
    return await objectFetch(env, "TunnelHub", hubName(target), request);
  } catch (error) {
    log("warn", JSON.stringify({ event: "tunnel_door_failed", path: url.pathname, reason: String(error) }));
    return Response.json({ code: "unavailable", message: "the hub cannot be reached" }, { status: 503 });
  }
}

/** As the front door says, or Cloudflare; a header counts only where no front door speaks. */
function clientOf(request: Request): string {
  const { clientIp } = (request.cf ?? {}) as { clientIp?: unknown };
  if (typeof clientIp === "string") return clientIp;
  return request.headers.get("cf-connecting-ip") ?? "unknown";
}

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
