// The isolate's copy of the region's state: the compiled plan that requests run on, and the heartbeat that keeps it
// fresh. Never two heartbeats at once, and never a request that pays for one on a busy gateway (decision 0002).
import type { Administration } from "#contract/administration.ts";
import { GatewayError } from "#contract/error.ts";
import { limits } from "#contract/limits.ts";
import { endpointKey, type VersionedSnapshot } from "#contract/snapshot.ts";
import { allAtOnce, type Steps, withPauses } from "#contract/steps.ts";
import type { SelfReport, SyncRequest, SyncResponse } from "#contract/sync.ts";
import type { Lifetime } from "../exchange.ts";
import type { LimitCounters } from "../limit/limit-counters.ts";
import type { Increments, RequestCounters } from "../plan/request-counters.ts";
import type { SnapshotPlan } from "../plan/snapshot-plan.ts";
import { ErrorCounters } from "../report/error-counters.ts";
import type { LineLog } from "../report/line-log.ts";
import { withTimeLimit } from "../time-limit.ts";
import { SyncSchedule } from "./sync-schedule.ts";

export interface IsolateInputs {
  /** Random id of this isolate. */
  readonly gateway: string;
  readonly nowMs: () => number;
  /**
   * One heartbeat. Rejects when the region's state object does not answer. Calls `answered` when the answer is there,
   * which may take a while to read.
   */
  readonly sync: (request: SyncRequest, answered: () => void) => Promise<SyncResponse>;
  /** The last good snapshot, kept where it can be read without the state object; undefined when there is none. */
  readonly lastGood: () => Promise<VersionedSnapshot | undefined>;
  /** Of all plans, whose last requests may still be under way when the next one is there. */
  readonly requestCounters: Pick<RequestCounters, "take">;
  /** Counts besides those of requests and errors. */
  readonly limitCounters: Pick<LimitCounters, "take">;
  readonly compile: (snapshot: VersionedSnapshot, previous: SnapshotPlan | undefined) => Steps<SnapshotPlan>;
  /** Between two steps of compiling: requests that wait go first. */
  readonly pause: () => Promise<void>;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  readonly accessLog: LineLog;
}

type Observed = NonNullable<SyncRequest["observed"]>;

/** Compiling that has not ended after this long is given up: the request that it belonged to may have been cancelled. */
const abandonMs = 5_000;

export class Isolate {
  readonly errors = new ErrorCounters();
  readonly accessLog: LineLog;
  readonly #inputs: IsolateInputs;
  readonly #schedule = new SyncSchedule();
  /** Increments that the region has not acknowledged yet. */
  readonly #unsent: Increments = { counters: new Map(), histograms: new Map() };
  #plan: SnapshotPlan | undefined;
  #healthVersion = 0;
  #unhealthy: ReadonlySet<string> = new Set();
  #ejected: ReadonlySet<string> = new Set();
  #reports: Readonly<Record<string, SelfReport>> = {};
  #administration: Administration | undefined;
  #tunnels: SyncResponse["tunnels"] = {};
  /** Version that is being compiled. */
  #coming: { readonly version: number; readonly sinceMs: number } | undefined;
  /** Version that could not be compiled; not tried again. */
  #badVersion = 0;
  #sync: Promise<void> = Promise.resolve();

  constructor(inputs: IsolateInputs) {
    this.#inputs = inputs;
    this.accessLog = inputs.accessLog;
  }

  /**
   * The plan to serve a request with; starts a heartbeat that is due, off the request's path. A promise only where the
   * request has to wait, which rejects with `config_unavailable` when there is nothing to serve with.
   */
  ready(lifetime: Lifetime): SnapshotPlan | Promise<SnapshotPlan> {
    const nowMs = this.#inputs.nowMs();
    this.#beatIfDue(lifetime, nowMs);
    if (this.#plan && !this.#schedule.mustWait(nowMs)) return this.#plan;
    return this.#waitForPlan();
  }

  /** Whether the region's checks have found it down. */
  isUnhealthy(endpointKey: string): boolean {
    return this.#unhealthy.has(endpointKey);
  }

  /** For a request that waits for news, as often as it likes: otherwise only new requests start heartbeats. */
  awaitNews(lifetime: Lifetime): void {
    const nowMs = this.#inputs.nowMs();
    this.#schedule.expectNews(nowMs);
    this.#beatIfDue(lifetime, nowMs);
  }

  #beatIfDue(lifetime: Lifetime, nowMs: number): void {
    if (!this.#schedule.isDue(nowMs)) return;
    this.#sync = this.#heartbeat();
    lifetime.waitUntil(this.#sync);
  }

  async #waitForPlan(): Promise<SnapshotPlan> {
    await withTimeLimit(this.#sync, limits.syncWaitMs, () =>
      this.#schedule.waitedInVain(this.#inputs.nowMs()),
    );
    if (!this.#plan) await this.#loadLastGood();
    if (!this.#plan) throw new GatewayError("config_unavailable");
    return this.#plan;
  }

  /** Never rejects. */
  async #heartbeat(): Promise<void> {
    const { nowMs, sync, log } = this.#inputs;
    const mayBeHeld = this.#schedule.started(nowMs());
    // From here on what is held is as fresh as can be; reading and compiling may take longer than a heartbeat.
    const answered = (): void => this.#schedule.settled(nowMs());
    const sent = this.#takeCounters();
    const observed = this.#takeObserved();
    try {
      const request = this.#syncRequest(sent, observed, mayBeHeld);
      const response = await sync(request, answered);
      answered();
      this.#expectNews(request, response);
      await this.#apply(response, request);
    } catch (error) {
      // What the region did not take is sent again. Counted twice when only its answer was lost.
      putBack(sent, this.#unsent);
      this.#putBackObserved(observed);
      log("sync_failed", { reason: String(error) });
      answered();
    }
  }

  /** Endpoints may return: by the region's checks, or because their ejection is over. */
  #expectNews({ ejections = {} }: SyncRequest, { nextSyncMs }: SyncResponse): void {
    if (nextSyncMs !== undefined) this.#schedule.expectNews(this.#inputs.nowMs() + nextSyncMs);
    for (const { untilMs } of Object.values(ejections)) this.#schedule.expectNews(untilMs);
  }

  #syncRequest(sent: Increments, observed: Observed, mayBeHeld: boolean): SyncRequest {
    const ejections = this.#watchEndpoints();
    return {
      holdMs: mayBeHeld ? this.#holdMs(ejections) : 0,
      gateway: this.#inputs.gateway,
      snapshotVersion: this.#knownVersion(),
      healthVersion: this.#healthVersion,
      administrationVersion: this.#administration?.version ?? 0,
      counters: Object.fromEntries(sent.counters),
      histograms: Object.fromEntries(sent.histograms),
      gauges: this.#gauges(),
      ejections,
      ...(Object.keys(observed).length > 0 && { observed }),
    };
  }

  #takeObserved(): Observed {
    const observed: Observed = {};
    for (const { backend, errors } of this.#plan?.observed ?? []) {
      for (const [id, reached] of errors!.take()) observed[endpointKey(backend.name, id)] = reached;
    }
    return observed;
  }

  #putBackObserved(observed: Observed): void {
    for (const { backend, endpoints, errors } of this.#plan?.observed ?? []) {
      for (const { endpoint } of endpoints) {
        const reached = observed[endpointKey(backend.name, endpoint.id)];
        if (reached !== undefined) errors!.putBack(endpoint.id, reached);
      }
    }
  }

  /** No longer than an ejection of its own lasts, whose end the region is to be told. */
  #holdMs(ejections: SyncRequest["ejections"]): number {
    const nowMs = this.#inputs.nowMs();
    const ends = Object.values(ejections ?? {}).map(({ untilMs }) => Math.ceil(untilMs - nowMs));
    return Math.max(0, Math.min(limits.syncHoldMs, ...ends));
  }

  /** Of the plan, or of the one that is being compiled. */
  #knownVersion(): number {
    const served = this.#plan?.version ?? 0;
    const { version, sinceMs } = this.#coming ?? { version: 0, sinceMs: 0 };
    return this.#inputs.nowMs() - sinceMs < abandonMs ? Math.max(served, version) : served;
  }

  #watchEndpoints(): SyncRequest["ejections"] {
    const ejections: NonNullable<SyncRequest["ejections"]> = {};
    const nowMs = this.#inputs.nowMs();
    for (const backend of this.#plan?.watched ?? []) backend.watchEndpoints(ejections, nowMs);
    return ejections;
  }

  #takeCounters(): Increments {
    const { counters, histograms } = this.#unsent;
    this.#inputs.requestCounters.take(this.#unsent);
    this.errors.take(counters);
    this.#inputs.limitCounters.take(counters);
    counters.set("sync_calls_total", (counters.get("sync_calls_total") ?? 0) + 1);
    const taken = { counters: new Map(counters), histograms: new Map(histograms) };
    counters.clear();
    histograms.clear();
    return taken;
  }

  #gauges(): Record<string, number> {
    const gauges = new Map<string, number>();
    for (const backend of this.#plan?.backends.values() ?? []) backend.gauges(gauges);
    return Object.fromEntries(gauges);
  }

  async #apply(
    { snapshot, health, administration, tunnels }: SyncResponse,
    { observed }: SyncRequest,
  ): Promise<void> {
    this.#tunnels = tunnels;
    if (observed) for (const { errors } of this.#plan?.observed ?? []) errors!.settle();
    if (health && health.version !== this.#healthVersion) {
      this.#healthVersion = health.version;
      this.#unhealthy = new Set(health.unhealthy);
      this.#ejected = new Set(health.ejected);
      this.#reports = health.reports ?? {};
      this.#applyHealth();
    } else if (observed) this.#applyHealth();
    if (administration && administration.version > (this.#administration?.version ?? 0)) {
      this.#administration = administration;
      this.#applyAdministration();
    }
    this.#applyTunnels();
    if (snapshot) await this.#adopt(snapshot);
  }

  /**
   * Requests keep the plan that they started with, and go on with the one before while the next is compiled. A snapshot
   * that cannot be compiled changes nothing. Never rejects.
   */
  async #adopt(snapshot: VersionedSnapshot): Promise<void> {
    const { compile, pause, log, nowMs } = this.#inputs;
    const { version, hash } = snapshot;
    if (version <= this.#knownVersion() || version === this.#badVersion) return;
    const previous = this.#plan;
    this.#coming = { version, sinceMs: nowMs() };
    try {
      const steps = compile(snapshot, previous);
      // Without a plan nobody can be served in between.
      const plan = previous ? await withPauses(steps, pause) : allAtOnce(steps);
      // Another one was faster.
      if (version <= (this.#plan?.version ?? 0)) return;
      this.#plan = plan;
    } catch (error) {
      this.#badVersion = version;
      log("snapshot_refused", { version, reason: String(error) });
      return;
    } finally {
      if (this.#coming.version === version) this.#coming = undefined;
    }
    this.#applyHealth();
    this.#applyAdministration();
    this.#applyTunnels();
    log("snapshot_adopted", { version, hash });
  }

  #applyTunnels(): void {
    for (const [name, tunnel] of this.#plan?.tunnels ?? []) tunnel.setPresent(this.#tunnels[name] ?? []);
  }

  #applyHealth(): void {
    const nowMs = this.#inputs.nowMs();
    for (const backend of this.#plan?.backends.values() ?? [])
      backend.applyHealth(this.#unhealthy, this.#reports, nowMs);
    for (const backend of this.#plan?.watched ?? []) backend.applyEjections(this.#ejected, nowMs);
  }

  #applyAdministration(): void {
    if (!this.#administration) return;
    const nowMs = this.#inputs.nowMs();
    for (const backend of this.#plan?.backends.values() ?? []) {
      backend.applyAdministration(this.#administration, nowMs);
    }
  }

  async #loadLastGood(): Promise<void> {
    try {
      const snapshot = await this.#inputs.lastGood();
      if (snapshot) await this.#adopt(snapshot);
    } catch (error) {
      this.#inputs.log("last_good_unavailable", { reason: String(error) });
    }
  }
}

function putBack(sent: Increments, unsent: Increments): void {
  for (const [name, count] of sent.counters) {
    unsent.counters.set(name, (unsent.counters.get(name) ?? 0) + count);
  }
  for (const [name, values] of sent.histograms) {
    const known = unsent.histograms.get(name);
    unsent.histograms.set(name, known ? known.map((value, index) => value + values[index]!) : values);
  }
}
