// Processes are replaced under load of every kind, one after the other, and no request fails for it.
// The long run, with fifty restarts, is test/soak/rolling-restarts.ts.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GrpcLoad } from "./system/grpc-load.ts";
import type { System } from "./system/isthmus.ts";
import type { MixedLoad } from "./system/mixed-load.ts";
import { eventually } from "./system/process.ts";
import { type ReplacedSystem, startReplacedSystem } from "./system/replaced-system.ts";

let replaced: ReplacedSystem;
let system: System;

beforeAll(async () => {
  replaced = await startReplacedSystem();
  system = replaced.system;
});

afterAll(() => replaced?.stop());

interface Ended {
  /** Codes and statuses with which WebSockets and long calls of gRPC ended, unasked. */
  readonly closeCodes: MixedLoad["closeCodes"];
  readonly statuses: GrpcLoad["endings"];
}

async function underLoad(act: () => Promise<void>): Promise<Ended> {
  const load = replaced.startLoad({ mixed: 2, grpc: 1 });
  const { mixed, grpc } = load;
  const isOn = async (what: string, answers: number, callAnswers: number): Promise<unknown> =>
    eventually(what, async () => mixed.answers() > answers + 200 && grpc.answers() > callAnswers + 50);
  try {
    await isOn("load is on", 0, 0);
    await act();
    await isOn("load goes on", mixed.answers(), grpc.answers());
  } finally {
    expect(await load.stop()).toEqual([]);
  }
  return { closeCodes: mixed.closeCodes, statuses: grpc.endings };
}

test("isthmus reload replaces every process; WebSockets and long calls are told to come again", async () => {
  const { closeCodes, statuses } = await underLoad(async () => {
    const reloaded = await system.run("reload", "--json");
    expect([reloaded.code, reloaded.stderr]).toEqual([0, ""]);
    expect(JSON.parse(reloaded.stdout)).toEqual({
      replaced: ["control", "state", "tunnel-door", "hub-0", "hub-1", "gateway-1"],
    });
    await eventually("old gateways and hubs have ended", async () =>
      ["hub-0", "hub-1", "gateway-1", "front-door-1"].every((name) => runs(name) === 2 && alive(name) === 1),
    );
  });
  expect([[...closeCodes.keys()], [...statuses.keys()]]).toEqual([[1012], ["UNAVAILABLE"]]);
}, 300_000);

test("one process by name; a name that does not exist is refused with those that do", async () => {
  await underLoad(async () => {
    const reloaded = await system.run("reload", "--process", "gateway-1");
    expect([reloaded.code, reloaded.stdout]).toEqual([0, "replaced gateway-1\n"]);
  });
  const refused = await system.run("reload", "--process", "gateway-9");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("no process gateway-9; there are control, state,");
}, 300_000);

test("a hub is replaced without a failure where the region hangs until its successor has asked in vain", async () => {
  const unanswered = (): number =>
    system.program.output().split(/^hub-0: .*"tunnel_region_unavailable"/m).length;
  const before = unanswered();
  await underLoad(async () => {
    const state = pidsOf("state").at(-1)!;
    process.kill(state, "SIGSTOP");
    const reloading = system.run("reload", "--process", "hub-0");
    try {
      // Of two agents that it cannot let in without knowing whom to trust.
      await eventually("the successor has asked in vain", async () => unanswered() > before);
    } finally {
      process.kill(state, "SIGCONT");
    }
    expect(await reloading).toMatchObject({ code: 0, stdout: "replaced hub-0\n" });
  });
}, 300_000);

test("agents are restarted in turn", async () => {
  const { closeCodes } = await underLoad(async () => {
    expect(await replaced.restartAgents()).toEqual([0, 0]);
  });
  expect([...closeCodes.keys()].filter((code) => code !== 1001)).toEqual([]);
}, 300_000);

test("a hub that is killed comes back, and requests that may be repeated go by the other one meanwhile", async () => {
  const connected = (): number => system.program.output().split(/^hub-0: .*"tunnel_connected"/m).length;
  const [before, hubs] = [connected(), runs("hub-0")];
  const statuses = new Map<number, number>();
  const stopping = new AbortController();
  const client = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const status = await replaced.get();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  await eventually("load is on", async () => (statuses.get(200) ?? 0) > 200);
  process.kill(pidsOf("hub-0").at(-1)!, "SIGKILL");
  try {
    await eventually("both agents are back", async () => connected() >= before + 2);
  } finally {
    stopping.abort();
    await clients;
  }
  expect([...statuses.keys()]).toEqual([200]);
  expect([runs("hub-0"), alive("hub-0")]).toEqual([hubs + 1, 1]);
}, 300_000);

const pidsOf = (name: string): number[] =>
  [...system.program.output().matchAll(new RegExp(`^${name} pid=(\\d+) started`, "gm"))].map((found) =>
    Number(found[1]),
  );

const runs = (name: string): number => pidsOf(name).length;

const alive = (name: string): number =>
  pidsOf(name).filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }).length;
