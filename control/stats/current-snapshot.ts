// The snapshot that is current, for everything that describes the system.
import type { Snapshot, VersionedSnapshot } from "#contract/snapshot.ts";
import type { ConfigStore } from "../store/config-store.ts";
import { openSnapshot } from "../store/open-snapshots.ts";

const none: Snapshot = {
  format: 1,
  listeners: [],
  routes: [],
  backends: [],
  settings: { clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] }, accessLog: { mode: "errors" } },
};

let kept: VersionedSnapshot | undefined;

/** Version 0 and nothing in it before the first publish. */
export async function currentSnapshot(
  store: DurableObjectStub<ConfigStore>,
): Promise<{ readonly version: number; readonly snapshot: Snapshot }> {
  const newer = await store.readUnless(kept?.hash);
  if (newer === "none") return { version: 0, snapshot: none };
  if (newer === "same") return kept!;
  kept = await openSnapshot(newer.summary.version, newer.summary.hash, newer.packed);
  return kept;
}
