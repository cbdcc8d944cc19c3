import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { limits } from "#contract/limits.ts";
import { SnapshotLines } from "#contract/snapshot-lines.ts";
import { parseSnapshotLines, SnapshotReader } from "#contract/snapshot-reader.ts";
import type { VersionedSnapshot } from "#contract/snapshot.ts";
import { allAtOnce } from "#contract/steps.ts";
import { readSyncText, syncText } from "#contract/sync-text.ts";
import type { ControlSyncAnswer, SyncRequest, SyncResponse } from "#contract/sync.ts";
import type { Env } from "../env.ts";
import { testBackend, testSnapshot } from "../testing/test-gateway.ts";
import {
  issueAgent,
  issueRoot,
  push,
  serialOf,
  startAgent,
  trustOf,
} from "../tunnel/testing/simulated-agent.ts";
import { eventually } from "../eventually.fixture.ts";
import { RegionState } from "./region-state.ts";
import { RegionStorage } from "./region-storage.ts";

const testEnv = env as unknown as Env;
let region = 0;

beforeEach(() => {
  region += 1;
  vi.restoreAllMocks();
  vi.spyOn(console, "log").mockImplementation(() => {});
});

const stub = () => testEnv.REGION_STATE!.get(testEnv.REGION_STATE!.idFromName(`region-${region}`));

const heartbeat: SyncRequest = { gateway: "g", snapshotVersion: 0, healthVersion: 0, counters: {} };

function post(path: string, body: unknown): Promise<Response> {
  return stub().fetch(`https://object/RegionState/x${path}`, { method: "POST", body: JSON.stringify(body) });
}

const wholeText = (snapshot: VersionedSnapshot): string => SnapshotLines.of(snapshot).text();

async function readSync(response: Response): Promise<SyncResponse> {
  return allAtOnce(readSyncText(await response.text(), new SnapshotReader()));
}

async function sync(request: Partial<SyncRequest> = {}): Promise<SyncResponse> {
  return readSync(await post("/sync", { ...heartbeat, ...request }));
}

const version = (number: number) => ({
  version: number,
  hash: `sha256:${"a".repeat(64)}`,
  snapshot: testSnapshot([{}], [{ ...testBackend("pods", 1), tunnel: "prod" }]),
});

interface ControlAnswer extends ControlSyncAnswer {
  lines?: string;
}

/** Puts a control in place of the one that is down. */
async function withControl(
  answer: (request: unknown) => ControlAnswer | Promise<ControlAnswer>,
): Promise<void> {
  await runInDurableObject(stub(), (instance) => {
    const control = {
      fetch: async (request: Request) => {
        const { lines, ...rest } = await answer(await request.json());
        return new Response(syncText(rest, lines));
      },
    };
    Object.assign(instance as RegionState, { env: { ...testEnv, CONTROL: control } });
  });
}

test("with the control down a heartbeat is answered from what is known", async () => {
  expect(await sync()).toMatchObject({ tunnels: {} });
});

test("a heartbeat brings what the control has published, once per version", async () => {
  await withControl(() => ({ lines: wholeText(version(3)) }));
  expect((await sync()).snapshot?.version).toBe(3);
  expect((await sync({ snapshotVersion: 3 })).snapshot).toBeUndefined();
});

test("a heartbeat that may be held ends with what the control is held for", async () => {
  const asked: unknown[] = [];
  const published = Promise.withResolvers<ControlAnswer>();
  await withControl(() => ({}));
  const healthVersion = (await sync()).health!.version;
  await withControl((request) => {
    asked.push((request as { holdMs?: number }).holdMs);
    return published.promise;
  });
  await eventually(async () => {
    await runDurableObjectAlarm(stub());
    expect(asked).toEqual([limits.syncHoldMs]);
  });
  const held = sync({ healthVersion, holdMs: limits.longestHoldMs });
  // With a call at the control nobody asks again, nor waits for it.
  expect((await sync()).snapshot).toBeUndefined();
  expect(asked).toHaveLength(1);
  published.resolve({ lines: wholeText(version(3)) });
  expect((await held).snapshot?.version).toBe(3);
});

test("a heartbeat that is behind is not held", async () => {
  await withControl(() => ({ lines: wholeText(version(3)) }));
  await sync();
  expect((await sync({ holdMs: limits.longestHoldMs })).snapshot?.version).toBe(3);
});

test("what the control sent survives the object, and lies in KV for isolates without it", async () => {
  await withControl(() => ({ lines: wholeText(version(4)) }));
  await sync();
  await eventually(async () => {
    const stored = await testEnv.SNAPSHOTS.get("snapshot");
    expect(parseSnapshotLines(stored ?? "")).toEqual(version(4));
  });
  // A new instance on the same storage, as after a restart; its control is down.
  const answer = await runInDurableObject(stub(), async (_instance, state) => {
    const request = new Request("https://object/RegionState/x/sync", {
      method: "POST",
      body: JSON.stringify(heartbeat),
    });
    return readSync(await new RegionState(state, testEnv).fetch(request));
  });
  expect(answer).toMatchObject({ snapshot: version(4) });
});

test("of a newer version a gateway gets what has changed; so it is stored, and comes back", async () => {
  const reader = new SnapshotReader();
  const asGateway = async (): Promise<{ chars: number; snapshot: VersionedSnapshot | undefined }> => {
    const known = reader.hash === undefined ? {} : { snapshotHash: reader.hash };
    const response = await post("/sync", { ...heartbeat, ...known });
    const text = await response.text();
    return { chars: text.length, snapshot: allAtOnce(readSyncText(text, reader)).snapshot };
  };
  const control = await withVersions();
  const whole = await asGateway();
  expect(whole.snapshot).toEqual(manyRoutes(1));
  await control.publish(2);
  await control.publish(3);
  // A gateway that has missed one gets both.
  const change = await asGateway();
  expect(change.snapshot).toEqual(manyRoutes(3));
  expect(change.chars).toBeLessThan(whole.chars / 10);
  await control.publish(4);
  expect(control.bases).toEqual([undefined, manyRoutes(1).hash, manyRoutes(2).hash, manyRoutes(3).hash]);

  const restarted = await runInDurableObject(stub(), async (_instance, state) => {
    const { sql } = state.storage;
    const kinds = sql.exec<{ kind: string }>("SELECT DISTINCT kind FROM part ORDER BY kind").toArray();
    expect(kinds.map(({ kind }) => kind)).toEqual(["snapshot", "snapshot+1", "snapshot+2", "snapshot+3"]);
    const request = new Request("https://object/RegionState/x/sync", {
      method: "POST",
      body: JSON.stringify(heartbeat),
    });
    return readSync(await new RegionState(state, testEnv).fetch(request));
  });
  expect(restarted.snapshot).toEqual(manyRoutes(4));
});

test("a change that cannot be read is ignored, and the next answer is to be a whole one", async () => {
  const control = await withVersions((text) => text.replace('"x2.test"', '"x 2"'));
  await control.publish(1);
  control.published = 2;
  await eventually(async () => {
    await runDurableObjectAlarm(stub());
    expect(control.bases.slice(0, 3)).toEqual([undefined, manyRoutes(1).hash, undefined]);
  });
  expect((await sync()).snapshot?.version).toBe(1);
  await control.publish(3);
});

/** A control with the versions of `manyRoutes`, the first of which is published; notes what it sent changes of. */
async function withVersions(damage = (text: string) => text) {
  const control = {
    published: 1,
    bases: [] as (string | undefined)[],
    publish: async (number: number) => {
      control.published = number;
      await eventually(async () => {
        await runDurableObjectAlarm(stub());
        expect((await sync()).snapshot?.version).toBe(number);
      });
    },
  };
  await withControl((request) => {
    const { snapshotVersion, snapshotHash } = request as { snapshotVersion: number; snapshotHash?: string };
    if (snapshotVersion >= control.published) return {};
    control.bases.push(snapshotHash);
    const lines = SnapshotLines.of(manyRoutes(control.published));
    const base = snapshotHash !== undefined && SnapshotLines.of(manyRoutes(snapshotVersion));
    return { lines: damage(base ? lines.changeText(base) : lines.text()) };
  });
  return control;
}

/** Of which one route is another in each version. */
function manyRoutes(number: number): VersionedSnapshot {
  const snapshot = testSnapshot([{}]);
  const [route] = snapshot.routes;
  snapshot.routes = Array.from({ length: 200 }, (_, index) => ({
    ...route!,
    name: `r-${String(index).padStart(3, "0")}`,
    hostnames: [index === 100 ? `x${number}.test` : `host-${index}.test`],
  }));
  return { version: number, hash: `sha256:${String(number).repeat(64)}`, snapshot };
}

test("a snapshot that is not one is ignored; trust beside it is not", async () => {
  const trust = { version: 1, trustDomain: "isthmus.local", rootsPem: ["x"], revokedSerials: [] };
  await withControl(() => ({ lines: JSON.stringify({ version: 9, hash: "nonsense" }), trust }));
  expect((await sync()).snapshot).toBeUndefined();
  expect(await (await post("/hub", { tunnel: "prod", shard: 0 })).json()).toEqual({ trust });
});

test("a hub that announces itself gets the slice of its tunnel", async () => {
  await withControl(() => ({ lines: wholeText(version(2)) }));
  const push = await (await post("/hub", { tunnel: "prod", shard: 1 })).json();
  expect(push).toMatchObject({ config: { tunnel: "prod", version: 2, backends: [{ name: "pods" }] } });
});

test.each([
  ["/sync", { gateway: 1 }],
  ["/hub", { tunnel: "prod", shard: 99 }],
])("%s refuses %j", async (path, body) => {
  expect((await post(path, body)).status).toBe(400);
});

test("the control is told of gateways and totals at each tick, as long as somebody speaks to the region", async () => {
  const told: { gateways: unknown[]; counters: Record<string, number> }[] = [];
  await withControl((request) => {
    told.push(request as (typeof told)[number]);
    return {};
  });
  await sync({ counters: { requests_total: 5, sync_calls_total: 1 } });
  expect(await runDurableObjectAlarm(stub())).toBe(true);
  await eventually(() => expect(told.at(-1)?.counters).toMatchObject({ requests_total: 5 }));
  expect(told.at(-1)!.gateways).toEqual([
    { gateway: "g", snapshotVersion: 0, lastSyncMs: expect.any(Number) },
  ]);
  expect(await runInDurableObject(stub(), (_instance, state) => state.storage.getAlarm())).not.toBeNull();
});

test("a revocation reaches the agent with the heartbeat that brings it from the control", async () => {
  const tunnel = `revoked-${region}`;
  const root = await issueRoot();
  const certificate = await issueAgent(root, tunnel);
  let trust = trustOf(root);
  await push(tunnel, { trust });
  const agent = await startAgent({ tunnel, leaf: certificate });
  await withControl(() => ({ trust }));
  await runInDurableObject(stub(), (_instance, { storage }) => {
    // No heartbeat but the one below.
    vi.spyOn(storage, "setAlarm").mockResolvedValue();
  });
  await post("/hub", { tunnel, shard: 0 });
  trust = trustOf(root, { version: 2, revokedSerials: [serialOf(certificate)] });
  await runInDurableObject(stub(), (instance) => (instance as RegionState).alarm());
  expect((await agent.closed).code).toBe(4403);
});

test("an endpoint that nobody listens on is found by its check", async () => {
  const check = {
    type: "TCP" as const,
    intervalMs: 1,
    timeoutMs: 500,
    unhealthyThreshold: 1,
    healthyThreshold: 1,
  };
  const snapshot = testSnapshot([{}], [{ ...testBackend("pods", 1), healthCheck: { active: check } }]);
  await withControl(() => ({ lines: wholeText({ ...version(1), snapshot }) }));
  await sync();
  await eventually(async () => {
    await runDurableObjectAlarm(stub());
    expect((await sync({ snapshotVersion: 1 })).health?.unhealthy).toEqual(["pods|127.0.0.1:1"]);
  });
});

test("an endpoint is checked again after its interval, also where that is shorter than the region's own", async () => {
  // The first probe is due at once.
  vi.spyOn(Math, "random").mockReturnValue(0);
  const check = {
    type: "TCP" as const,
    intervalMs: 200,
    timeoutMs: 500,
    unhealthyThreshold: 1,
    healthyThreshold: 1,
  };
  const snapshot = testSnapshot([{}], [{ ...testBackend("pods", 1), healthCheck: { active: check } }]);
  await withControl(() => ({ lines: wholeText({ ...version(1), snapshot }) }));
  const aheadMs: number[] = [];
  await runInDurableObject(stub(), (_instance, { storage }) => {
    const setAlarm = storage.setAlarm.bind(storage);
    vi.spyOn(storage, "setAlarm").mockImplementation((time) => {
      aheadMs.push(Number(time) - Date.now());
      return setAlarm(time);
    });
  });
  await sync();
  await runDurableObjectAlarm(stub());
  // While the probe is under way the next tick of the region is all that is known.
  const tick = (ms: number): boolean => ms > 500;
  await eventually(() => expect(aheadMs.slice(aheadMs.findIndex(tick)).some((ms) => !tick(ms))).toBe(true));
});

test("a document longer than a row is stored in parts and comes back whole", async () => {
  await runInDurableObject(stub(), (_instance, state) => {
    const storage = new RegionStorage(state.storage);
    const text = "é€😀".repeat(500_000);
    storage.store("trust", text);
    expect(storage.text("trust")).toBe(text);
    storage.store("trust", "short");
    expect(storage.text("trust")).toBe("short");
  });
});
