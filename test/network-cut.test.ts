// The network between agents and edge is cut without a word, and comes back. `npm run soak -- network-cuts` does so for up to
// a minute; here it is a few seconds.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCutRelay, type CutRelay } from "./system/cut-relay.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

/** An agent that cannot be reached is noticed after some seconds (docs/agent.md). */
const shortCutMs = 1_000;
let pod: EchoServer;
let system: System;
let relay: CutRelay;
let agents: Program[];
let port: number;

const send = (method: string): Promise<Answer> =>
  ask({ port, host: "app.example.com", method, ...(method === "POST" && { body: "once" }) });

const carriers = async (): Promise<{ instance: string; responsive?: boolean }[]> => {
  const { stdout } = await system.run("status", "--json");
  const status = JSON.parse(stdout) as {
    regions: { agents: { instance: string; responsive?: boolean }[] }[];
  };
  return status.regions.flatMap((region) => region.agents);
};

/** Both hubs hold `count` connections of agents that answer. */
const serving = (count: number): Promise<unknown> =>
  eventually(`${count} connections serve`, async () => {
    const known = await carriers();
    return known.length === count && known.every(({ responsive }) => responsive !== false);
  });

/** Or the client is told that nobody knows: connections are given up once they have been silent for 15 s. */
function expectDelivered({ status, headers }: Answer): void {
  if (status !== 200) expect([status, headers["isthmus-error"]]).toEqual([502, "tunnel_reset"]);
}

beforeAll(async () => {
  pod = await startEchoServer("pod");
  pod.server.keepAliveTimeout = 60_000;
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }]
`);
  relay = await startCutRelay(system.tunnelPort);
  agents = [await startAgent(system, "production", "far", ["--edge", `https://localhost:${relay.port}`])];
  await eventually("the tunnel carries a request", async () => (await send("GET")).status === 200);
});

afterAll(async () => {
  for (const agent of agents ?? []) await agent.stop();
  await relay?.stop();
  await system?.stop();
  await pod?.stop();
});

test("a short cut delays requests and fails none, with one agent alone", async () => {
  relay.cut();
  const requests = ["GET", "PUT", "POST", "GET"].map(send);
  // Shorter than it takes to be noticed: TCP itself outlasts it.
  await new Promise((done) => setTimeout(done, shortCutMs));
  relay.restore();
  expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test("with another agent, what may be repeated goes there; what may not is delivered once the network is back", async () => {
  agents.push(await startAgent(system, "production", "near"));
  await serving(4);
  relay.cut();
  const startMs = performance.now();
  const posts = Array.from({ length: 8 }, () => send("POST"));
  const gets = await Promise.all(Array.from({ length: 20 }, () => send("GET")));
  expect(gets.map(({ status }) => status)).toEqual(gets.map(() => 200));
  // Some had to be sent again: no agent is given up within a second.
  expect(performance.now() - startMs).toBeGreaterThan(1_000);
  await eventually("the cut is noticed", async () =>
    (await carriers()).every(({ instance, responsive }) => instance !== "far" || responsive === false),
  );
  // From now on nothing goes there, a POST neither.
  for (let count = 0; count < 10; count += 1) expect((await send("POST")).status).toBe(200);
  relay.restore();
  for (const answer of await Promise.all(posts)) expectDelivered(answer);
  await serving(4);
}, 120_000);

test("connections that the network has forgotten are opened again; no request is left without an answer", async () => {
  relay.cut();
  const requests = ["GET", "POST", "GET", "POST"].map(send);
  await new Promise((done) => setTimeout(done, shortCutMs));
  relay.breakOff();
  for (const answer of await Promise.all(requests)) expectDelivered(answer);
  await serving(4);
  expect((await send("POST")).status).toBe(200);
}, 120_000);
