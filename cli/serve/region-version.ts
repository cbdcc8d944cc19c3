// Asks the region's state object which snapshot it holds, the way a gateway does (contract/sync.ts).
import { allAtOnce } from "#contract/steps.ts";
import { readSyncText } from "#contract/sync-text.ts";
import type { SyncRequest } from "#contract/sync.ts";
import { askUnixSocket } from "../unix-request.ts";

/** 0 for none. `statePath` is the state process's Unix socket. Rejects when the process does not answer. */
export async function regionVersion(statePath: string, region: string): Promise<number> {
  const body: SyncRequest = { gateway: "", snapshotVersion: 0, healthVersion: 0, counters: {} };
  const answer = await askUnixSocket(statePath, {
    method: "POST",
    path: `/RegionState/${encodeURIComponent(region)}/sync`,
    host: "object",
    body: JSON.stringify(body),
  });
  return allAtOnce(readSyncText(answer.text)).snapshot?.version ?? 0;
}

/** Error code in the gateway's answer to a request that matches nothing; undefined when a route answered. */
export async function gatewayAnswer(probePath: string): Promise<string | undefined> {
  const { errorCode } = await askUnixSocket(probePath, {
    method: "GET",
    path: "/",
    host: "probe.isthmus.invalid",
    body: "",
  });
  return errorCode;
}
