// What keeps running when its neighbours do not: control stopped, state stopped, a gateway killed, all restarted.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

let one: EchoServer;
let two: EchoServer;
let system: System;
let port: number;

const config = (backend: "one" | "two"): string => `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: ${backend} }] }] }]
backends:
  - { name: one, endpoints: [{ address: 127.0.0.1, port: ${one.port} }] }
  - { name: two, endpoints: [{ address: 127.0.0.1, port: ${two.port} }] }
`;

const servedBy = async (): Promise<string | string[] | undefined> =>
  (await ask({ port, host: "any.example.com" })).headers["x-served-by"];

beforeAll(async () => {
  [one, two] = await Promise.all([startEchoServer("one"), startEchoServer("two")]);
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(config("one"));
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([one.stop(), two.stop()]);
});

/** Process ids of the workerd processes that serve prints when it starts one: `<name> pid=<n>`. */
function pidOf(name: string): number {
  const started = [
    ...system.program.output().matchAll(new RegExp(`\\b${name}\\b[^\\n]*\\bpid[= ](\\d+)`, "g")),
  ];
  const last = started.at(-1)?.[1];
  if (!last) throw new Error(`serve did not print the pid of ${name}:\n${system.program.output()}`);
  return Number(last);
}

test("a published change is served, on a gateway that was idle, too", async () => {
  expect(await servedBy()).toBe("one");
  const applied = await system.run("apply", "-f", await system.file("two.yaml", config("two")));
  expect(applied.stderr + applied.stdout).not.toContain("error");
  expect(applied.code).toBe(0);
  // Within 2 s (decision 0002), where nothing else wants the processor.
  await eventually("the change is served", async () => (await servedBy()) === "two");
});

test("a rollback restores the version before", async () => {
  const history = JSON.parse((await system.run("history", "--json")).stdout) as { version: number }[];
  expect(history.length).toBeGreaterThanOrEqual(2);
  const rolledBack = await system.run("rollback", String(Math.min(...history.map((entry) => entry.version))));
  expect(rolledBack.code).toBe(0);
  await eventually("the old version is served", async () => (await servedBy()) === "one");
});

test("a bad publish changes nothing and says where it is wrong", async () => {
  const bad = config("one").replace("name: one }] }]", "name: nowhere }] }]");
  const refused = await system.run("apply", "-f", await system.file("bad.yaml", bad));
  expect(refused.code).not.toBe(0);
  expect(refused.stderr + refused.stdout).toMatch(/bad\.yaml:3:\d+.*nowhere/);
  expect(await servedBy()).toBe("one");
});

test("a killed gateway process is replaced", async () => {
  const before = pidOf("gateway-1");
  process.kill(before, "SIGKILL");
  await eventually("traffic flows again", async () => (await servedBy()) === "one");
  await eventually("a new process", async () => pidOf("gateway-1") !== before);
});

test("requests go on while control and state are stopped, also in a gateway that starts meanwhile", async () => {
  const stopped = [pidOf("control"), pidOf("state")];
  for (const pid of stopped) process.kill(pid, "SIGSTOP");
  try {
    for (let count = 0; count < 20; count += 1) expect(await servedBy()).toBe("one");
    const before = pidOf("gateway-1");
    process.kill(before, "SIGKILL");
    await eventually("a new process", async () => pidOf("gateway-1") !== before);
    await eventually("it serves from the stored snapshot", async () => (await servedBy()) === "one");
  } finally {
    for (const pid of stopped) process.kill(pid, "SIGCONT");
  }
});

test("calls to state objects grow with time, not with requests", async () => {
  const counters = async (): Promise<{ sync: number; requests: number }> => {
    const status = JSON.parse((await system.run("status", "--json")).stdout) as {
      regions: { counters: Record<string, number> }[];
    };
    const sum = (prefix: string): number =>
      status.regions
        .flatMap((region) => Object.entries(region.counters))
        .reduce((total, [name, count]) => (name.startsWith(prefix) ? total + count : total), 0);
    return { sync: sum("sync_calls_total"), requests: sum("requests_total") };
  };
  const before = await counters();
  const startedMs = Date.now();
  for (let count = 0; count < 2_000; count += 50) {
    await Promise.all(Array.from({ length: 50 }, servedBy));
  }
  const after = await eventually("the counters arrive", async () => {
    await servedBy();
    const now = await counters();
    return now.requests - before.requests >= 2_000 && now;
  });
  const seconds = (Date.now() - startedMs) / 1000;
  // One gateway process: one call a second, and one more for an interval that is just under way.
  expect(after.sync - before.sync).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
});

test("the admin token is private and nothing is left behind", async () => {
  const token = await readFile(join(system.dataDirectory, "admin-token"), "utf8");
  expect(token.trim().length).toBeGreaterThan(20);
  expect(system.program.output()).not.toContain(token.trim());
  const pids = [pidOf("control"), pidOf("state"), pidOf("gateway-1")];
  expect(await system.program.stop()).toBe(0);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
