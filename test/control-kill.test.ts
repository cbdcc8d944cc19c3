// The configuration store under SIGKILL: the control's process dies at random moments while versions are published.
// Every version it acknowledged is there afterwards, whole, and the current one is never a half-written one.
import { spawn, type ChildProcess } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { snapshotHash } from "#contract/snapshot.ts";
import { versionDetailSchema, type VersionDetail } from "#contract/admin.ts";
import { bundleStaleWorkers } from "../cli/build/bundle-workers.ts";
import { controlBundle } from "../cli/installation.ts";
import { controlConfig } from "../cli/serve/workerd-config.ts";
import { eventually, freePorts } from "./system/process.ts";

const workerd = (createRequire(import.meta.url)("workerd") as { default: string }).default;
const kills = 200;
/** A cold control needs about 60 ms for its first publish and a few for the next. */
const longestLifeMs = 200;
const seed = Number(process.env["ISTHMUS_SEED"] ?? Date.now() % 1_000_000);
const token = "kill-test-admin-token-0123456789abcdef";
let directory: string;
let port: number;
let control: ChildProcess;

/** mulberry32: small, seeded, good enough to spread the moments of death. */
function randomFrom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const source = (mark: string): string => `
listeners: [{ name: web, protocol: HTTP, port: 80 }]
routes: [{ name: ${mark}, rules: [{ backendRefs: [{ name: origin }] }] }]
backends: [{ name: origin, endpoints: [{ address: 192.0.2.1, port: 80 }] }]
`;

const call = (path: string, body?: unknown): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });

beforeAll(async () => {
  await bundleStaleWorkers();
  directory = await mkdtemp(join(tmpdir(), "isthmus-kill-"));
  [port] = (await freePorts(1)) as [number];
  await mkdir(join(directory, "objects"));
  await copyFile(controlBundle, join(directory, "control.js"));
  await writeFile(
    join(directory, "control.capnp"),
    controlConfig({
      module: "control.js",
      storage: join(directory, "objects"),
      trustDomain: "kill.test",
      sockets: { admin: ["admin"], internal: "internal" },
    }),
  );
});

afterAll(async () => {
  control?.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

function start(): void {
  control = spawn(
    workerd,
    [
      "serve",
      join(directory, "control.capnp"),
      `--socket-addr=admin=127.0.0.1:${port}`,
      `--socket-addr=internal=unix:${join(directory, "internal.sock")}`,
    ],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ADMIN_TOKEN: token, CA_KEY_SECRET: "kill-test-secret-0123456789abcdef" },
    },
  );
}

async function kill(): Promise<void> {
  const gone = new Promise((done) => control.once("exit", done));
  control.kill("SIGKILL");
  await gone;
  await rm(join(directory, "internal.sock"), { force: true });
}

test(`${kills} kills lose no acknowledged version and leave none half-written (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const acknowledged = new Map<number, string>();
  let attempts = 0;
  for (let killed = 0; killed < kills; killed += 1) {
    start();
    await eventually("the control answers", async () => (await call("/healthz")).ok);
    await checkCurrent(acknowledged);
    // Three publishers at once; the knife falls somewhere between the first byte and a few publishes later.
    const publishers = Promise.allSettled(
      Array.from({ length: 3 }, async () => {
        for (let count = 0; count < 3; count += 1) {
          attempts += 1;
          const mark = `route-${attempts}`;
          const answer = await call("/v1/versions", { files: [{ name: "a.yaml", content: source(mark) }] });
          if (!answer.ok) throw new Error(`publish: ${answer.status} ${await answer.text()}`);
          const { version } = (await answer.json()) as { version: { version: number } };
          acknowledged.set(version.version, mark);
        }
      }),
    );
    await new Promise((done) => setTimeout(done, random() * longestLifeMs));
    await kill();
    await publishers;
  }
  start();
  await eventually("the control answers", async () => (await call("/healthz")).ok);
  await checkCurrent(acknowledged);
  // Some moments fell before an answer and some after: otherwise the test proved nothing.
  expect(acknowledged.size).toBeGreaterThan(20);
  expect(acknowledged.size).toBeLessThan(attempts);
  for (const [version, mark] of [...acknowledged].slice(-100)) {
    expect((await detail(version)).snapshot.routes[0]?.name).toBe(mark);
  }
}, 300_000);

async function detail(version: number | "current"): Promise<VersionDetail> {
  const answer = await call(`/v1/versions/${version}`);
  expect(answer.status).toBe(200);
  const parsed = versionDetailSchema.parse(await answer.json());
  expect(await snapshotHash(parsed.snapshot)).toBe(parsed.hash);
  return parsed;
}

async function checkCurrent(acknowledged: Map<number, string>): Promise<void> {
  if (acknowledged.size === 0) return;
  const newest = Math.max(...acknowledged.keys());
  const current = await detail("current");
  // A publish may have become durable without its answer reaching us; an acknowledged one is never behind it.
  expect(current.version).toBeGreaterThanOrEqual(newest);
  expect((await detail(newest)).snapshot.routes[0]?.name).toBe(acknowledged.get(newest));
}
