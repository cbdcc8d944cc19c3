// State of one backend's endpoints within this isolate: who may be picked, with what share, and what is under way.
// Algorithms read `members` and `share`; `generation` tells them when to rebuild what they derived from those.
import type { SlowStart } from "#contract/backend-policy.ts";
import type { Endpoint } from "#contract/snapshot.ts";
import type { LevelStatus, ShareSettings } from "./shares.ts";
import { assignLevels, computeShares } from "./shares.ts";
import { rampFactor, rampStepMs } from "./slow-start.ts";

/** Why an endpoint gets no new traffic; a bit each, so that one reason can end while another lasts. */
export const reasons = { unhealthy: 1, ejected: 2, drain: 4, maintenance: 8 } as const;
export type Reason = keyof typeof reasons;

const downInHealth = reasons.unhealthy | reasons.ejected;
const downByWill = reasons.drain | reasons.maintenance;

export interface PoolSettings extends ShareSettings {
  /** Name of the zone the gateway runs in; absent: no zone preference. */
  readonly localZone?: string | undefined;
  readonly slowStart?: SlowStart | undefined;
}

/** After an ejection the share grows over this time even when no slow start is configured: no stampede. */
const recoveryRamp: SlowStart = { windowMs: 10_000, minWeightPercent: 10, aggression: 1 };
const notRamping = -1;

export class EndpointPool {
  readonly size: number;
  readonly ids: readonly string[];
  /** Weight now in force; 0 for an endpoint that gets no new traffic. */
  readonly share: Float64Array;
  readonly inFlight: Int32Array;
  /** Configured, or an operator's, whatever the state. */
  readonly weights: Float64Array;
  totalInFlight = 0;
  /** Indexes with a share above 0, ascending; the first `memberCount` entries count. */
  readonly members: Int32Array;
  memberCount = 0;
  /** Grows whenever `share` or `members` changed. */
  generation = 0;
  /** Time from which `advance` has something to do. */
  nextRampMs = Infinity;
  /** How load is spread over the priority levels at present; for people. */
  levels: readonly LevelStatus[] = [];

  private readonly settings: PoolSettings;
  private readonly configuredWeight: Float64Array;
  private readonly level: Int32Array;
  private readonly down: Uint8Array;
  private readonly rampFromMs: Float64Array;
  private readonly rampOf: (SlowStart | undefined)[];
  private readonly effectiveWeight: Float64Array;
  private readonly usable: Uint8Array;

  constructor(endpoints: readonly Endpoint[], settings: PoolSettings) {
    this.size = endpoints.length;
    this.ids = endpoints.map(({ id }) => id);
    this.settings = settings;
    this.configuredWeight = Float64Array.from(endpoints, ({ weight }) => weight);
    this.weights = this.configuredWeight.slice();
    this.level = assignLevels(endpoints, settings.localZone);
    this.share = new Float64Array(this.size);
    this.inFlight = new Int32Array(this.size);
    this.members = new Int32Array(this.size);
    this.down = new Uint8Array(this.size);
    this.rampFromMs = new Float64Array(this.size).fill(notRamping);
    this.rampOf = Array.from<SlowStart | undefined>({ length: this.size });
    this.effectiveWeight = new Float64Array(this.size);
    this.usable = new Uint8Array(this.size);
    this.recompute();
  }

  /** Sets or clears one reason. An endpoint that comes back into use starts slowly where that is asked for. */
  mark(index: number, reason: Reason, on: boolean, nowMs: number): void {
    const before = this.down[index];
    if (before === undefined) return;
    const after = on ? before | reasons[reason] : before & ~reasons[reason];
    if (after === before) return;
    this.down[index] = after;
    if (after === 0) {
      const ramp = this.settings.slowStart ?? ((before & reasons.ejected) === 0 ? undefined : recoveryRamp);
      if (ramp !== undefined) this.startRamp(index, ramp, nowMs);
    }
    this.advance(nowMs);
  }

  /** Starts the configured slow start for an endpoint that is new. */
  introduce(index: number, nowMs: number): void {
    if (this.settings.slowStart === undefined) return;
    this.startRamp(index, this.settings.slowStart, nowMs);
    this.advance(nowMs);
  }

  /** Replaces the configured weight; undefined restores it. */
  setWeight(index: number, weight: number | undefined): void {
    const value = weight ?? this.configuredWeight[index];
    if (value === undefined || value === this.weights[index]) return;
    this.weights[index] = value;
    this.recompute();
  }

  has(index: number, reason: Reason): boolean {
    return ((this.down[index] ?? 0) & reasons[reason]) !== 0;
  }

  /** Whether an endpoint is up, whatever is done when none is. */
  hasUp(): boolean {
    return this.usable.some((_usable, index) => this.#isUp(index));
  }

  countUp(): number {
    return this.usable.reduce((count, _usable, index) => count + (this.#isUp(index) ? 1 : 0), 0);
  }

  #isUp(index: number): boolean {
    return this.usable[index] === 1 && this.effectiveWeight[index]! > 0;
  }

  /** Whether a session that is bound to the endpoint may go on there. Draining and weight 0 keep only new clients away. */
  keepsSessions(index: number): boolean {
    const down = this.down[index];
    if (down === undefined || (down & reasons.maintenance) !== 0) return false;
    return (down & downInHealth) === 0 || this.share[index]! > 0;
  }

  started(index: number): void {
    this.inFlight[index]!++;
    this.totalInFlight++;
  }

  ended(index: number): void {
    if (this.inFlight[index] === 0) throw new RangeError(`endpoint ${index} has no request under way`);
    this.inFlight[index]!--;
    this.totalInFlight--;
  }

  /** Brings the shares of starting endpoints up to date. Cheap to call early: see `nextRampMs`. */
  advance(nowMs: number): void {
    this.nextRampMs = Infinity;
    for (let index = 0; index < this.size; index++) {
      const ramp = this.rampOf[index];
      if (ramp === undefined) continue;
      if (nowMs - this.rampFromMs[index]! >= ramp.windowMs) {
        this.rampOf[index] = undefined;
        this.rampFromMs[index] = notRamping;
      } else {
        this.nextRampMs = Math.min(this.nextRampMs, nowMs + rampStepMs(ramp));
      }
    }
    this.recompute(nowMs);
  }

  private startRamp(index: number, ramp: SlowStart, nowMs: number): void {
    this.rampFromMs[index] = nowMs;
    this.rampOf[index] = ramp;
  }

  private recompute(nowMs = 0): void {
    for (let index = 0; index < this.size; index++) {
      const ramp = this.rampOf[index];
      const factor = ramp === undefined ? 1 : rampFactor(ramp, nowMs - this.rampFromMs[index]!);
      const stays = (this.down[index]! & downByWill) === 0;
      this.effectiveWeight[index] = stays ? this.weights[index]! * factor : 0;
      this.usable[index] = (this.down[index]! & downInHealth) === 0 ? 1 : 0;
    }
    this.levels = computeShares(
      { weight: this.effectiveWeight, level: this.level, usable: this.usable },
      this.settings,
      this.share,
    );
    this.memberCount = 0;
    for (let index = 0; index < this.size; index++) {
      if (this.share[index]! > 0) this.members[this.memberCount++] = index;
    }
    this.generation++;
  }
}
