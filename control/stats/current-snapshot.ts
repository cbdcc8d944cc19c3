// The snapshot that is current, for everything that describes the system. Unpacking and proving it takes milliseconds for
// a large one, so the last is kept.
import type { Snapshot, VersionedSnapshot } from "#contract/snapshot.ts";
import type { ConfigStore } from "../store/config-store.ts";
import { unpackSnapshot } from "../store/packed-json.ts";

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
  kept = await unpackSnapshot(newer.summary.version, newer.summary.hash, newer.packed);
  return kept;
}
