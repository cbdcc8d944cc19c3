// Snapshots, reports and checks for the tests of a region.
import type { ActiveHealthCheck, SnapshotBackend, VersionedSnapshot } from "#contract/snapshot.ts";
import type { AgentStatus } from "#contract/sync.ts";

export const check: ActiveHealthCheck = {
  type: "TCP",
  intervalMs: 2_000,
  timeoutMs: 1_000,
  unhealthyThreshold: 2,
  healthyThreshold: 1,
};

/** Endpoints are 10.0.0.1 with these ports. */
export function backendOf(
  name: string,
  ports: number[],
  more: Partial<SnapshotBackend> = {},
): SnapshotBackend {
  return {
    name,
    protocol: "HTTP",
    endpoints: ports.map((port) => ({ id: `10.0.0.1:${port}`, address: "10.0.0.1", port, weight: 1 })),
    loadBalancer: { type: "RoundRobin" },
    healthCheck: {},
    ...more,
  };
}

export function snapshotWith(version: number, backends: SnapshotBackend[]): VersionedSnapshot {
  return {
    version,
    hash: `sha256:${"0".repeat(64)}`,
    snapshot: {
      format: 1,
      listeners: [],
      routes: [],
      backends,
      settings: {
        clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
        accessLog: { mode: "off" },
      },
    },
  };
}

export function agentOf(tunnel: string, shard: number, more: Partial<AgentStatus> = {}): AgentStatus {
  return {
    tunnel,
    shard,
    connection: "c",
    instance: "i",
    spiffeId: `spiffe://isthmus.local/agent/${tunnel}`,
    certificateSerial: "1",
    certificateNotAfterMs: 0,
    connectedAtMs: 0,
    configVersion: 1,
    streams: 0,
    draining: false,
    ...more,
  };
}
