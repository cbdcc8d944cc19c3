import { expect, test } from "vitest";
import { pickAgent } from "./agent-table.ts";
import type { AgentLoad } from "./agent-table.ts";

const agent = (changes: Partial<AgentLoad> = {}): AgentLoad => ({
  streams: 0,
  inFlightBytes: 0,
  draining: false,
  configVersion: 1,
  isHealthy: () => undefined,
  ...changes,
});
const none: ReadonlySet<AgentLoad> = new Set();

test("the least loaded agent serves; bytes on the way count as load", () => {
  const [busy, bulk, idle] = [
    agent({ streams: 5 }),
    agent({ inFlightBytes: 1_048_576 }),
    agent({ streams: 2 }),
  ];
  expect(pickAgent([busy, bulk, idle], "e", none, 0)).toBe(idle);
  expect(pickAgent([busy, bulk], "e", none, 0)).toBe(busy);
});

test("equals take turns", () => {
  const agents = [agent(), agent(), agent()];
  const picks = [0, 1, 2, 3].map((turn) => agents.indexOf(pickAgent(agents, "e", none, turn)!));
  expect(picks).toEqual([0, 1, 2, 0]);
});

test("an agent that drains or was tried is not picked", () => {
  const [draining, tried] = [agent({ draining: true }), agent()];
  expect(pickAgent([draining, tried], "e", new Set([tried]), 0)).toBeUndefined();
  expect(pickAgent([], "e", none, 0)).toBeUndefined();
});

test("an agent that reaches the endpoint goes before one that does not, and that before none", () => {
  const cannot = agent({ isHealthy: () => false });
  const can = agent({ isHealthy: () => true, streams: 100 });
  expect(pickAgent([cannot, can], "e", none, 0)).toBe(can);
  expect(pickAgent([cannot], "e", none, 0)).toBe(cannot);
});

test("the newest configuration goes before less load", () => {
  const [old, current] = [agent({ configVersion: 1 }), agent({ configVersion: 2, streams: 9 })];
  expect(pickAgent([old, current], "e", none, 0)).toBe(current);
});
