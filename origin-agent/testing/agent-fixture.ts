// An edge, pods and an agent for one test, on loopback with ports from the system, all ended with the test.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { BackendTls } from "#contract/backend-tls.ts";
import { endpointKey } from "#contract/snapshot.ts";
import type { ActiveHealthCheck, BackendProtocol } from "#contract/snapshot.ts";
import type { TunnelConfig } from "#contract/sync.ts";
import { startAgent } from "../agent.ts";
import type { Agent } from "../agent.ts";
import { createLog } from "../log.ts";
import type { AgentOptions } from "../options.ts";
import { createAuthority } from "./authority.ts";
import type { TestAuthority } from "./authority.ts";
import { FakeEdge } from "./fake-edge.ts";
import type { EdgeConnection, FakeEdgeOptions } from "./fake-edge.ts";
import { Journal } from "./journal.ts";

// Real sockets and processes: slow on a busy machine, and no failure for that.
vi.setConfig({ testTimeout: 30_000 });

export const tunnel = "production";
export const token = "join-token-1";

/** A line of the agent's log. */
export type LogLine = Record<string, unknown> & { event: string };

export interface Fixture {
  readonly authority: TestAuthority;
  readonly dir: string;
  readonly caFile: string;
  readonly tokenFile: string;
  startEdge(options?: Partial<FakeEdgeOptions>): Promise<FakeEdge>;
  startAgent(edge: { url: string }, options?: Partial<AgentOptions>): Promise<RunningAgent>;
}

export interface RunningAgent extends Agent {
  readonly log: Journal<LogLine>;
}

export async function createFixture(): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), "isthmus-agent-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const authority = await createAuthority();
  const caFile = join(dir, "ca.pem");
  const tokenFile = join(dir, "token");
  await Promise.all([writeFile(caFile, authority.rootPem), writeFile(tokenFile, `${token}\n`)]);
  return {
    authority,
    dir,
    caFile,
    tokenFile,
    async startEdge(options = {}) {
      const edge = await FakeEdge.start({ authority, tunnel, token, ...options });
      onTestFinished(() => edge.stop());
      return edge;
    },
    async startAgent(edge, options = {}) {
      const log = new Journal<LogLine>();
      const agent = await startAgent(
        {
          edge: edge.url,
          tunnel,
          joinTokenFile: tokenFile,
          caFile,
          allow: ["127.0.0.0/8", "::1"],
          data: join(dir, "data"),
          instance: "agent-1",
          drainTimeoutMs: 5_000,
          tlsDir: [],
          logStreams: false,
          connectTo: [],
          ...options,
        },
        createLog((line) => log.add(JSON.parse(line) as LogLine), Date.now),
      );
      onTestFinished(() => agent.drain());
      return Object.assign(agent, { log });
    },
  };
}

/** A configuration of one backend `pods` with these ports of 127.0.0.1. */
export function podConfig(ports: readonly number[], options: ConfigOptions = {}): TunnelConfig {
  const { version = 1, address = "127.0.0.1", protocol = "HTTP", tls, check } = options;
  const endpoints = ports.map((port) => ({ id: `${address}:${port}`, address, port, weight: 1 }));
  const backend = { name: "pods", protocol, endpoints, ...(tls && { tls }) };
  return {
    tunnel,
    version,
    hash: `sha256:${version}`,
    backends: [check ? { ...backend, activeHealthCheck: check } : backend],
  };
}

interface ConfigOptions {
  readonly version?: number;
  readonly address?: string;
  readonly protocol?: BackendProtocol;
  readonly tls?: BackendTls;
  readonly check?: ActiveHealthCheck;
}

export const podKey = (port: number, address = "127.0.0.1") => endpointKey("pods", `${address}:${port}`);

/** The first connection of the edge whose agent runs the configuration. */
export async function configured(edge: FakeEdge): Promise<EdgeConnection> {
  const version = edge.config?.version ?? 0;
  const event = await edge.events.find(
    (entry) =>
      entry.type === "message" && entry.message.type === "report" && entry.message.configVersion >= version,
  );
  if (event.type !== "message") throw new Error("unreachable");
  return event.connection;
}
