// The agent, put together: identity, one connection per hub, streams to endpoints, health reports, drain.
import { rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import { limits } from "#contract/limits.ts";
import type { HubMessage } from "#contract/tunnel/control-message.ts";
import { errorFields } from "./agent-error.ts";
import { openDataDir, writeFileAtomic } from "./atomic-file.ts";
import { openConfigSlice } from "./config-slice.ts";
import type { ConfigSlice } from "./config-slice.ts";
import { TunnelConnection } from "./connection.ts";
import { createDial, type Dial } from "./dial.ts";
import { dialOptions } from "./dial-options.ts";
import { readCaFile } from "./edge-request.ts";
import { createEndpointPools } from "./endpoint-pool.ts";
import type { EndpointPools } from "./endpoint-pool.ts";
import { createHealthProber } from "./health-prober.ts";
import type { HealthProber, Verdict } from "./health-prober.ts";
import { healthReports } from "./health-report.ts";
import { IdentityKeeper } from "./identity-keeper.ts";
import { openIdentityStore } from "./identity-store.ts";
import type { Identity } from "./identity-store.ts";
import { joinTunnel } from "./join.ts";
import { AgentTotals, openMetrics } from "./metrics.ts";
import type { Log } from "./log.ts";
import type { AgentOptions } from "./options.ts";
import { reloadedOptions } from "./reload.ts";
import { RenewalExchange } from "./renewal-exchange.ts";
import { startShard } from "./shard.ts";
import type { Shard } from "./shard.ts";
import { createStreamRouter } from "./stream-router.ts";
import type { StreamRouter } from "./stream-router.ts";
import { agentVersion } from "./version.ts";

/** Longest wait for an endpoint's TCP (and TLS) connection. */
const connectTimeoutMs = 5_000;
/** From the first hub that lets the agent in: one that is down must not keep it from being ready. */
const otherHubsMs = 10_000;
/** How often the whole health report is repeated, so that no hub stays wrong for long. */
const reportIntervalMs = 10_000;

/** How long WebSockets have for their closing handshake once the drain timeout is over. */
const goodbyeMs = 1_000;

/** Refusals that another certificate could cure. */
const identityRefusals = new Set([
  "issuer_unknown",
  "expired",
  "spiffe_id_invalid",
  "trust_domain_mismatch",
  "tunnel_mismatch",
  "revoked",
]);

export interface Agent {
  /** Goes away on every connection, lets open streams finish (up to the drain timeout), closes. Idempotent. */
  drain(): Promise<void>;
  /**
   * Takes over what may change while it runs (`reload.ts`), without a stream that ends for it; the log says what did not.
   * Options that cannot work change nothing.
   */
  reload(options: AgentOptions): void;
  /** Writes what it is doing to `DIR/dump.json` (mode 0600), without keys, tokens or anything of a client. */
  dump(): Promise<void>;
  /** Resolves when the agent has ended. */
  readonly closed: Promise<void>;
}

/**
 * Starts the agent; joining and connecting go on in the background until it is drained. Throws `AgentError` for options
 * that cannot work: allow rules, files, the data directory.
 */
export async function startAgent(options: AgentOptions, log: Log): Promise<Agent> {
  let current = createDial(dialOptions(options, connectTimeoutMs));
  const dial: Dial = (target, callback) => current(target, callback);
  await readCaFile(options.caFile);
  await openDataDir(options.data);
  // Left by an earlier run, it would say that this one serves.
  if (options.readyFile !== undefined) await rm(options.readyFile, { force: true });
  const slice = await openConfigSlice(options.data, options.tunnel, log);
  const pools = createEndpointPools(dial);
  let logsStreams = options.logStreams;
  const router = createStreamRouter({ slice, pools, dial, logsStreams: () => logsStreams, nowMs: Date.now });
  const running = new RunningAgent(options, log, { slice, pools, router }, (next) => {
    current = createDial(dialOptions(next, connectTimeoutMs));
    logsStreams = next.logStreams;
  });
  if (options.metrics) await running.serveMetrics(options.metrics);
  running.start(
    createHealthProber({
      dial,
      log,
      nowMs: Date.now,
      random: Math.random,
      onChange: (key, verdict) => running.report({ [key]: verdict }, false),
    }),
  );
  return running;
}

interface Parts {
  readonly slice: ConfigSlice;
  readonly pools: EndpointPools;
  readonly router: StreamRouter;
}

class RunningAgent implements Agent {
  readonly closed: Promise<void>;
  #options: AgentOptions;
  readonly #log: Log;
  readonly #slice: ConfigSlice;
  readonly #pools: EndpointPools;
  readonly #router: StreamRouter;
  readonly #runBy: (options: AgentOptions) => void;
  readonly #renewals = new RenewalExchange();
  readonly #stopping = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #shards: readonly Shard[] = [];
  #identity: Identity | undefined;
  #keeper: IdentityKeeper | undefined;
  #prober: HealthProber | undefined;
  #reporter: NodeJS.Timeout | undefined;
  #announcedReady = false;
  /** Until the agent is ready without the hubs that have not let it in. */
  #patience: NodeJS.Timeout | undefined;
  readonly #totals = new AgentTotals();
  #metrics: Server | undefined;

  /** `runBy`: endpoints are dialled, and streams logged, as these options say. Throws `AgentError`, with nothing changed. */
  constructor(
    options: AgentOptions,
    log: Log,
    { slice, pools, router }: Parts,
    runBy: (options: AgentOptions) => void,
  ) {
    this.#options = options;
    this.#log = log;
    this.#slice = slice;
    this.#pools = pools;
    this.#router = router;
    this.#runBy = runBy;
    this.closed = this.#closed.promise;
  }

  start(prober: HealthProber): void {
    const options = this.#options;
    const { edge, tunnel, instance } = options;
    this.#log.info("started", { edge, tunnel, instance, configVersion: this.#slice.version });
    this.#prober = prober;
    prober.retarget(this.#slice.endpoints);
    this.#slice.onChange(() => {
      prober.retarget(this.#slice.endpoints);
      this.#pools.retain(this.#slice.endpoints);
      this.report({}, false);
    });
    this.#reporter = setInterval(() => this.report(prober.verdicts(), true), reportIntervalMs);
    this.#keeper = new IdentityKeeper(
      {
        tunnel,
        store: openIdentityStore(options.data),
        log: this.#log,
        nowMs: Date.now,
        random: Math.random,
        join: () => joinTunnel(this.#options, this.#stopping.signal),
        renew: (csrPem) => this.#renewals.request(this.#serving()[0], csrPem),
        onIdentity: (identity, { joined }) => this.#useIdentity(identity, joined),
        onTrust: (identity) => {
          this.#identity = identity;
        },
      },
      this.#stopping.signal,
    );
  }

  /** Throws `AgentError` when the port cannot be had. */
  async serveMetrics(address: { readonly host: string; readonly port: number }): Promise<void> {
    this.#metrics = await openMetrics(address, {
      tunnel: this.#options.tunnel,
      connections: () => this.#shards.flatMap((shard) => shard.connections()),
      totals: this.#totals,
      identity: () => this.#identity,
      configVersion: () => this.#slice.version,
      verdicts: () => this.#prober?.verdicts() ?? {},
    });
  }

  /** Sends health verdicts to every hub. */
  report(verdicts: Readonly<Record<string, Verdict>>, full: boolean): void {
    for (const connection of this.#serving()) this.#sendReport(connection, verdicts, full);
  }

  async drain(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.closed;
    this.#stopping.abort();
    const { drainTimeoutMs } = this.#options;
    const drained = Promise.all(this.#shards.map((shard) => shard.drain("the agent is shutting down")));
    if (!(await settlesWithin(drained, drainTimeoutMs))) {
      this.#log.warn("drain_timeout", { drainTimeoutMs });
      if (this.#router.closeWebSockets() > 0) await settlesWithin(drained, goodbyeMs);
    }
    for (const shard of this.#shards) shard.terminate();
    clearInterval(this.#reporter);
    this.#prober?.stop();
    this.#metrics?.close();
    this.#metrics?.closeAllConnections();
    await Promise.all([this.#pools.close(), this.#slice.stored(), this.#keeper?.stopped]);
    this.#log.info("stopped");
    this.#closed.resolve();
  }

  reload(read: AgentOptions): void {
    const { options, changed, ignored } = reloadedOptions(this.#options, read);
    try {
      this.#runBy(options);
    } catch (error) {
      return this.#log.error("reload_failed", errorFields(error));
    }
    this.#options = options;
    // Requests that have a connection finish on it; the next ones dial, and are refused where the list says so now.
    this.#pools.retain(new Map());
    this.#log.info("reloaded", { changed: changed.join(", ") });
    if (ignored.length === 0) return;
    this.#log.warn("reload_ignored", {
      options: ignored.join(", "),
      remedy: "Restart the agent: these options are read at its start only.",
    });
  }

  async dump(): Promise<void> {
    const { edge, tunnel, instance, zone, allow, data } = this.#options;
    const { spiffeId, serial, notAfterMs } = this.#identity ?? {};
    const path = join(data, "dump.json");
    const state = {
      time: new Date().toISOString(),
      program: { version: agentVersion, node: process.version, uptimeS: Math.round(process.uptime()) },
      options: { edge, tunnel, instance, zone, allow },
      identity: { spiffeId, serial, notAfterMs },
      config: { version: this.#slice.version, endpoints: [...this.#slice.endpoints.keys()] },
      verdicts: this.#prober?.verdicts() ?? {},
      connections: this.#shards.flatMap((shard) => shard.connections().map((one) => one.describe())),
      memory: process.memoryUsage(),
    };
    try {
      await writeFileAtomic(path, `${JSON.stringify(state, undefined, 2)}\n`);
      this.#log.info("dumped", { path });
    } catch (error) {
      this.#log.error("dump_not_written", errorFields(error));
    }
  }

  #serving(): TunnelConnection[] {
    return this.#shards.flatMap((shard) => {
      const connection = shard.active();
      return connection?.serving ? [connection] : [];
    });
  }

  #sendReport(
    connection: TunnelConnection,
    verdicts: Readonly<Record<string, Verdict>>,
    full: boolean,
  ): void {
    for (const message of healthReports(this.#slice.version, verdicts, full)) connection.send(message);
  }

  #useIdentity(identity: Identity, joined: boolean): void {
    this.#identity = identity;
    if (joined) this.#slice.forget();
    if (this.#shards.length > 0) {
      for (const shard of this.#shards) shard.replace();
      return;
    }
    this.#shards = Array.from({ length: limits.hubsPerTunnel }, (_, shard) =>
      startShard({
        open: () => this.#open(shard),
        onReady: (connection) => this.#connectionReady(connection),
        nowMs: () => performance.now(),
        random: Math.random,
      }),
    );
  }

  #open(shard: number): TunnelConnection {
    const { edge, edgeSocket, tunnel, instance, zone, caFile } = this.#options;
    const identity = this.#identity!;
    return new TunnelConnection({
      edge,
      edgeSocket,
      tunnel,
      shard,
      instance,
      ...(zone !== undefined && { zone }),
      identity,
      log: this.#log,
      routeStream: this.#router.route,
      // The roots that the edge announced count, too, so that a root can be rotated without touching every agent.
      readEdgeRoots: async () => `${await readCaFile(caFile)}\n${identity.trustBundlePem}`,
      onMessage: (connection, message) => this.#message(connection, message),
      onRefused: (code) => {
        if (identityRefusals.has(code)) this.#keeper?.reject(identity.serial);
      },
    });
  }

  #connectionReady(connection: TunnelConnection): void {
    this.#keeper?.accept(connection.identity.serial);
    this.#totals.authenticated += 1;
    void connection.closed.then(() => this.#totals.add(connection.tally!));
    this.#sendReport(connection, this.#prober?.verdicts() ?? {}, true);
    // Who is ended when this one is ready may be the last at a hub that this one has not come to yet.
    if (this.#shards.every((shard) => shard.active())) this.#announceReady();
    else this.#patience ??= setTimeout(() => this.#announceReady(), otherHubsMs).unref();
  }

  #announceReady(): void {
    clearTimeout(this.#patience);
    if (this.#announcedReady || this.#stopping.signal.aborted) return;
    this.#announcedReady = true;
    this.#log.info("ready");
    const { readyFile } = this.#options;
    if (readyFile === undefined) return;
    writeFile(readyFile, "").catch((error: unknown) =>
      this.#log.error("ready_file_not_written", { reason: String(error) }),
    );
  }

  #message(connection: TunnelConnection, message: HubMessage): void {
    switch (message.type) {
      case "config":
        return this.#slice.accept(message.config);
      case "renewed":
        return this.#renewals.answered(connection, message.id, message.certificate);
      case "renew-refused":
        return this.#renewals.refused(connection, message.id, message.error);
      case "trust":
        return this.#keeper?.trust(message.rootsPem, message.signer);
    }
  }
}

/** Whether the promise resolves in time. */
async function settlesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timeout = Promise.withResolvers<false>();
  const timer = setTimeout(() => timeout.resolve(false), timeoutMs);
  const settled = await Promise.race([promise.then(() => true), timeout.promise]);
  clearTimeout(timer);
  return settled;
}
