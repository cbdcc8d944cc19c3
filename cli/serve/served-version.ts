// Asks the region's state object which snapshot it holds, the way a gateway does (contract/sync.ts).
import { splitSyncText } from "#contract/sync-text.ts";
import type { SyncRequest } from "#contract/sync.ts";
import { askUnixSocket } from "../unix-request.ts";

/** Whether it holds `version` or a later one. `statePath` is the state process's Unix socket. Rejects when the process does not answer. */
export async function regionHolds(statePath: string, region: string, version: number): Promise<boolean> {
  const body: SyncRequest = { gateway: "", snapshotVersion: version - 1, healthVersion: 0, counters: {} };
  const { text } = await askUnixSocket(statePath, {
    method: "POST",
    path: `/RegionState/${encodeURIComponent(region)}/sync`,
    host: "object",
    body: JSON.stringify(body),
  });
  return splitSyncText(text).lines !== undefined;
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
