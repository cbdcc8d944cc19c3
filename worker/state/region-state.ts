// RegionState: the Durable Object that a region's gateways and tunnel hubs share. It asks the control once per second
// while anybody needs it, and answers heartbeats from memory. A shell: storage, alarm and calls around `RegionMachine`.
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { administrationSchema } from "#contract/administration.ts";
import { HeldCalls } from "#contract/held-calls.ts";
import { objectUrl } from "#contract/object-path.ts";
import { type VersionedSnapshot, nameSchema } from "#contract/snapshot.ts";
import { allAtOnce, withPauses } from "#contract/steps.ts";
import { splitSyncText, syncText } from "#contract/sync-text.ts";
import { hubReportSchema, type SyncRequest, syncRequestSchema, trustSchema } from "#contract/sync.ts";
import { limits } from "#contract/limits.ts";
import type { Probe } from "#traffic/region/probe-schedule.ts";
import { type GatewayAnswer, RegionMachine } from "#traffic/region/region-machine.ts";
import type { HubRef } from "#traffic/region/hub-roll.ts";
import type { Env } from "../env.ts";
import { objectFetch } from "../objects.ts";
import { hubName } from "#contract/tunnel/target.ts";
import { pause } from "../pause.ts";
import { withTimeLimit } from "../time-limit.ts";
import { compileConnectTo, type ConnectTo } from "./connect-to.ts";
import { snapshotKey } from "./last-good.ts";
import { runProbe } from "./probe.ts";
import { RegionSnapshot } from "./region-snapshot.ts";
import { RegionStorage } from "./region-storage.ts";

/** A heartbeat that finds the control's last answer older than this waits for a new one … */
const pullFreshMs = 500;
/** … for at most this long: an isolate's own patience is `limits.syncWaitMs`. */
const pullWaitMs = 300;
/** Longest call, besides what the one called may hold it for. */
const callTimeoutMs = limits.syncHoldMs + 2_000;
const persistIntervalMs = 10_000;
/** Connections of probes at the same time. */
const maxProbes = 64;

const hubRefSchema = z.strictObject({
  tunnel: nameSchema,
  shard: z
    .int()
    .min(0)
    .max(limits.hubsPerTunnel - 1),
});

export class RegionState extends DurableObject<Env> {
  readonly #storage: RegionStorage;
  readonly #machine: RegionMachine;
  readonly #connectTo: ConnectTo;
  readonly #snapshot = new RegionSnapshot();
  #kvIsBehind = false;
  /** The call to the control that is under way. */
  #pull: { readonly ended: Promise<void>; readonly held: boolean } | undefined;
  #pulledMs = -Infinity;
  readonly #askedHubs = new Set<string>();
  #probesUnderWay = 0;
  #persistedMs = Date.now();
  /** When the alarm goes off next. */
  #wakeMs = Infinity;
  #checksChanged = false;
  /** Heartbeats of gateways that wait for news (decision 0019). */
  readonly #held = new HeldCalls();
  #newsMark = "";

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = new RegionStorage(ctx.storage);
    this.#connectTo = compileConnectTo(env.CONNECT_TO);
    const { stored, problems } = this.#storage.load((text) => allAtOnce(this.#snapshot.read(text)));
    for (const reason of problems) this.#log("region_storage_unreadable", { reason });
    this.#machine = new RegionMachine(env.REGION ?? "default", stored, Math.random, Date.now());
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname.endsWith("/sync")) return this.#gatewaySync(request);
    if (request.method === "POST" && pathname.endsWith("/hub")) return this.#hubAnnounce(request);
    return Response.json({ code: "not_found", message: "a region answers /sync and /hub" }, { status: 404 });
  }

  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    void this.#exchange();
    this.#startProbes(nowMs);
    this.#machine.refreshHealth(nowMs);
    this.#tellNews();
    if (this.#kvIsBehind) void this.#writeLastGood();
    if (nowMs - this.#persistedMs >= persistIntervalMs) this.#persist(nowMs);
    await this.#scheduleWake(nowMs);
  }

  /** The control first: what it takes back, a certificate say, is gone from the hubs with the same heartbeat. */
  async #exchange(): Promise<void> {
    await withTimeLimit(this.#pullFromControl(limits.syncHoldMs), pullWaitMs, () => undefined);
    this.#pushToHubs();
  }

  // --- gateways and hubs --------------------------------------------------------------------------------------------

  async #gatewaySync(request: Request): Promise<Response> {
    const sync = syncRequestSchema.safeParse(await request.json());
    if (!sync.success) return badRequest("sync_invalid", sync.error);
    await this.#freshEnough();
    const nowMs = Date.now();
    const first = this.#machine.gatewaySynced(sync.data, nowMs);
    this.#tellNews();
    await this.#wakeUp(nowMs);
    const { needsSnapshot, answer } = await this.#withNews(sync.data, first);
    const lines = needsSnapshot ? this.#snapshot.textFor(sync.data.snapshotHash) : undefined;
    return new Response(syncText(answer, lines));
  }

  /** `first`, unless the isolate knows all of it and has time. */
  async #withNews(sync: SyncRequest, first: GatewayAnswer): Promise<GatewayAnswer> {
    const { holdMs = 0 } = sync;
    const { needsSnapshot, answer } = first;
    if (holdMs === 0 || needsSnapshot || answer.health || answer.administration) return first;
    await this.#held.untilNews(() => scheduler.wait(holdMs));
    return this.#machine.gatewayAnswer(sync, Date.now());
  }

  /** Ends the heartbeats that wait, if there is anything that gateways are told of. */
  #tellNews(): void {
    const mark = this.#machine.newsMark(Date.now());
    if (mark === this.#newsMark) return;
    this.#newsMark = mark;
    this.#held.tellNews();
  }

  async #hubAnnounce(request: Request): Promise<Response> {
    const hub = hubRefSchema.safeParse(await request.json());
    if (!hub.success) return badRequest("hub_invalid", hub.error);
    await this.#freshEnough();
    const nowMs = Date.now();
    const push = this.#machine.hubAnnounced(hub.data, nowMs);
    this.#tellNews();
    await this.#wakeUp(nowMs);
    return Response.json(push);
  }

  #pushToHubs(): void {
    for (const { hub, push } of this.#machine.hubPushes(Date.now())) void this.#askHub(hub, push);
  }

  async #askHub(hub: HubRef, push: unknown): Promise<void> {
    const name = hubName(hub);
    if (this.#askedHubs.has(name)) return;
    this.#askedHubs.add(name);
    try {
      const request = jsonRequest(objectUrl("TunnelHub", name, "/push"), push);
      const response = await objectFetch(this.env, "TunnelHub", name, request);
      if (!response.ok) throw new Error(`the hub answered ${response.status}`);
      this.#machine.hubReported(hub, hubReportSchema.parse(await response.json()), Date.now());
      this.#tellNews();
    } catch (error) {
      this.#log("hub_unavailable", { ...hub, reason: String(error) });
    } finally {
      this.#askedHubs.delete(name);
    }
  }

  // --- control ------------------------------------------------------------------------------------------------------

  /** Waits a moment for the control when its last answer is not fresh, so that a heartbeat brings what is current. */
  async #freshEnough(): Promise<void> {
    // While the control holds a call it has nothing newer.
    if (this.#pull?.held || Date.now() - this.#pulledMs < pullFreshMs) return;
    await withTimeLimit(this.#pullFromControl(0), pullWaitMs, () => undefined);
    // A control that hangs is not waited for by every heartbeat.
    this.#pulledMs = Math.max(this.#pulledMs, Date.now());
  }

  /** Never rejects; never twice at once. */
  #pullFromControl(holdMs: number): Promise<void> {
    this.#pull ??= {
      held: holdMs > 0,
      ended: this.#askControl(holdMs).finally(() => {
        this.#pull = undefined;
        this.#pulledMs = Date.now();
      }),
    };
    return this.#pull.ended;
  }

  async #askControl(holdMs: number): Promise<void> {
    let text: string;
    try {
      const { hash } = this.#snapshot;
      const report = {
        ...this.#machine.controlRequest(Date.now()),
        ...(hash !== undefined && { snapshotHash: hash }),
        holdMs,
      };
      const request = jsonRequest("https://control/sync", report);
      const response = await this.env.CONTROL.fetch(request);
      if (!response.ok) throw new Error(`the control answered ${response.status}`);
      text = await response.text();
    } catch (error) {
      this.#log("control_unavailable", { reason: String(error) });
      return;
    }
    await this.#takeAnswer(text);
  }

  /** Never rejects; what is good in the answer is taken, whatever the rest is. */
  async #takeAnswer(text: string): Promise<void> {
    let answer: { trust?: unknown; administration?: unknown };
    let lines: string | undefined;
    try {
      ({ answer, lines } = splitSyncText(text) as { answer: typeof answer; lines: typeof lines });
    } catch (error) {
      return this.#log("control_unavailable", { reason: String(error) });
    }
    if (answer.trust !== undefined) this.#takeTrust(answer.trust);
    if (answer.administration !== undefined) this.#takeAdministration(answer.administration);
    if (lines !== undefined) await this.#takeSnapshot(lines);
    this.#tellNews();
    if (answer.trust !== undefined || lines !== undefined) this.#pushToHubs();
  }

  /** Never rejects. */
  async #takeSnapshot(lines: string): Promise<void> {
    let snapshot: VersionedSnapshot;
    try {
      snapshot = await withPauses(this.#snapshot.read(lines), pause);
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      return this.#log("snapshot_refused", { reason });
    }
    if (!this.#machine.takeSnapshot(snapshot, Date.now())) return;
    this.#storage.storeSnapshot(lines, this.#snapshot);
    this.#kvIsBehind = true;
    void this.#writeLastGood();
    this.#log("snapshot_taken", { version: snapshot.version, hash: snapshot.hash });
  }

  #takeTrust(value: unknown): void {
    const parsed = trustSchema.safeParse(value);
    if (!parsed.success) return this.#log("trust_refused", { reason: z.prettifyError(parsed.error) });
    if (this.#machine.takeTrust(parsed.data)) this.#storage.store("trust", JSON.stringify(parsed.data));
  }

  #takeAdministration(value: unknown): void {
    const parsed = administrationSchema.safeParse(value);
    if (!parsed.success)
      return this.#log("administration_refused", { reason: z.prettifyError(parsed.error) });
    if (!this.#machine.takeAdministration(parsed.data)) return;
    this.#storage.store("administration", JSON.stringify(parsed.data));
    this.#log("administration_taken", { version: parsed.data.version });
  }

  async #writeLastGood(): Promise<void> {
    const { hash } = this.#snapshot;
    const text = this.#snapshot.wholeText();
    if (text === undefined) return;
    try {
      await this.env.SNAPSHOTS.put(snapshotKey, text);
      if (hash === this.#snapshot.hash) this.#kvIsBehind = false;
    } catch (error) {
      this.#log("last_good_not_written", { reason: String(error) });
    }
  }

  // --- probes -------------------------------------------------------------------------------------------------------

  #startProbes(nowMs: number): void {
    for (const probe of this.#machine.probes.start(nowMs, maxProbes - this.#probesUnderWay)) {
      this.#probesUnderWay += 1;
      void this.#probe(probe);
    }
  }

  async #probe(probe: Probe): Promise<void> {
    const result = await runProbe(probe, this.#connectTo);
    this.#probesUnderWay -= 1;
    this.#checksChanged = true;
    const nowMs = Date.now();
    const changed = this.#machine.probeEnded(probe, result, nowMs);
    // Only now it is known when the endpoint is due again.
    void this.#wakeSooner(nowMs);
    if (!changed) return;
    this.#tellNews();
    this.#log("endpoint_health", { endpoint: probe.key, healthy: result.ok, reason: result.detail });
  }

  // --- storage and time ---------------------------------------------------------------------------------------------

  /** Coarsely: a crash loses ten seconds of counting, and health is probed anew. */
  #persist(nowMs: number): void {
    this.#persistedMs = nowMs;
    const { counters, histograms } = this.#machine;
    this.#storage.storeCounters(counters.takeChanged(), histograms.takeChanged());
    if (this.#checksChanged) this.#storage.store("checks", JSON.stringify(this.#machine.probes.states()));
    this.#checksChanged = false;
  }

  /** Starts the alarm when it is not running; it keeps itself going from then on. */
  async #wakeUp(nowMs: number): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.#scheduleWake(nowMs);
  }

  async #scheduleWake(nowMs: number): Promise<void> {
    const wakeMs = this.#machine.nextWakeMs(nowMs);
    this.#wakeMs = wakeMs ?? Infinity;
    if (wakeMs === undefined) this.#persist(nowMs);
    else await this.ctx.storage.setAlarm(wakeMs);
  }

  async #wakeSooner(nowMs: number): Promise<void> {
    const wakeMs = this.#machine.nextWakeMs(nowMs);
    if (wakeMs !== undefined && wakeMs < this.#wakeMs) await this.#scheduleWake(nowMs);
  }

  #log(event: string, fields: Record<string, unknown>): void {
    console.log(JSON.stringify({ event, region: this.env.REGION ?? "default", ...fields }));
  }
}

function jsonRequest(url: string, body: unknown): Request {
  return new Request(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(callTimeoutMs),
  });
}

function badRequest(code: string, error: z.ZodError): Response {
  return Response.json({ code, message: z.prettifyError(error) }, { status: 400 });
}
