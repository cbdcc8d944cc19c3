// The agent's slice of the snapshot: what the edge may ask it to dial. The last good one is kept on disk, so a restart
// knows its endpoints before the edge has spoken.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BackendTls } from "#contract/backend-tls.ts";
import type { ProxyProtocolVersion } from "#contract/proxy-protocol-version.ts";
import { endpointKey } from "#contract/snapshot.ts";
import type { BackendProtocol, Endpoint } from "#contract/snapshot.ts";
import { tunnelConfigSchema } from "#contract/sync.ts";
import type { TunnelConfig } from "#contract/sync.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import { proxiedConnectionField, readProxiedConnection } from "#contract/proxied-connection.ts";
import { encodeProxyHeader } from "#traffic/connection/proxy-protocol.ts";
import { type CheckPlan, compileChecks, type StepPlan } from "#traffic/health/check-plan.ts";
import { systemCode } from "./agent-error.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import type { DialTarget } from "./dial.ts";
import type { Log } from "./log.ts";

/** One endpoint with what its backend says about it. */
export interface SliceEndpoint {
  /** `endpointKey(backend, endpoint.id)`. */
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly protocol: BackendProtocol;
  readonly tls: BackendTls | undefined;
  readonly connectTimeoutMs: number | undefined;
  /** Connections that carry requests begin with it. */
  readonly proxyProtocol: ProxyProtocolVersion | undefined;
  /** What the connection for a request begins with. Absent: nothing. */
  readonly header?: Uint8Array;
  /** Endpoints with the same one are reached in the same way and can share connections. */
  readonly connectionKey: string;
  /** The same as the slice has it, whoever the client is. */
  readonly slicedKey: string;
  readonly check: CheckPlan | undefined;
  /** Way to the endpoint and what its check asks, as text: a check with the same one goes on. */
  readonly checkSubject: string;
}

export interface ConfigSlice {
  /** 0 for none. */
  readonly version: number;
  readonly endpoints: ReadonlyMap<string, SliceEndpoint>;
  /** Takes a newer slice and calls the listeners at once; ignores any version at or below its own. */
  accept(config: TunnelConfig): void;
  onChange(listener: () => void): void;
  /** Forgets the slice: after a new join, whose edge may count versions from 1 again. */
  forget(): void;
  /** Resolves once what was accepted is on disk (or could not be written, which the log has). */
  stored(): Promise<void>;
}

/** Opens the slice stored in `dataDir`, if it is there, readable and of this tunnel. */
export async function openConfigSlice(dataDir: string, tunnel: string, log: Log): Promise<ConfigSlice> {
  const path = join(dataDir, "tunnel-config.json");
  const listeners: (() => void)[] = [];
  let version = 0;
  let endpoints = new Map<string, SliceEndpoint>();
  // Writes run one after another, so the newest is the one that stays.
  let writing: Promise<void> = Promise.resolve();

  const use = (config: TunnelConfig) => {
    version = config.version;
    endpoints = indexEndpoints(config);
  };
  const stored = await loadStored(path, log);
  if (stored?.tunnel === tunnel) use(stored);

  return {
    get version() {
      return version;
    },
    get endpoints() {
      return endpoints;
    },
    accept(config) {
      if (config.tunnel !== tunnel || config.version <= version) return;
      use(config);
      log.info("config_accepted", { version, endpoints: endpoints.size });
      writing = writing
        .then(() => writeFileAtomic(path, JSON.stringify(config)))
        .catch((error: unknown) => log.error("config_not_stored", { reason: String(error) }));
      for (const listener of listeners) listener();
    },
    onChange: (listener) => void listeners.push(listener),
    forget() {
      version = 0;
    },
    stored: () => writing,
  };
}

function indexEndpoints(config: TunnelConfig): Map<string, SliceEndpoint> {
  const index = new Map<string, SliceEndpoint>();
  for (const { name, endpoints, ...backend } of config.backends) {
    const { protocol, tls, connectTimeoutMs, proxyProtocol, activeHealthCheck } = backend;
    const wayText = JSON.stringify([protocol, tls ?? null, connectTimeoutMs ?? null, proxyProtocol ?? null]);
    const checkOf = activeHealthCheck && compileChecks(activeHealthCheck, protocol);
    for (const endpoint of endpoints) {
      const key = endpointKey(name, endpoint.id);
      const check = checkOf?.(endpoint);
      const connectionKey = `${endpoint.address} ${endpoint.port} ${wayText}`;
      const checkSubject = JSON.stringify([
        connectionKey,
        activeHealthCheck ?? null,
        endpoint.healthCheck ?? null,
      ]);
      const way = { protocol, tls, connectTimeoutMs, proxyProtocol, connectionKey, slicedKey: connectionKey };
      index.set(key, { key, endpoint, ...way, check, checkSubject });
    }
  }
  return index;
}

/** The endpoint for one request, whose connection begins with its client's where the backend says so. */
export function targetFor(target: SliceEndpoint, fields: Fields): SliceEndpoint {
  if (!target.proxyProtocol) return target;
  const told = fields.find(([name]) => name === proxiedConnectionField)?.[1] ?? "";
  const header = encodeProxyHeader(target.proxyProtocol, readProxiedConnection(told));
  return {
    ...target,
    header,
    connectionKey: `${target.connectionKey} ${Buffer.from(header).toString("base64")}`,
  };
}

/** What to open for a connection to an endpoint, or for a step of its check. */
export function dialTargetOf(
  { endpoint, protocol, tls, connectTimeoutMs, header }: SliceEndpoint,
  step?: StepPlan,
): DialTarget {
  const { address, port } = endpoint;
  if (!step) return { address, port, protocol, tls, connectTimeoutMs, ...(header && { header }) };
  const { hostname } = step;
  return {
    address: step.address,
    port: step.port,
    protocol: step.protocol,
    tls: hostname === undefined ? tls : { ...tls, hostname },
    connectTimeoutMs,
    header: step.header,
  };
}

async function loadStored(path: string, log: Log): Promise<TunnelConfig | undefined> {
  try {
    return tunnelConfigSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    // The edge sends the slice again on connecting; a damaged file only costs the time until then.
    if (systemCode(error) !== "ENOENT") log.warn("config_unreadable", { path, reason: String(error) });
    return undefined;
  }
}
