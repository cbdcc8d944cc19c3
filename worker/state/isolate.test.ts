import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import type { VersionedSnapshot } from "#contract/snapshot.ts";
import type { SyncRequest, SyncResponse } from "#contract/sync.ts";
import { quietIsolate, testBackend, testSnapshot } from "../testing/test-gateway.ts";
import { Isolate, type IsolateInputs } from "./isolate.ts";

const version = (number: number): VersionedSnapshot => ({
  version: number,
  hash: `sha256:${"0".repeat(64)}`,
  snapshot: testSnapshot([{}], [{ ...testBackend("pods", 1), tunnel: "prod" }]),
});

/** An isolate on a clock of the test's, with all that it sent and logged. */
function setUp(inputs: Partial<IsolateInputs>) {
  const clock = { nowMs: 0 };
  const sent: SyncRequest[] = [];
  const logged: string[] = [];
  const background: Promise<unknown>[] = [];
  let respond: (request: SyncRequest) => Promise<SyncResponse> = () => Promise.resolve({ tunnels: {} });
  const isolate = new Isolate({
    ...quietIsolate(),
    nowMs: () => clock.nowMs,
    log: (event) => void logged.push(event),
    sync: (request) => {
      sent.push(request);
      return respond(request);
    },
    ...inputs,
  });
  return {
    clock,
    sent,
    logged,
    isolate,
    ready: () => isolate.ready({ waitUntil: (promise) => void background.push(promise) }),
    awaitNews: () => isolate.awaitNews({ waitUntil: (promise) => void background.push(promise) }),
    respond: (next: typeof respond) => void (respond = next),
    settled: () => Promise.all(background),
  };
}

const answering = (response: SyncResponse) => () => Promise.resolve(response);

test("the first request waits for the snapshot; the next ones find it and cost no call", async () => {
  const { ready, respond, sent, clock } = setUp({});
  respond(answering({ snapshot: version(3), tunnels: {} }));
  const plans = await Promise.all([ready(), ready(), ready()]);
  expect(plans.map((plan) => plan.version)).toEqual([3, 3, 3]);
  clock.nowMs = 999;
  expect(ready()).not.toBeInstanceOf(Promise);
  expect(sent).toHaveLength(1);
});

test("the region may hold a heartbeat that no request waits for, and requests go on while it does", async () => {
  const { ready, respond, sent, clock, settled } = setUp({});
  respond(answering({ snapshot: version(1), tunnels: {} }));
  await ready();
  const news = Promise.withResolvers<SyncResponse>();
  respond(() => news.promise);
  clock.nowMs = 1_000;
  ready();
  clock.nowMs = 1_800;
  expect(ready()).not.toBeInstanceOf(Promise);
  expect(sent.map(({ holdMs }) => holdMs)).toEqual([0, limits.syncHoldMs]);
  news.resolve({ snapshot: version(2), tunnels: {} });
  await settled();
  expect((await ready()).version).toBe(2);
});

test("a request that waits for news has heartbeats without another request, none while one is held", async () => {
  const { ready, awaitNews, respond, sent, clock, settled } = setUp({});
  respond(answering({ snapshot: version(1), tunnels: {} }));
  await ready();
  const news = Promise.withResolvers<SyncResponse>();
  respond(() => news.promise);
  for (clock.nowMs = 50; clock.nowMs < 1_000; clock.nowMs += 50) awaitNews();
  expect(sent.map(({ holdMs }) => holdMs)).toEqual([0, limits.syncHoldMs]);
  news.resolve({ snapshot: version(2), tunnels: {} });
  await settled();
  expect((await ready()).version).toBe(2);
});

test("without a state object the last good snapshot serves, and a request in a while asks again", async () => {
  const { ready, respond, sent, clock, logged, settled } = setUp({
    lastGood: () => Promise.resolve(version(2)),
  });
  respond(() => Promise.reject(new Error("down")));
  expect((await ready()).version).toBe(2);
  expect(logged).toEqual(["sync_failed", "snapshot_adopted"]);
  for (clock.nowMs = 10; clock.nowMs < 1_000; clock.nowMs += 10) expect(ready()).not.toBeInstanceOf(Promise);
  expect(sent).toHaveLength(1);
  clock.nowMs = 1_000;
  expect(ready()).not.toBeInstanceOf(Promise);
  expect(sent).toHaveLength(2);
  await settled();
});

test("with nothing to serve the request is refused", async () => {
  const { ready, respond } = setUp({ lastGood: () => Promise.reject(new Error("no KV")) });
  respond(() => Promise.reject(new Error("down")));
  await expect(ready()).rejects.toMatchObject({ code: "config_unavailable" });
});

test("an older version changes nothing, a newer one replaces the plan as a whole", async () => {
  const { ready, respond, clock, settled } = setUp({});
  const serve = async (number: number): Promise<number> => {
    respond(answering({ snapshot: version(number), tunnels: {} }));
    clock.nowMs += 1_000;
    await ready();
    await settled();
    return (await ready()).version;
  };
  expect(await serve(5)).toBe(5);
  expect(await serve(4)).toBe(5);
  expect(await serve(6)).toBe(6);
});

test("a snapshot that cannot be compiled is reported once, and the one before stays", async () => {
  const { compile } = quietIsolate();
  const { ready, respond, clock, logged, settled } = setUp({
    compile: (snapshot, previous) => {
      if (snapshot.version === 2) throw new Error("bad");
      return compile(snapshot, previous);
    },
  });
  for (const number of [1, 2, 2]) {
    respond(answering({ snapshot: version(number), tunnels: {} }));
    clock.nowMs += 1_000;
    await ready();
    await settled();
  }
  expect((await ready()).version).toBe(1);
  expect(logged).toEqual(["snapshot_adopted", "snapshot_refused"]);
});

test("while a version is compiled the one before serves, and no heartbeat asks for it again", async () => {
  const { compile } = quietIsolate();
  const gate = Promise.withResolvers<void>();
  const { ready, respond, clock, sent, settled } = setUp({
    compile: function* (snapshot, previous) {
      yield;
      return yield* compile(snapshot, previous);
    },
    pause: () => gate.promise,
  });
  const beat = async (response: SyncResponse): Promise<number> => {
    respond(answering(response));
    clock.nowMs += 1_000;
    return (await ready()).version;
  };
  // The first one is needed at once.
  expect(await beat({ snapshot: version(1), tunnels: {} })).toBe(1);
  await beat({ snapshot: version(2), tunnels: {} });
  expect(await beat({ tunnels: { prod: [1] } })).toBe(1);
  expect(sent.map(({ snapshotVersion }) => snapshotVersion)).toEqual([0, 1, 2]);
  gate.resolve();
  await settled();
  const plan = await ready();
  expect(plan.version).toBe(2);
  expect(plan.tunnels.get("prod")!.shardsToTry(0)).toEqual([1, 0]);
});

test("a version whose compiling was cut off is asked for again", async () => {
  const { compile } = quietIsolate();
  const { ready, respond, clock, sent } = setUp({
    compile: function* (snapshot, previous) {
      yield;
      return yield* compile(snapshot, previous);
    },
    pause: () => new Promise(() => {}),
  });
  respond(answering({ snapshot: version(1), tunnels: {} }));
  await ready();
  respond(answering({ snapshot: version(2), tunnels: {} }));
  for (clock.nowMs = 1_000; clock.nowMs <= 8_000; clock.nowMs += 1_000) await ready();
  expect(sent.map(({ snapshotVersion }) => snapshotVersion)).toEqual([0, 1, 2, 2, 2, 2, 1, 2, 2]);
});

test("counters are sent once, and again when they were not taken", async () => {
  const { isolate, ready, respond, clock, sent, settled } = setUp({});
  respond(answering({ snapshot: version(1), tunnels: {} }));
  await ready();
  isolate.errors.count("no_endpoint");
  respond(() => Promise.reject(new Error("down")));
  clock.nowMs = 1_000;
  await ready();
  await settled();
  respond(answering({ tunnels: {} }));
  for (clock.nowMs = 2_000; clock.nowMs <= 3_000; clock.nowMs += 1_000) {
    await ready();
    await settled();
  }
  expect(sent.map(({ counters }) => counters)).toEqual([
    { sync_calls_total: 1 },
    { sync_calls_total: 1, 'errors_total{code="no_endpoint"}': 1 },
    { sync_calls_total: 2, 'errors_total{code="no_endpoint"}': 1 },
    { sync_calls_total: 1 },
  ]);
});

test("health and tunnels of a heartbeat reach the plan, and carry over to the next one", async () => {
  const { ready, respond, clock, settled } = setUp({});
  const sick = { version: 9, unhealthy: ["pods|127.0.0.1:1"] };
  respond(answering({ snapshot: version(1), health: sick, tunnels: { prod: [1] } }));
  await ready();
  respond(answering({ snapshot: version(2), tunnels: { prod: [1] } }));
  clock.nowMs = 1_000;
  await ready();
  await settled();
  const plan = await ready();
  expect(plan.version).toBe(2);
  expect(plan.backends.get("pods")!.balancer.pick({ nowMs: 1_000 })).toBe(-1);
  expect(plan.tunnels.get("prod")!.shardsToTry(0)).toEqual([1, 0]);
});

test("while an endpoint may come back the region is asked sooner", async () => {
  const { ready, respond, sent, clock, settled } = setUp({});
  respond(answering({ snapshot: version(1), tunnels: {}, nextSyncMs: 300 }));
  await ready();
  respond(answering({ tunnels: {} }));
  const times: number[] = [];
  for (clock.nowMs = 10; clock.nowMs < 2_000; clock.nowMs += 10) {
    const before = sent.length;
    await ready();
    await settled();
    if (sent.length > before) times.push(clock.nowMs);
  }
  expect(times).toEqual([300, 1_300]);
});
