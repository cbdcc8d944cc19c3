// Processes are replaced under load of every kind, one after the other, and no request fails for it.
// The long run, with fifty restarts, is test/rolling-restarts.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { startGrpcLoad, startGrpcPod, type GrpcLoad, type GrpcPod } from "./system/grpc-load.ts";
import { ask } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { startMixedLoad, type MixedLoad } from "./system/mixed-load.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

const host = "app.example.com";
const drain = ["--drain-timeout", "2s"];
let pod: EchoServer;
let calls: GrpcPod;
let system: System;
let agents: Program[];
let port: number;

beforeAll(async () => {
  pod = await startEchoServer("pod");
  // An endpoint that closes a connection just as it is used again is another matter.
  pod.server.keepAliveTimeout = 60_000;
  const sockets = new WebSocketServer({ server: pod.server, path: "/socket" });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  calls = await startGrpcPod();
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTPS, port: ${port} }]
routes:
  - name: all
    hostnames: [${host}]
    rules:
      - backendRefs: [{ name: pods }]
      - { matches: [{ path: { value: /test.Echo } }], backendRefs: [{ name: calls }] }
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
  - { name: calls, protocol: GRPC, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${calls.port} }] }
`,
    [...drain, "--dev-tls"],
  );
  agents = [];
  for (const name of ["one", "two"]) agents.push(await startAgent(system, "production", name, drain));
  await eventually(
    "the tunnel carries a request",
    async () => (await ask({ port, host, tls: {} })).status === 200,
  );
});

afterAll(async () => {
  for (const agent of agents ?? []) await agent.stop();
  await system?.stop();
  await pod?.stop();
  calls?.stop();
});

interface Ended {
  /** Codes and statuses with which WebSockets and long calls of gRPC ended, unasked. */
  readonly closeCodes: MixedLoad["closeCodes"];
  readonly statuses: GrpcLoad["endings"];
}

async function underLoad(act: () => Promise<void>): Promise<Ended> {
  const load = startMixedLoad({ port, host, socketPath: "/socket", clients: 2 });
  const ca = readFileSync(join(system.dataDirectory, "dev-tls.crt"));
  const grpc = startGrpcLoad({ port, host, ca, clients: 1 });
  const isOn = async (what: string, answers: number, callAnswers: number): Promise<unknown> =>
    eventually(what, async () => load.answers() > answers + 200 && grpc.answers() > callAnswers + 50);
  try {
    await isOn("load is on", 0, 0);
    await act();
    await isOn("load goes on", load.answers(), grpc.answers());
  } finally {
    expect((await Promise.all([load.stop(), grpc.stop()])).flat()).toEqual([]);
  }
  return { closeCodes: load.closeCodes, statuses: grpc.endings };
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
}, 120_000);

test("one process by name; a name that does not exist is refused with those that do", async () => {
  await underLoad(async () => {
    const reloaded = await system.run("reload", "--process", "gateway-1");
    expect([reloaded.code, reloaded.stdout]).toEqual([0, "replaced gateway-1\n"]);
  });
  const refused = await system.run("reload", "--process", "gateway-9");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("no process gateway-9; there are control, state,");
}, 120_000);

test("agents are restarted in turn", async () => {
  const { closeCodes } = await underLoad(async () => {
    for (const [index, name] of ["one", "two"].entries()) {
      expect(await agents[index]!.stop()).toBe(0);
      agents[index] = await startAgent(system, "production", name, drain);
    }
  });
  expect([...closeCodes.keys()].filter((code) => code !== 1001)).toEqual([]);
}, 120_000);

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
