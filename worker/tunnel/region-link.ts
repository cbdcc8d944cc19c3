// A hub's call to the state object of its region.
import { objectUrl } from "#contract/object-path.ts";
import { hubPushSchema } from "#contract/sync.ts";
import type { HubPush } from "#contract/sync.ts";
import type { Env } from "../env.ts";
import { objectFetch } from "../objects.ts";
import type { TunnelTarget } from "#contract/tunnel/target.ts";

const timeoutMs = 5_000;

/** Says that a hub has agents; resolves to trust and configuration. Rejects when the state object does not answer. */
export async function announceHub(env: Env, target: TunnelTarget): Promise<HubPush> {
  const region = env.REGION ?? "default";
  const request = new Request(objectUrl("RegionState", region, "/hub"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(target),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const response = await objectFetch(env, "RegionState", region, request);
  if (!response.ok) throw new Error(`the region's state object answered ${response.status}`);
  return hubPushSchema.parse(await response.json());
}
