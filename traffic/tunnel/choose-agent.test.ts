import { expect, test } from "vitest";
import { type AgentFacts, type AgentWish, chooseAgent } from "./choose-agent.ts";
import { Random } from "./testing/random.ts";
import { stalledAfterMs, WaitingStreams } from "./waiting-streams.ts";

const agent = (changes: Partial<AgentFacts> = {}): AgentFacts => ({
  streams: 0,
  inFlightBytes: 0,
  draining: false,
  configVersion: 1,
  zone: undefined,
  responsive: true,
  roundTripMs: 0,
  isHealthy: () => undefined,
  ...changes,
});
const wish = (changes: Partial<AgentWish<AgentFacts>> = {}): AgentWish<AgentFacts> => ({
  endpoint: "e",
  zone: undefined,
  tried: new Set(),
  ...changes,
});
const first = (): number => 0;

test("of two, the one with less load, or nearer, serves; bytes on the way count as load", () => {
  const [busy, bulk, idle, far] = [
    agent({ streams: 5 }),
    agent({ inFlightBytes: 1_048_576 }),
    agent({ streams: 2 }),
    agent({ roundTripMs: 80 }),
  ];
  expect(chooseAgent([busy, idle], wish(), first)).toBe(idle);
  expect(chooseAgent([busy, bulk], wish(), first)).toBe(busy);
  expect(chooseAgent([far, idle], wish(), first)).toBe(idle);
});

test("an agent that drains or was tried is not chosen", () => {
  const [draining, tried] = [agent({ draining: true }), agent()];
  expect(chooseAgent([draining, tried], wish({ tried: new Set([tried]) }), first)).toBeUndefined();
  expect(chooseAgent([], wish(), first)).toBeUndefined();
});

test.each<[string, Partial<AgentFacts>, Partial<AgentFacts>]>([
  ["one that answers", { streams: 100 }, { responsive: false }],
  ["one that reaches the endpoint", { isHealthy: () => true, streams: 100 }, { isHealthy: () => false }],
  ["the newest configuration", { configVersion: 2, streams: 9 }, { configVersion: 1 }],
  ["one that answers, whatever it knows", { configVersion: 1 }, { configVersion: 2, responsive: false }],
  ["one of the zone", { zone: "a", streams: 9 }, { zone: "b" }],
])("%s goes before the other, which serves where there is none else", (_what, better, worse) => {
  const [good, bad] = [agent(better), agent(worse)];
  for (const agents of [
    [good, bad],
    [bad, good],
  ])
    expect(chooseAgent(agents, wish({ zone: "a" }), first)).toBe(good);
  expect(chooseAgent([bad], wish({ zone: "a" }), first)).toBe(bad);
});

/** Agents that need some time for a stream, or for ever, under a load that arrives at random; seed printed on failure. */
function simulate(
  serviceMs: readonly number[],
  options: { readonly ratePerMs: number; readonly durationMs: number; readonly zones?: readonly string[] },
) {
  const seed = 20_261_128;
  const source = new Random(seed);
  const random = (): number => source.unit();
  const { ratePerMs, durationMs, zones } = options;
  const ends = serviceMs.map((): { stream: object; atMs: number }[] => []);
  const waiting = serviceMs.map(() => new WaitingStreams<object>());
  const picks = serviceMs.map((): number[] => []);
  for (let nowMs = 0; nowMs < durationMs; nowMs += 1) {
    for (const [index, running] of ends.entries()) {
      for (const { stream } of running.filter(({ atMs }) => atMs <= nowMs))
        waiting[index]!.ended(stream, true, nowMs);
      ends[index] = running.filter(({ atMs }) => atMs > nowMs);
    }
    if (random() >= ratePerMs) continue;
    const agents = serviceMs.map((_ms, index) =>
      agent({
        streams: ends[index]!.length,
        responsive: !waiting[index]!.isStalled(nowMs),
        zone: zones?.[index],
      }),
    );
    const index = agents.indexOf(chooseAgent(agents, wish({ zone: zones?.[0] }), random)!);
    const stream = {};
    waiting[index]!.started(stream, nowMs);
    ends[index]!.push({ stream, atMs: nowMs + serviceMs[index]! });
    picks[index]!.push(nowMs);
  }
  return { picks, seed };
}

test("simulation: equal agents share the load, a slow one gets less", () => {
  const { picks, seed } = simulate([20, 20, 20, 80], { ratePerMs: 0.1, durationMs: 60_000 });
  const [a, b, c, slow] = picks.map(({ length }) => length) as [number, number, number, number];
  expect(Math.max(a, b, c) / Math.min(a, b, c), `seed ${seed}`).toBeLessThan(1.2);
  expect(slow / a, `seed ${seed}`).toBeLessThan(0.8);
});

test("simulation: an agent that takes streams and answers none is avoided after three seconds", () => {
  const { picks, seed } = simulate([20, 20, Infinity], { ratePerMs: 0.1, durationMs: 60_000 });
  const stuck = picks[2]!;
  expect(stuck.length, `seed ${seed}`).toBeLessThan(30);
  expect(stuck.at(-1)! - stuck[0]!, `seed ${seed}`).toBeLessThanOrEqual(stalledAfterMs);
});

test("simulation: the zone's agents serve alone while they answer", () => {
  const { picks, seed } = simulate([20, 20, 20], {
    ratePerMs: 0.1,
    durationMs: 20_000,
    zones: ["a", "a", "b"],
  });
  expect(picks[2]!.length, `seed ${seed}`).toBe(0);
  const stuck = simulate([Infinity, 20], { ratePerMs: 0.1, durationMs: 20_000, zones: ["a", "b"] }).picks;
  expect(stuck[0]!.at(-1)! - stuck[0]![0]!, `seed ${seed}`).toBeLessThanOrEqual(stalledAfterMs);
});

test("a long poll makes no agent stalled that answers others; one that ends unanswered is forgotten", () => {
  const waiting = new WaitingStreams<string>();
  waiting.started("poll", 0);
  waiting.started("quick", 10_000);
  expect(waiting.isStalled(10_000)).toBe(true);
  waiting.ended("quick", true, 10_010);
  expect(waiting.isStalled(10_020)).toBe(false);
  expect(waiting.isStalled(13_010)).toBe(true);
  waiting.ended("poll", false, 13_020);
  expect(waiting.isStalled(20_000)).toBe(false);
});
