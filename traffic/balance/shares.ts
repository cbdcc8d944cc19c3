// Which part of a backend's traffic each endpoint gets, from weights, health, priorities and zones: Envoy's priority levels
// with overprovisioning and panic (docs: arch_overview/upstream/load_balancing/{priority,panic_threshold}).
import type { Endpoint } from "#contract/snapshot.ts";

export interface ShareSettings {
  /** A level whose healthy percentage times this reaches 100 % bears the whole load; 1.4 in Envoy. */
  readonly overprovisioning: number;
  /** Healthy part of a level below which its health is ignored; 0: never. */
  readonly panicShare: number;
}

export interface ShareInput {
  /** 0: takes no part, neither as an endpoint nor in the count of healthy ones. */
  readonly weight: Float64Array;
  /** Dense, 0 is preferred. */
  readonly level: Int32Array;
  /** 1: healthy. */
  readonly usable: Uint8Array;
}

/** One priority level as it stands, for status and `explain`. */
export interface LevelStatus {
  readonly endpoints: number;
  readonly healthy: number;
  /** Part of the backend's load, 0 to 1. */
  readonly load: number;
  /** Health is ignored: too few endpoints are healthy for the load, so it is spread over all of them. */
  readonly panic: boolean;
}

interface Level {
  endpoints: number;
  healthy: number;
  /** Sum of the weights of those that are used. */
  weight: number;
  load: number;
  panic: boolean;
}

/** Levels by priority and, within each, the local zone before the others. Without `localZone` zones do not matter. */
export function assignLevels(endpoints: readonly Endpoint[], localZone: string | undefined): Int32Array {
  const wanted = endpoints.map(
    ({ priority = 0, zone }) => 2 * priority + (localZone !== undefined && zone !== localZone ? 1 : 0),
  );
  const dense = [...new Set(wanted)].sort((a, b) => a - b);
  const denseOf = new Map(dense.map((level, index) => [level, index]));
  return Int32Array.from(wanted, (level) => denseOf.get(level)!);
}

/** Writes each endpoint's share to `out` (0: none) and returns how the levels stand. */
export function computeShares(
  input: ShareInput,
  settings: ShareSettings,
  out: Float64Array,
): readonly LevelStatus[] {
  const levels = countLevels(input);
  spreadLoad(levels, settings);
  for (let index = 0; index < input.weight.length; index++) {
    const level = levels[input.level[index]!]!;
    if (isUsed(input, index, level)) level.weight += input.weight[index]!;
  }
  // Shares of the first loaded level are its weights where it bears everything, so weights stay recognisable.
  const unit = levels.find(({ load, weight }) => load > 0 && weight > 0)?.weight ?? 0;
  for (let index = 0; index < input.weight.length; index++) {
    const level = levels[input.level[index]!]!;
    const used = level.load > 0 && isUsed(input, index, level);
    out[index] = used ? input.weight[index]! * level.load * (unit / level.weight) : 0;
  }
  return levels.map(({ endpoints, healthy, load, panic }) => ({ endpoints, healthy, load, panic }));
}

function isUsed(input: ShareInput, index: number, level: Level): boolean {
  return input.weight[index]! > 0 && (level.panic || input.usable[index] === 1);
}

function countLevels(input: ShareInput): Level[] {
  const levels: Level[] = [];
  for (let index = 0; index < input.weight.length; index++) {
    const number = input.level[index]!;
    while (levels.length <= number) {
      levels.push({ endpoints: 0, healthy: 0, weight: 0, load: 0, panic: false });
    }
    if (input.weight[index] === 0) continue;
    levels[number]!.endpoints++;
    if (input.usable[index] === 1) levels[number]!.healthy++;
  }
  return levels;
}

/** Fills `load` and `panic`. */
function spreadLoad(levels: Level[], { overprovisioning, panicShare }: ShareSettings): void {
  const available = levels.map(({ endpoints, healthy }) =>
    endpoints === 0 ? 0 : Math.min(1, (healthy / endpoints) * overprovisioning),
  );
  const total = available.reduce((sum, share) => sum + share, 0);
  if (total >= 1) {
    let rest = 1;
    levels.forEach((level, index) => {
      level.load = Math.min(rest, available[index]!);
      rest -= level.load;
    });
    return;
  }
  // All levels together cannot bear the load: those that are worst off stop looking at health.
  for (const level of levels) {
    level.panic = level.endpoints > 0 && level.healthy < level.endpoints * panicShare;
  }
  if (total > 0) levels.forEach((level, index) => (level.load = available[index]! / total));
  else panicWithoutHealth(levels);
}

/** Nothing is healthy anywhere. With a panic threshold the levels share the load by size, else there is nothing to pick. */
function panicWithoutHealth(levels: Level[]): void {
  const endpoints = levels.reduce((sum, level) => sum + (level.panic ? level.endpoints : 0), 0);
  for (const level of levels) level.load = level.panic ? level.endpoints / endpoints : 0;
}
