// The gateway isolates of a region, as their heartbeats tell. Bounded: a stranger cannot make isolates, but many requests
// can, and each start has a new id.

export interface GatewayPresence {
  readonly gateway: string;
  readonly snapshotVersion: number;
  readonly lastSyncMs: number;
}

/** An isolate that has not been heard of for this long is gone, or idle. */
export const gatewayExpiryMs = 60_000;
const maxGateways = 1_024;

export class GatewayRoll {
  readonly #gateways = new Map<string, GatewayPresence>();

  heard(gateway: string, snapshotVersion: number, nowMs: number): void {
    // An observer that serves nothing: the supervisor of `isthmus serve`, waiting for a version.
    if (gateway === "") return;
    this.#gateways.delete(gateway);
    this.#gateways.set(gateway, { gateway, snapshotVersion, lastSyncMs: nowMs });
    if (this.#gateways.size <= maxGateways) return;
    // In order of the last heartbeat: the first has been silent for longest.
    const [oldest] = this.#gateways.keys();
    this.#gateways.delete(oldest!);
  }

  present(nowMs: number): GatewayPresence[] {
    for (const [gateway, { lastSyncMs }] of this.#gateways) {
      if (nowMs - lastSyncMs < gatewayExpiryMs) break;
      this.#gateways.delete(gateway);
    }
    return [...this.#gateways.values()];
  }
}
