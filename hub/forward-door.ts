// Where clients arrive that forward ports: a bearer token, a backend's name, and a WebSocket to a hub of its tunnel.
import { forwardVersion } from "#contract/port-forward.ts";
import { nameSchema } from "#contract/snapshot.ts";
import type { ApiError } from "#contract/sync.ts";
import { parseShard } from "#contract/tunnel/target.ts";
import { FloodGuard } from "#traffic/tunnel/flood-guard.ts";
import { type Arrival, type DoorRuntime, refusal, type Verdict, warn } from "./door-verdict.ts";
import { askForward, isRefusal } from "./forward-grant.ts";

/** Attempts at one isolate or process, each of which costs the control a look-up. */
const attemptFlood = { burst: 100, perSecond: 20 };

let attempts: FloodGuard | undefined;

export async function admitForwarder(arrival: Arrival, runtime: DoorRuntime): Promise<Verdict> {
  const { url, client } = arrival;
  const name = nameSchema.safeParse(url.searchParams.get("name"));
  const refuse = (status: number, error: ApiError): Verdict => {
    const { code, message: reason } = error;
    warn(runtime, { event: "forward_refused", backend: name.data, client, code, reason });
    return refusal(status, error);
  };
  const shard = parseShard(url);
  if (!name.success || shard === undefined) {
    return refuse(400, { code: "forward_invalid", message: "expected ?version=1&name=BACKEND&shard=K" });
  }
  if (url.searchParams.get("version") !== forwardVersion) {
    const message = `this edge forwards by version ${forwardVersion} of the protocol`;
    return refuse(400, { code: "version_unsupported", message });
  }
  if (!arrival.isUpgrade) {
    return refuse(426, { code: "upgrade_required", message: "a port is forwarded over a WebSocket" });
  }
  const nowMs = Date.now();
  attempts ??= new FloodGuard(attemptFlood, nowMs);
  if (!attempts.charge(nowMs)) {
    return refuse(429, { code: "flood", message: "too many attempts", remedy: "Try again in a minute." });
  }
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(arrival.authorization ?? "")?.[1];
  if (token === undefined) {
    return refuse(401, { code: "unauthenticated", message: "A bearer token is required." });
  }
  const answer = await askForward(runtime.askControl, { name: name.data, token });
  if (isRefusal(answer)) return refuse(answer.status, answer.error);
  const { principal, tokenId, tunnel } = answer;
  const forwarder = { principal, tokenId, backend: name.data, client };
  return { type: "forwarder", target: { tunnel, shard }, forwarder };
}
