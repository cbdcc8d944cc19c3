// Clients that are bound to a pod keep it while the agents of their tunnel come, go and die: the gateway picks the pod,
// and whichever agent there is takes the request to it.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

let pods: EchoServer[];
let system: System;
let port: number;
const agents = new Map<string, Program>();

beforeAll(async () => {
  pods = await Promise.all(["a", "b", "c"].map((name) => startEchoServer(name)));
  for (const { server } of pods) server.keepAliveTimeout = 60_000;
  const endpoints = pods.map((pod) => `{ address: 127.0.0.1, port: ${pod.port} }`).join(", ");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - { name: hashed, hostnames: [hashed.example.com], rules: [{ backendRefs: [{ name: hashed }] }] }
  - name: session
    hostnames: [session.example.com]
    rules: [{ sessionPersistence: { sessionName: stay }, backendRefs: [{ name: session }] }]
backends:
  - name: hashed
    tunnel: production
    endpoints: [${endpoints}]
    loadBalancer: { type: ConsistentHash, consistentHash: { type: Header, header: { name: x-user } } }
  - { name: session, tunnel: production, endpoints: [${endpoints}] }
`);
  for (const name of ["one", "two"]) await add(name);
  for (const host of ["hashed.example.com", "session.example.com"])
    await eventually("served", async () => (await ask({ port, host })).status === 200);
});

afterAll(async () => {
  await Promise.all(Array.from(agents.values(), (agent) => agent.stop()));
  await system?.stop();
  for (const pod of pods ?? []) await pod.stop();
});

/** Both hubs have it. */
async function add(name: string): Promise<void> {
  agents.set(name, await startAgent(system, "production", name));
  await eventually(
    `${name} serves`,
    async () => {
      const { stdout } = await system.run("status", "--json");
      const { regions } = JSON.parse(stdout) as { regions: { agents: { instance: string }[] }[] };
      const known = regions.flatMap((region) => region.agents);
      return known.filter(({ instance }) => instance === name).length === 2;
    },
    60_000,
  );
}

async function remove(name: string, signal: NodeJS.Signals): Promise<void> {
  await agents.get(name)!.stop(signal);
  agents.delete(name);
}

interface Client {
  readonly name: string;
  ask(): Promise<Answer>;
}

function hashedClient(index: number): Client {
  const headers = { "x-user": `user-${index}` };
  return { name: `user ${index}`, ask: () => ask({ port, host: "hashed.example.com", headers }) };
}

async function sessionClient(index: number): Promise<Client> {
  const first = await ask({ port, host: "session.example.com" });
  const cookie = first.headers["set-cookie"]![0]!.split(";", 1)[0]!;
  const headers = { cookie };
  return { name: `session ${index}`, ask: () => ask({ port, host: "session.example.com", headers }) };
}

const servedBy = ({ status, headers }: Answer): string =>
  status === 200 ? String(headers["x-served-by"]) : `${status} ${String(headers["isthmus-error"])}`;

/** Asks again and again; the end tells of every answer that was not the pod's of the first one. */
function startClient({ name, ask: once }: Client) {
  const strays: string[] = [];
  const stopping = new AbortController();
  let answers = 0;
  let pod: string | undefined;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const answer = await once().catch((error: Error) => error);
      const got = answer instanceof Error ? answer.message : servedBy(answer);
      pod ??= got;
      if (got !== pod) strays.push(`${name}: ${got} in place of ${pod}`);
      answers += 1;
      await delay(20);
    }
  };
  const done = run();
  const stop = async (): Promise<string[]> => {
    stopping.abort();
    await done;
    return strays;
  };
  return { pod: () => pod, answers: () => answers, stop };
}

test("by hash and by session, while agents join, leave, are killed and all have been replaced", async () => {
  const sessions = await Promise.all(Array.from({ length: 8 }, (_, index) => sessionClient(index)));
  const hashed = Array.from({ length: 12 }, (_, index) => hashedClient(index));
  const clients = [...hashed, ...sessions].map(startClient);
  const eachAnswered = (): Promise<unknown> => {
    const before = clients.map(({ answers }) => answers());
    const isAnswered = async (): Promise<boolean> =>
      clients.every(({ answers }, index) => answers() > before[index]! + 2);
    return eventually("each client is answered", isAnswered, 60_000);
  };
  try {
    await eachAnswered();
    for (const step of [
      () => add("three"),
      () => remove("one", "SIGTERM"),
      () => add("four"),
      () => remove("two", "SIGKILL"),
      () => remove("three", "SIGTERM"),
    ]) {
      await step();
      await eachAnswered();
    }
    expect([...agents.keys()]).toEqual(["four"]);
    // Or it would prove nothing. A client whose first answer was an error is no stray to itself.
    const served = new Set(clients.map(({ pod }) => pod()));
    expect(served.size).toBeGreaterThan(1);
    for (const pod of served) expect(pod).toMatch(/^[abc]$/);
  } finally {
    expect((await Promise.all(clients.map(({ stop }) => stop()))).flat()).toEqual([]);
  }
}, 120_000);
