// Where agents arrive, to join (the only thing possible for them without a certificate) and to open tunnels; and clients that
// forward ports. Decides what becomes of each; a shell has the request and carries it out.
import { IdentityError } from "#contract/identity/identity-error.ts";
import { forwardPath } from "#contract/port-forward.ts";
import { apiErrorSchema, joinRequestSchema } from "#contract/sync.ts";
import { joinPath, parseTunnelTarget, tunnelPath } from "#contract/tunnel/target.ts";
import { FloodGuard } from "#traffic/tunnel/flood-guard.ts";
import { type Arrival, type DoorRuntime, refusal, type Verdict, warn } from "./door-verdict.ts";
import { admitForwarder } from "./forward-door.ts";
import { parsedJson } from "./hub-runtime.ts";
import { transportCertificate } from "./transport-identity.ts";

/** A join request is a token and a signing request; ours are under 2 KiB. */
const joinBytes = 16 * 1024;
/** Of one isolate, or process. Joining is rare: once in an agent's life. */
const joinFlood = { burst: 50, perSecond: 5 };

let joins: FloodGuard | undefined;

/** Never rejects. */
export async function judgeArrival(arrival: Arrival, runtime: DoorRuntime): Promise<Verdict> {
  const { pathname } = arrival.url;
  try {
    if (pathname === joinPath) return await join(arrival, runtime);
    if (pathname === tunnelPath) return connect(arrival, runtime);
    if (pathname === forwardPath) return await admitForwarder(arrival, runtime);
  } catch (error) {
    warn(runtime, { event: "tunnel_door_failed", path: pathname, reason: String(error) });
    return refusal(503, { code: "unavailable", message: "the edge cannot serve agents at the moment" });
  }
  return refusal(404, {
    code: "not_found",
    message: "agents find /.well-known/isthmus/{join,tunnel} here, clients /.well-known/isthmus/forward",
  });
}

async function join(arrival: Arrival, runtime: DoorRuntime): Promise<Verdict> {
  if (arrival.method !== "POST")
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
  const text = await arrival.text(joinBytes);
  if (text === undefined) return refusal(413, { code: "too_large", message: "the join request is too long" });
  const parsed = joinRequestSchema.safeParse(parsedJson(text));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return refusal(400, { code: "join_request_invalid", message: `${path.join(".") || "body"}: ${message}` });
  }
  const answer = await runtime.askControl("/join", parsed.data);
  if (answer.status !== 200) {
    const refused = apiErrorSchema.safeParse(parsedJson(answer.text));
    const { code = `status ${answer.status}`, message: reason = "" } = refused.data ?? {};
    warn(runtime, { event: "join_refused", tunnel: parsed.data.tunnel, code, reason });
  }
  return { type: "answer", ...answer };
}

function connect({ url, isUpgrade, facts }: Arrival, runtime: DoorRuntime): Verdict {
  const target = parseTunnelTarget(url);
  if (!target) return refusal(400, { code: "tunnel_invalid", message: "expected ?tunnel=NAME&shard=K" });
  if (!isUpgrade) return refusal(426, { code: "upgrade_required", message: "a tunnel is a WebSocket" });
  try {
    const certificate = transportCertificate(facts, target.tunnel);
    return { type: "agent", target, transportCertificate: certificate };
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    const { code, message } = error;
    warn(runtime, { event: "tunnel_refused", ...target, code, reason: message });
    return refusal(403, { code, message });
  }
}

/** What the agent dialled, as RFC 9421 §2.2.3 writes it: lower case, without TLS's default port. */
export function authorityOf(url: URL): string {
  return url.host.replace(/:443$/, "");
}
