// Which direct endpoints are probed, and when. The region's state object dials; what it saw comes back to `ended`.
import type { ObservePolicy } from "#contract/backend-policy.ts";
import type { ActiveHealthCheck, Endpoint, Snapshot, SnapshotBackend } from "#contract/snapshot.ts";
import { endpointKey } from "#contract/snapshot.ts";
import { type CheckPlan, compileChecks } from "../health/check-plan.ts";
import { type CheckState, type ProbeResult, observe, startCheck, step } from "../health/active-check.ts";
import type { Verdict } from "./health-table.ts";

export interface Probe {
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly plan: CheckPlan;
}

interface Entry {
  readonly probe: Probe;
  /** What is checked, and how, as text. */
  readonly subject: string;
  /** What requests may say about it. */
  readonly observed: ObservePolicy | undefined;
  state: CheckState;
  underWay: boolean;
}

export class ProbeSchedule {
  readonly #random: () => number;
  #entries = new Map<string, Entry>();

  /** `random` gives numbers in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes over a snapshot. An endpoint keeps its verdict as long as its check stays the same. */
  replace(snapshot: Snapshot, nowMs: number): void {
    const entries = new Map<string, Entry>();
    for (const backend of snapshot.backends) {
      if (backend.tunnel === undefined && backend.healthCheck.active) this.#schedule(backend, entries, nowMs);
    }
    this.#entries = entries;
  }

  #schedule(
    { name, protocol, endpoints, healthCheck }: SnapshotBackend,
    into: Map<string, Entry>,
    nowMs: number,
  ) {
    const active = healthCheck.active!;
    const ofBackend = JSON.stringify([active, protocol]);
    let checkOf: ReturnType<typeof compileChecks> | undefined;
    for (const endpoint of endpoints) {
      const key = endpointKey(name, endpoint.id);
      const subject = ofBackend + JSON.stringify(endpoint.healthCheck ?? null);
      const known = this.#entries.get(key);
      const before = known?.subject === subject ? known : undefined;
      const plan = before?.probe.plan ?? (checkOf ??= compileChecks(active, protocol))(endpoint);
      if (!plan) continue;
      const state = before?.state ?? startCheck(plan.policy, nowMs, this.#random());
      const observed = healthCheck.observe;
      into.set(key, { probe: { key, endpoint, plan }, subject, observed, state, underWay: false });
    }
  }

  /** At most `room` probes to start now; each must be followed by `ended`. */
  start(nowMs: number, room: number): Probe[] {
    const due: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (!entry.underWay && entry.state.nextProbeMs <= nowMs) due.push(entry);
    }
    // The one that has waited for longest first, so that none starves when there is no room for all.
    due.sort((a, b) => a.state.nextProbeMs - b.state.nextProbeMs);
    const started = due.slice(0, Math.max(room, 0));
    for (const entry of started) entry.underWay = true;
    return started.map((entry) => entry.probe);
  }

  /** Returns true when the verdict on the endpoint has changed. */
  ended(probe: Probe, result: ProbeResult, nowMs: number): boolean {
    const entry = this.#entries.get(probe.key);
    // The snapshot has changed meanwhile: what was seen answers another question.
    if (!entry || entry.probe.plan !== probe.plan) return false;
    const before = entry.state;
    entry.underWay = false;
    entry.state = step(probe.plan.policy, before, result, nowMs, this.#random());
    return entry.state.healthy !== before.healthy || entry.state.draining !== before.draining;
  }

  /** Requests have met errors, as often as that. Returns true when the verdict on the endpoint has changed. */
  observed(key: string, reached: number, nowMs: number): boolean {
    const entry = this.#entries.get(key);
    if (!entry?.observed) return false;
    const before = entry.state;
    entry.state = observe(entry.probe.plan.policy, before, entry.observed, reached, nowMs);
    return entry.state.healthy !== before.healthy;
  }

  /** When the next probe is due; `Infinity` when none is to come. */
  nextMs(): number {
    let nextMs = Infinity;
    for (const { underWay, state } of this.#entries.values()) {
      if (!underWay) nextMs = Math.min(nextMs, state.nextProbeMs);
    }
    return nextMs;
  }

  /** When the next verdict may change at the earliest; `Infinity` while all checks find endpoints well. */
  nextChangeMs(): number {
    let changeMs = Infinity;
    for (const { state, probe } of this.#entries.values()) {
      if (state.proven && state.healthy && state.contrary === 0) continue;
      changeMs = Math.min(changeMs, state.nextProbeMs + timeToChangeMs(probe.plan.policy, state));
    }
    return changeMs;
  }

  verdicts(): Verdict[] {
    return Array.from(this.#entries.values(), ({ probe, state }): Verdict => {
      const { healthy, draining, reason, sinceMs } = state;
      return { key: probe.key, healthy, ...(draining && { draining }), reason, sinceMs, source: "gateway" };
    });
  }

  /** States to store: an object that starts anew must not believe in dead endpoints until it has probed them. */
  states(): [string, CheckState][] {
    return Array.from(this.#entries, ([key, { state }]) => [key, state]);
  }

  /** After `replace`. Probes are due at once: what was stored may be old. */
  restore(states: Iterable<readonly [string, CheckState]>, nowMs: number): void {
    for (const [key, state] of states) {
      const entry = this.#entries.get(key);
      if (entry) entry.state = { ...state, nextProbeMs: Math.min(state.nextProbeMs, nowMs) };
    }
  }
}

/** From the next probe on, if that and all that follow contradict the verdict. The first probe of all decides alone. */
function timeToChangeMs(check: ActiveHealthCheck, { healthy, proven, contrary }: CheckState): number {
  if (!proven) return 0;
  const threshold = healthy ? check.unhealthyThreshold : check.healthyThreshold;
  return (threshold - contrary - 1) * (check.fastIntervalMs ?? check.intervalMs);
}
