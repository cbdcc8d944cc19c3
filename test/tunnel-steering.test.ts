// Several agents on one tunnel: load, zones, and agents that hang, with real processes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

let pod: EchoServer;
let system: System;
let near: Program;
let far: Program;
let port: number;

const get = (host: string, method = "GET"): Promise<Answer> => ask({ port, host, method });

beforeAll(async () => {
  pod = await startEchoServer("pod");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - { name: any, hostnames: [any.example.com], rules: [{ backendRefs: [{ name: any }] }] }
  - { name: zoned, hostnames: [zoned.example.com], rules: [{ backendRefs: [{ name: zoned }] }] }
backends:
  - { name: any, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
  - { name: zoned, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port}, zone: b }] }
`);
  near = await startAgent(system, "production", "near", ["--zone", "a", "--log-streams"]);
  far = await startAgent(system, "production", "far", ["--zone", "b", "--log-streams"]);
  await eventually("both agents serve", async () => (await agents()).length === 4);
  await eventually("a request passes", async () => (await get("any.example.com")).status === 200);
});

afterAll(async () => {
  near?.child.kill("SIGCONT");
  await near?.stop();
  await far?.stop();
  await system?.stop();
  await pod?.stop();
});

interface Agent {
  instance: string;
  zone: string;
  agentVersion: string;
  responsive?: boolean;
}

async function agents(): Promise<Agent[]> {
  const { stdout } = await system.run("status", "--json");
  return (JSON.parse(stdout) as { regions: { agents: Agent[] }[] }).regions.flatMap(
    (region) => region.agents,
  );
}

test("agents say where they run and what they are; both serve, endpoints of every zone", async () => {
  const [first] = await agents();
  expect(first).toMatchObject({
    zone: expect.stringMatching(/^[ab]$/) as string,
    agentVersion: expect.any(String) as string,
  });
  const answers = await Promise.all(Array.from({ length: 40 }, () => get("any.example.com")));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect((JSON.parse((await get("zoned.example.com")).body) as Echo).name).toBe("pod");
});

/** Ids of the requests that an agent says it has carried. */
const carried = (agent: Program): Set<string> =>
  new Set(
    Array.from(agent.output().matchAll(/"stream_ended".*"requestId":"([^"]+)"/g), (found) => found[1]!),
  );

test("an endpoint of a zone is reached through the agent of that zone", async () => {
  let round = 0;
  // A loaded machine may have an agent miss its pings for a moment, and another one stand in: then the next round counts.
  // That chance alone would bring all of a round to one agent: 1 in 33 million.
  await eventually("all requests of a round have gone through the zone's agent", async () => {
    round += 1;
    const ids = Array.from({ length: 25 }, (_, index) => `round-${round}-${index}`);
    for (const id of ids) {
      const answer = await ask({ port, host: "zoned.example.com", headers: { "x-request-id": id } });
      expect(answer.status).toBe(200);
    }
    const ended = await eventually("both logs have them", async () => {
      const [byNear, byFar] = [carried(near), carried(far)];
      return ids.every((id) => byNear.has(id) || byFar.has(id)) && byFar;
    });
    return ids.every((id) => ended.has(id));
  });
});

test("an agent that is stopped in its tracks costs no idempotent request, and is avoided within seconds", async () => {
  near.child.kill("SIGSTOP");
  const stoppedMs = Date.now();
  const answers = await Promise.all(Array.from({ length: 30 }, () => get("any.example.com")));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(Date.now() - stoppedMs).toBeLessThan(20_000);
  // Each hub finds out for itself.
  await eventually("the status tells", async () =>
    (await agents()).every(({ instance, responsive }) => instance !== "near" || responsive === false),
  );
  // From now on nothing waits for it, a POST neither.
  for (let count = 0; count < 20; count += 1) {
    const startMs = Date.now();
    expect((await get("any.example.com", "POST")).status).toBe(200);
    expect(Date.now() - startMs).toBeLessThan(5_000);
  }
});

test("it serves again once it goes on", async () => {
  near.child.kill("SIGCONT");
  await eventually("it answers", async () => {
    const known = (await agents()).filter(({ instance }) => instance === "near");
    return known.length === 2 && known.every(({ responsive }) => responsive !== false);
  });
  expect(await far.stop()).toBe(0);
  expect((await get("any.example.com")).status).toBe(200);
});
