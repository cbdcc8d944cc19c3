// `isthmus forward tcp`: real processes and sockets from a laptop's port to the endpoint behind an agent, and who may.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import {
  type Bulk,
  failedForward,
  forwarderToken,
  hashOfBulk,
  receive,
  sendBulk,
  startBulk,
  startForward,
} from "./system/port-forward.ts";
import { freePorts, type Program } from "./system/process.ts";
import { startTcpPod, tcpClient, type TcpPod } from "./system/tcp.ts";

const mebibyte = 1024 * 1024;
let pod: TcpPod;
let bulk: Bulk;
let system: System;
let agent: Program;
let alice: string;

beforeAll(async () => {
  pod = await startTcpPod("pod");
  bulk = await startBulk(8 * mebibyte);
  const [web, closed] = (await freePorts(2)) as [number, number];
  const backend = (name: string, address: string, more: string): string =>
    `  - { name: ${name}, protocol: TCP, ${more}, endpoints: [{ address: ${address} }] }`;
  const allowed = "tunnel: production, portForward: { allow: [alice] }";
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${web} }]
backends:
${backend("orders-db", `127.0.0.1, port: ${pod.port}`, allowed)}
${backend("bulk", `127.0.0.1, port: ${bulk.port}`, 'tunnel: production, portForward: { allow: ["*"] }')}
${backend("private", `127.0.0.1, port: ${pod.port}`, "tunnel: production")}
${backend("elsewhere", "192.0.2.1, port: 5432", allowed)}
${backend("closed", `127.0.0.1, port: ${closed}`, allowed)}
${backend("no-agent", `127.0.0.1, port: ${pod.port}`, "tunnel: staging, portForward: { allow: [alice] }")}
`);
  agent = await startAgent(system, "production");
  // Before, it dials nothing.
  await agent.printed(/"event":"config_accepted"/);
  alice = await forwarderToken(system, "alice");
});

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  await pod?.stop();
  await bulk?.stop();
});

test("50 MiB each way arrive whole; a direction that has ended leaves the other open", async () => {
  const { program, port } = await startForward(system, "bulk", alice);
  const bytes = 50 * mebibyte;
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [answer] = await Promise.all([receive(socket), sendBulk(socket, bytes)]);
  expect(bulk.received).toContain(hashOfBulk(bytes));
  expect(answer).toEqual({ hash: hashOfBulk(bytes), bytes });
  expect(await program.stop("SIGINT")).toBe(0);
});

test("many connections at once, each with its own bytes; the log says who reached what", async () => {
  const { program, port } = await startForward(system, "orders-db", alice);
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const client = tcpClient(port);
      client.end(`client ${index}`);
      return String(await client.all);
    }),
  );
  expect(answers).toEqual(answers.map((_, index) => `pod\nclient ${index}`));
  const closed = await system.program.printed(/^.*"event":"forward_closed".*"backend":"orders-db".*$/m);
  expect(JSON.parse(closed[0].slice(closed[0].indexOf("{")))).toMatchObject({
    tunnel: "production",
    principal: "alice",
    client: expect.stringMatching(/^(\[::1\]|127\.0\.0\.1):\d+$/) as string,
    endpoint: `orders-db|127.0.0.1:${pod.port}`,
    agentConnection: expect.any(String) as string,
    agentStream: expect.any(Number) as number,
    bytesIn: expect.any(Number) as number,
    bytesOut: expect.any(Number) as number,
    durationMs: expect.any(Number) as number,
  });
  expect(await program.stop("SIGTERM")).toBe(0);
});

test("a client that does not read stops its own connection and no other", async () => {
  const { program, port } = await startForward(system, "bulk", alice);
  const slow = connect({ port, host: "127.0.0.1" });
  slow.on("error", () => undefined).pause();
  slow.end("begin");
  const quick = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  quick.end();
  expect(await receive(quick)).toEqual({ hash: hashOfBulk(8 * mebibyte), bytes: 8 * mebibyte });
  expect(slow.bytesRead).toBeLessThan(mebibyte);
  slow.destroy();
  expect(await program.stop("SIGINT")).toBe(0);
});

test("who may not is told why, and nothing listens", async () => {
  const bob = await forwarderToken(system, "bob");
  const madeUp = await system.file("made-up", `istk_0123456789abcdef_${"A".repeat(43)}`);
  const refused = async (name: string, token: string): Promise<[number, string]> => {
    const { code, stderr } = await failedForward(system, name, token);
    return [code, stderr.split("\n")[0]!];
  };
  expect(await refused("orders-db", bob)).toEqual([5, "isthmus: bob may not reach orders-db."]);
  expect(await refused("private", alice)).toEqual([
    1,
    "isthmus: Nothing of the name private can be forwarded to.",
  ]);
  expect(await refused("orders-db", madeUp)).toEqual([5, "isthmus: The bearer token is not valid."]);
  await system.program.printed(/"event":"forward_refused".*"code":"forward_not_permitted"/);
});

test.each([
  ["elsewhere", /192\.0\.2\.1:5432 is not in the agent's allow list \(endpoint_not_allowed\)/],
  ["closed", /ECONNREFUSED.* \(connect_failed\)/],
  ["no-agent", /no agent of the tunnel is connected \(refused\)/],
])("%s: the connection is reset, and the person at the terminal learns why", async (name, reason) => {
  const { program, port } = await startForward(system, name, alice);
  expect(await tcpClient(port).all).toBeUndefined();
  await program.printed(reason);
  // The port goes on for the connections to come.
  const again = connect({ port, host: "127.0.0.1" });
  const outcome = await new Promise((done) => {
    again.once("connect", () => done("accepted"));
    again.on("error", (error: NodeJS.ErrnoException) => done(error.code));
  });
  again.destroy();
  // It may be accepted and reset before this side has looked.
  expect(["accepted", "ECONNRESET"]).toContain(outcome);
  expect(await program.stop("SIGINT")).toBe(0);
});
