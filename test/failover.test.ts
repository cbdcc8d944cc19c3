// One of three endpoints dies under load: no idempotent request fails, with and without a retry policy.
import { fork, type ChildProcess } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let steady: EchoServer[];
let system: System;
let port: number;
const mortals: { port: number; child: ChildProcess }[] = [];

/** An origin in a process of its own, so that it can be killed with its connections. */
async function startMortal(): Promise<{ port: number; child: ChildProcess }> {
  const source = `
    const server = require("node:http").createServer((request, response) => {
      setTimeout(() => response.setHeader("x-served-by", "mortal").end("{}"), 5);
    });
    server.listen(0, "127.0.0.1", () => process.send(server.address().port));`;
  const child = fork("-e", [source], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const port = await new Promise<number>((done, fail) => {
    child.once("message", (message) => done(Number(message)));
    child.once("error", fail);
  });
  const mortal = { port, child };
  mortals.push(mortal);
  return mortal;
}

beforeAll(async () => {
  steady = [await startEchoServer("one"), await startEchoServer("two")];
  [port] = (await freePorts(1)) as [number];
  const first = await startMortal();
  const second = await startMortal();
  const pool = (mortal: number): string =>
    [...steady.map((server) => server.port), mortal]
      .map((at) => `{ address: 127.0.0.1, port: ${at} }`)
      .join(", ");
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: plain
    hostnames: [plain.example.com]
    rules: [{ backendRefs: [{ name: plain }] }]
  - name: policy
    hostnames: [policy.example.com]
    rules: [{ retry: { attempts: 2, codes: [503], backoff: 1ms }, backendRefs: [{ name: policy }] }]
backends:
  - { name: plain, endpoints: [${pool(first.port)}] }
  - { name: policy, endpoints: [${pool(second.port)}], healthCheck: { passive: { consecutiveGatewayErrors: 3 } } }
`);
});

afterAll(async () => {
  await system?.stop();
  for (const { child } of mortals) child.kill("SIGKILL");
  await Promise.all(steady.map((server) => server.stop()));
});

test.each([
  ["plain.example.com", 0],
  ["policy.example.com", 1],
])("%s", async (host, mortal) => {
  const answers: Answer[] = [];
  let asked = 0;
  const worker = async (): Promise<void> => {
    while (asked < 1_200) {
      asked += 1;
      if (asked === 400) mortals[mortal]!.child.kill("SIGKILL");
      const method = asked % 2 === 0 ? "GET" : "PUT";
      answers.push(await ask({ port, host, path: `/${asked}`, method }));
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  expect(answers.filter(({ status }) => status !== 200).map((answer) => answer.body)).toEqual([]);
  expect(answers.filter(({ headers }) => headers["x-served-by"] === "mortal").length).toBeGreaterThan(50);
});
