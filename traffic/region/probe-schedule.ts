// Which direct endpoints are probed, and when. The region's state object dials; what it saw comes back to `ended`.
import type { ActiveHealthCheck, BackendProtocol, Endpoint, Snapshot } from "#contract/snapshot.ts";
import { endpointKey } from "#contract/snapshot.ts";
import { type CheckState, type ProbeResult, startCheck, step } from "../health/active-check.ts";
import type { Verdict } from "./health-table.ts";

export interface Probe {
  readonly key: string;
  readonly protocol: BackendProtocol;
  readonly endpoint: Endpoint;
  readonly check: ActiveHealthCheck;
}

interface Entry {
  readonly probe: Probe;
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
    for (const { name, tunnel, protocol, endpoints, healthCheck } of snapshot.backends) {
      const check = healthCheck.active;
      if (tunnel !== undefined || !check) continue;
      for (const endpoint of endpoints) {
        const key = endpointKey(name, endpoint.id);
        const before = this.#entries.get(key);
        const state =
          before && sameCheck(before.probe.check, check)
            ? before.state
            : startCheck(check, nowMs, this.#random());
        entries.set(key, { probe: { key, protocol, endpoint, check }, state, underWay: false });
      }
    }
    this.#entries = entries;
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
    if (!entry || !sameCheck(entry.probe.check, probe.check)) return false;
    const before = entry.state.healthy;
    entry.underWay = false;
    entry.state = step(probe.check, entry.state, result, nowMs, this.#random());
    return entry.state.healthy !== before;
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
      changeMs = Math.min(changeMs, state.nextProbeMs + timeToChangeMs(probe.check, state));
    }
    return changeMs;
  }

  verdicts(): Verdict[] {
    return Array.from(this.#entries.values(), ({ probe, state }): Verdict => {
      const { healthy, reason, sinceMs } = state;
      return { key: probe.key, healthy, reason, sinceMs, source: "gateway" };
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

function sameCheck(a: ActiveHealthCheck, b: ActiveHealthCheck): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
