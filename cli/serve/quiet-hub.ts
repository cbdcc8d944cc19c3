// When a hub that leaves may send its agents away: once gateways ask it for nothing any more. They hear from the region that
// it leaves, which takes two heartbeats, and much longer on a busy machine or while the region itself has just been replaced.
import type { HubLoad } from "#contract/hub-call.ts";

/** Two heartbeats and a half: who has not asked for so long goes elsewhere. */
const quietMs = 2_500;
/** Counts at most for one look: while the whole machine stands still nobody can ask. */
const longestLookMs = 250;
/** Longest wait. A region that is down tells gateways nothing. */
const patienceMs = 60_000;
/** Longest wait while no other hub has an agent, to which gateways could go: one may be just coming back. */
const lonelyPatienceMs = 6_000;
const pollMs = 50;

export interface LeavingHub {
  load(): Promise<HubLoad>;
  /** Agents that serve at other hubs. Never rejects. */
  servingElsewhere(): Promise<number>;
  nowMs(): number;
  wait(ms: number): Promise<unknown>;
}

/** Resolves when the hub is quiet, or to why it is not waited for any longer. Rejects when it does not answer. */
export async function untilQuiet(hub: LeavingHub): Promise<string | undefined> {
  const leftAtMs = hub.nowMs();
  let lookedMs = leftAtMs;
  let quietForMs = 0;
  let lonelySinceMs: number | undefined;
  for (;;) {
    const { quietMs: unaskedMs } = await hub.load();
    const nowMs = hub.nowMs();
    const sinceMs = nowMs - lookedMs;
    lookedMs = nowMs;
    quietForMs = unaskedMs < sinceMs ? 0 : quietForMs + Math.min(sinceMs, longestLookMs);
    if (quietForMs >= quietMs) return undefined;
    if (nowMs - leftAtMs >= patienceMs) return "gateways have not heard that it leaves";
    lonelySinceMs = (await hub.servingElsewhere()) > 0 ? undefined : (lonelySinceMs ?? nowMs);
    if (lonelySinceMs !== undefined && nowMs - lonelySinceMs >= lonelyPatienceMs)
      return "no other hub has an agent";
    await hub.wait(pollMs);
  }
}
