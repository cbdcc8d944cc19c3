// Looks whether an endpoint takes connections when the answer to a request is late, since `fetch` does not tell whether it
// has one (decision 0018).
import type { Lifetime } from "../exchange.ts";
import type { EndpointPlan } from "../plan/endpoint-plan.ts";

/**
 * Resolves to true when a request that was sent at `startedMs` has found no connection for `connectMs`, to false once it
 * is known that somebody is there, or nobody asks any more. Looks no earlier than after half of the time.
 */
export async function isUnreached(
  endpoint: EndpointPlan,
  startedMs: number,
  connectMs: number,
  lifetime: Lifetime,
  isOver: () => boolean,
): Promise<boolean> {
  const limitMs = startedMs + connectMs;
  await scheduler.wait(connectMs / 2);
  while (!isOver()) {
    const nowMs = Date.now();
    const reach = endpoint.reachability.since(startedMs, limitMs);
    if (reach === "answers") return false;
    if (reach === "silent" && nowMs >= limitMs) return true;
    const { lookingUntilMs } = endpoint.reachability;
    if (reach === "silent") await scheduler.wait(limitMs - nowMs);
    // One that was cut off with its request tells nobody, so that it is not waited for beyond its time.
    else if (lookingUntilMs > nowMs) await scheduler.wait(lookingUntilMs - nowMs);
    else await look(endpoint, connectMs / 2, nowMs, lifetime);
  }
  return false;
}

/** Goes on when the request is over: others may wait for it. */
function look(
  { reachability, answers }: EndpointPlan,
  timeoutMs: number,
  nowMs: number,
  lifetime: Lifetime,
): Promise<void> {
  reachability.looking(nowMs + timeoutMs);
  const looked = answers(timeoutMs).then((answered) => reachability.looked(answered, Date.now()));
  lifetime.waitUntil(looked);
  return looked;
}
