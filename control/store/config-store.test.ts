import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { limits } from "#contract/limits.ts";
import { SnapshotReader } from "#contract/snapshot-reader.ts";
import { admin, configuration, internal, publish, syncReport } from "../control-fixture.ts";
import { type Env, configStore } from "../env.ts";
import type { ConfigStore } from "./config-store.ts";
import { deleteVersions } from "./version-table.ts";

const store = (): DurableObjectStub<ConfigStore> => configStore(env as unknown as Env);

beforeEach(async () => {
  await reset();
});
afterEach(() => {
  vi.restoreAllMocks();
});

test("the outline has ports and endpoints, and neither sources nor routes", async () => {
  const published = await publish(8080, { withChanges: false });
  expect(published.body).toMatchObject({ changes: [], unchanged: false, version: { version: 1 } });
  const { body } = await admin("GET", "/v1/versions/current/outline");
  expect(body).toMatchObject({
    ...published.body.version,
    listeners: [{ name: "web", port: 80 }],
    backends: [{ name: "orders", endpoints: [{ id: "203.0.113.7:8080" }] }],
  });
  expect(body).not.toHaveProperty("files");
  expect(body).not.toHaveProperty("routes");
});

test("a publish becomes the current version, with author, reason, time and sources", async () => {
  const beforeMs = Date.now();
  const published = await publish(8080, { reason: "first" });
  expect(published.status).toBe(200);
  expect(published.body).toMatchObject({
    unchanged: false,
    version: { version: 1, author: "bootstrap-admin", reason: "first", current: true },
  });
  expect(published.body.version.createdAtMs).toBeGreaterThanOrEqual(beforeMs);
  const { body } = await admin("GET", "/v1/versions/current");
  expect(body).toMatchObject({ version: 1, hash: published.body.version.hash, files: configuration(8080) });
  expect(body.snapshot.backends[0].name).toBe("orders");
});

test("the same content makes no new version, whatever its file is called", async () => {
  await publish(8080);
  const [file] = configuration(8080);
  const again = await admin("POST", "/v1/versions", { files: [{ ...file, name: "elsewhere.yaml" }] });
  expect(again.body).toMatchObject({ unchanged: true, changes: [] });
  expect(again.body.version).toBeUndefined();
  expect((await admin("GET", "/v1/versions")).body.versions).toHaveLength(1);
});

test("a dry run says what would change and changes nothing", async () => {
  await publish(8080);
  const dry = await publish(9090, { dryRun: true });
  expect(dry.body.changes).toMatchObject([{ kind: "changed", what: "backend", name: "orders" }]);
  expect((await admin("GET", "/v1/versions")).body.versions).toHaveLength(1);
});

test("a configuration with errors is refused with its diagnostics and changes nothing", async () => {
  const refused = await admin("POST", "/v1/versions", {
    files: [{ name: "bad.yaml", content: "listeners: [" }],
  });
  expect(refused.status).toBe(422);
  expect(refused.body).toMatchObject({
    code: "config_invalid",
    diagnostics: [{ severity: "error", file: "bad.yaml" }],
  });
  expect((await admin("GET", "/v1/versions/current")).body.code).toBe("version_not_found");
  expect((await admin("GET", "/v1/versions/current/outline")).body.code).toBe("version_not_found");
});

test("a stale base is refused with what changed since", async () => {
  await publish(8080, { baseVersion: 0 });
  await publish(8081, { baseVersion: 1 });
  const stale = await publish(8082, { baseVersion: 1 });
  expect(stale.status).toBe(409);
  expect(stale.body).toMatchObject({
    code: "version_conflict",
    current: { version: 2, current: true },
    changes: [{ kind: "changed", what: "backend", name: "orders" }],
  });
  expect((await publish(8082, { baseVersion: 0 })).body.changes).toContainEqual(
    expect.objectContaining({ kind: "added", what: "backend", name: "orders" }),
  );
});

test("of concurrent publishes on one base exactly one wins", async () => {
  await publish(8080);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => publish(9000 + index, { baseVersion: 1 })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  expect((await admin("GET", "/v1/versions")).body.versions).toHaveLength(2);
});

test("concurrent publishes without a base all get a version of their own", async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => publish(9000 + index)));
  const versions = answers.map(({ body }) => body.version?.version).sort((a, b) => a - b);
  expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a rollback is a new version with the old content", async () => {
  const first = await publish(8080);
  await publish(9090);
  const rolledBack = await admin("POST", "/v1/rollback", { version: 1, reason: "9090 is broken" });
  expect(rolledBack.body).toMatchObject({
    unchanged: false,
    version: { version: 3, rollbackOf: 1, hash: first.body.version.hash, current: true },
    changes: [{ kind: "changed", what: "backend", name: "orders" }],
  });
  expect((await admin("GET", "/v1/versions/current")).body.files).toEqual(configuration(8080));
  expect((await admin("POST", "/v1/rollback", { version: 3 })).body.unchanged).toBe(true);
  expect((await admin("POST", "/v1/rollback", { version: 77 })).body.code).toBe("version_not_found");
});

test("history has pages, newest first", async () => {
  for (const port of [1, 2, 3, 4, 5]) await publish(port);
  const first = await admin("GET", "/v1/versions?limit=2");
  expect(first.body.versions.map((v: { version: number }) => v.version)).toEqual([5, 4]);
  const second = await admin("GET", `/v1/versions?limit=2&before=${first.body.next}`);
  expect(second.body.versions.map((v: { version: number }) => v.version)).toEqual([3, 2]);
  const third = await admin("GET", `/v1/versions?limit=2&before=${second.body.next}`);
  expect(third.body).toMatchObject({ versions: [{ version: 1 }] });
  expect(third.body.next).toBeUndefined();
});

test("any two versions compare", async () => {
  await publish(8080);
  await publish(9090);
  expect((await admin("GET", "/v1/diff?from=1&to=2")).body).toMatchObject({
    from: 1,
    to: 2,
    changes: [{ kind: "changed", what: "backend", name: "orders" }],
  });
  expect((await admin("GET", "/v1/diff?from=1&to=9")).status).toBe(404);
});

test("a publish that fails half-way leaves nothing behind", async () => {
  await publish(8080);
  // The audit entry is the last write of the transaction: versions and pieces are already written when it fails.
  await runInDurableObject(store(), (_object, state) => {
    state.storage.sql.exec(
      "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
  });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect((await publish(9090)).status).toBe(500);
  expect((await admin("GET", "/v1/versions/current")).body).toMatchObject({ version: 1 });
  await runInDurableObject(store(), (_object, state) => {
    const { pieces } = state.storage.sql
      .exec<{ pieces: number }>("SELECT count(*) AS pieces FROM pieces WHERE version > 1")
      .one();
    expect(pieces).toBe(0);
    state.storage.sql.exec("DROP TRIGGER full");
  });
  expect((await publish(9090)).body.version.version).toBe(2);
});

test("a damaged version is not served: the newest whole one is", async () => {
  await publish(8080);
  await publish(9090);
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  await runInDurableObject(store(), (_object, state) => {
    state.storage.sql.exec("UPDATE pieces SET bytes = x'00' WHERE version = 2 AND document = 'snapshot'");
  });
  await restart();
  expect((await internal("/sync", syncReport())).body.snapshot).toMatchObject({ version: 1 });
  expect(logged).toHaveBeenCalledWith(expect.stringContaining("version 2 cannot be served"));
  expect((await publish(7070)).body.version.version).toBe(3);
});

test("a large configuration is stored in pieces and read back whole", async () => {
  // Random text hardly compresses: more than two pieces of 1 MiB.
  const random = Array.from({ length: 40 }, () =>
    Array.from(crypto.getRandomValues(new Uint8Array(65_536)), (byte) => byte.toString(36)).join(""),
  );
  const [file] = configuration(8080);
  const files = [{ name: file!.name, content: [file!.content, ...random].join("\n# ") }];
  expect((await admin("POST", "/v1/versions", { files })).status).toBe(200);
  expect((await admin("GET", "/v1/versions/1")).body.files).toEqual(files);
  await runInDurableObject(store(), (_object, state) => {
    const { pieces } = state.storage.sql
      .exec<{ pieces: number }>("SELECT count(*) AS pieces FROM pieces")
      .one();
    expect(pieces).toBeGreaterThan(3);
    state.storage.transactionSync(() => deleteVersions(state.storage.sql, [1]));
    expect(state.storage.sql.exec("SELECT * FROM pieces").toArray()).toEqual([]);
  });
});

test("a heartbeat brings the snapshot only to those who lack it", async () => {
  expect((await internal("/sync", syncReport())).body.snapshot).toBeUndefined();
  await publish(8080);
  const { body } = await internal("/sync", syncReport());
  expect(body.snapshot).toMatchObject({ version: 1, hash: expect.stringMatching(/^sha256:/) });
  expect((await internal("/sync", syncReport({ snapshotVersion: 1 }))).body.snapshot).toBeUndefined();
});

test("a region that names the version it has gets what has changed since, whoever has forgotten it the whole", async () => {
  const reader = new SnapshotReader();
  await publish(8080);
  const first = await internal("/sync", syncReport(), reader);
  const known = { snapshotVersion: 1, snapshotHash: reader.hash };
  await publish(8081);
  const second = await internal("/sync", syncReport(known), reader);
  expect(second.body.snapshot).toMatchObject({ version: 2, snapshot: { backends: [{ name: "orders" }] } });
  const routes = ({ body }: typeof first) => body.snapshot.snapshot.routes;
  expect(routes(second)[0]).toBe(routes(first)[0]);
  expect(second.body.snapshot.snapshot.backends[0].endpoints[0].port).toBe(8081);
  // Of a store that was lost, say, whose versions had the same numbers.
  const other = { snapshotVersion: 1, snapshotHash: `sha256:${"f".repeat(64)}` };
  expect((await internal("/sync", syncReport(other))).body.snapshot).toEqual(second.body.snapshot);
});

test("status shows what the regions report", async () => {
  await publish(8080);
  const counters = { requests_total: 10, sync_calls_total: 2 };
  await internal("/sync", syncReport({ snapshotVersion: 1, counters }));
  await internal("/sync", syncReport({ region: "us" }));
  const { body } = await admin("GET", "/v1/status");
  expect(body).toMatchObject({
    current: { version: 1 },
    regions: [
      { region: "eu", snapshotVersion: 1, counters },
      { region: "us", snapshotVersion: 0 },
    ],
  });
});

test("what is published survives a restart of the object", async () => {
  await publish(8080);
  await restart();
  expect((await admin("GET", "/v1/versions/current")).body).toMatchObject({ version: 1, current: true });
});

async function restart(): Promise<void> {
  await evictDurableObject(store());
}

test("a region's call that may be held ends with the next version, and with an operator's word on an endpoint", async () => {
  await publish(8080);
  const { body: first } = await internal("/sync", syncReport());
  const known = {
    snapshotVersion: 1,
    trustVersion: first.trust.version,
    holdMs: limits.longestHoldMs,
  };
  const held = internal("/sync", syncReport(known));
  // Answered after the held one was taken down, so that what comes now is news to it.
  await internal("/sync", syncReport({ ...known, holdMs: 0 }));
  await publish(8081);
  expect((await held).body.snapshot.version).toBe(2);

  const next = internal("/sync", syncReport({ ...known, snapshotVersion: 2 }));
  await internal("/sync", syncReport({ ...known, snapshotVersion: 2, holdMs: 0 }));
  const { body: endpoint } = await admin("POST", "/v1/endpoints", {
    backend: "orders",
    endpoint: "203.0.113.7:8081",
    state: "drain",
  });
  expect(endpoint.state).toBe("drain");
  expect((await next).body.administration.endpoints).toEqual({
    "orders|203.0.113.7:8081": { state: "drain" },
  });
});
