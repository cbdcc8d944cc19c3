// What becomes of forwarded connections when permissions, hubs and agents change under them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { forwarderToken, startForward } from "./system/port-forward.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";
import { startTcpPod, tcpClient, type TcpPod } from "./system/tcp.ts";

let pod: TcpPod;
let system: System;
let agent: Program;
let alice: string;

beforeAll(async () => {
  pod = await startTcpPod("pod");
  const [web] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${web} }]
backends:
  - name: orders-db
    tunnel: production
    protocol: TCP
    portForward: { allow: [alice, dave] }
    endpoints: [{ address: 127.0.0.1, port: ${pod.port} }]
`,
    ["--drain-timeout", "30s"],
  );
  agent = await startAgent(system, "production");
  // Before, it dials nothing.
  await agent.printed(/"event":"config_accepted"/);
  alice = await forwarderToken(system, "alice");
});

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  await pod?.stop();
});

test("a token that is deleted ends what it has opened", async () => {
  const { program, port } = await startForward(system, "orders-db", await forwarderToken(system, "dave"));
  const client = tcpClient(port);
  await client.until("pod\n");
  const { stdout } = await system.run("token", "list", "--json");
  const { id } = (JSON.parse(stdout) as { id: string; name: string }[]).find(({ name }) => name === "dave")!;
  expect((await system.run("token", "delete", id)).code).toBe(0);
  expect(await program.exited).toBe(5);
  expect(program.output()).toContain("The bearer token is not valid.");
  expect(await client.all).toBeUndefined();
});

test("the hub is replaced: what is open goes on, and new connections find its successor", async () => {
  const { program, port } = await startForward(system, "orders-db", alice);
  const old = tcpClient(port);
  await old.until("pod\n");
  const reload = await system.run("reload", "--process", "hub-0");
  expect([reload.code, reload.stderr]).toEqual([0, ""]);
  old.end("still there");
  expect(String(await old.all)).toBe("pod\nstill there");
  const next = tcpClient(port);
  next.end("new");
  expect(String(await next.all)).toBe("pod\nnew");
  expect(await program.stop("SIGINT")).toBe(0);
});

test("the hubs die and come back: connections are cut, later ones pass again", async () => {
  const { program, port } = await startForward(system, "orders-db", alice);
  const old = tcpClient(port);
  await old.until("pod\n");
  for (const hub of ["hub-0", "hub-1"]) process.kill(pidOf(hub), "SIGKILL");
  expect(await old.all).toBeUndefined();
  await eventually("served again", async () => {
    const client = tcpClient(port);
    client.end("again");
    return String(await client.all) === "pod\nagain";
  });
  expect(await program.stop("SIGINT")).toBe(0);
});

/** As the supervisor tells of each process that it starts. */
function pidOf(name: string): number {
  const started = [...system.program.output().matchAll(new RegExp(`\\b${name} pid=(\\d+) started`, "g"))];
  return Number(started.at(-1)![1]);
}
