// The long run of test/network-cut.test.ts: `npm run soak -- network-cuts [SECONDS …]` (default 1 to 60), each cut with one agent
// and with two, and ended by a network that goes on and by one that has forgotten its connections. A dozen requests come
// twice a second; each must be answered in time, with 200, or 502 to 504 and a code. Ends with 1 otherwise.
import { setTimeout as delay } from "node:timers/promises";
import { startCutRelay } from "../system/cut-relay.ts";
import { startEchoServer } from "../system/echo-server.ts";
import { ask } from "../system/http.ts";
import { startAgent, startSystem } from "../system/isthmus.ts";
import { eventually, freePorts } from "../system/process.ts";

const given = process.argv.slice(2).map(Number);
const durations = given.length > 0 ? given : [1, 2, 5, 10, 20, 40, 60];
/** A connection is given up after 15 s of silence; the rest is for a busy machine. */
const boundMs = 20_000;

const pod = await startEchoServer("pod");
pod.server.keepAliveTimeout = 120_000;
const [port] = (await freePorts(1)) as [number];
const system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }]
`);
const relay = await startCutRelay(system.tunnelPort);
const far = await startAgent(system, "production", "far", ["--edge", `https://localhost:${relay.port}`]);

interface Outcome {
  readonly what: string;
  readonly tookMs: number;
}

async function send(method: string): Promise<Outcome> {
  const startMs = performance.now();
  const answer = ask({ port, host: "a.test", method, ...(method === "POST" && { body: "once" }) });
  const what = await answer.then(
    ({ status, headers }) => (status === 200 ? "200" : `${status} ${String(headers["isthmus-error"])}`),
    (error: Error) => error.message,
  );
  return { what: `${method} ${what}`, tookMs: performance.now() - startMs };
}

/** Each agent has a connection to both hubs, and answers on it. */
async function allServe(agents: number): Promise<boolean> {
  const { stdout } = await system.run("status", "--json");
  const { regions } = JSON.parse(stdout) as { regions: { agents: { responsive?: boolean }[] }[] };
  const connections = regions.flatMap((region) => region.agents);
  return connections.length === agents * 2 && connections.every(({ responsive }) => responsive !== false);
}

async function cutOnce(agents: number, seconds: number, end: "restore" | "breakOff"): Promise<Outcome[]> {
  await eventually("all agents serve", () => allServe(agents), 60_000);
  const outcomes: Promise<Outcome>[] = [];
  relay.cut();
  for (let half = 0; half < seconds * 2; half += 1) {
    // At once, or all go to the agent with the shorter way.
    for (let count = 0; count < 6; count += 1) outcomes.push(send("GET"), send("POST"));
    await delay(500);
  }
  relay[end]();
  const all = await Promise.all(outcomes);
  const restoredMs = performance.now();
  await eventually("served again", async () => (await send("POST")).what === "POST 200", 60_000);
  all.push({ what: "served again", tookMs: performance.now() - restoredMs });
  return all;
}

let failed = false;
async function run(agents: number): Promise<void> {
  for (const seconds of durations) {
    for (const end of ["restore", "breakOff"] as const) {
      const outcomes = await cutOnce(agents, seconds, end);
      const counts = new Map<string, number>();
      for (const { what } of outcomes) counts.set(what, (counts.get(what) ?? 0) + 1);
      const slowestMs = Math.max(...outcomes.map(({ tookMs }) => tookMs));
      const bad = outcomes.some(({ what }) => !/ 200$| 50[234] \w+$|^served again$/.test(what));
      const lost = agents > 1 && outcomes.some(({ what }) => /^GET (?!200)/.test(what));
      failed ||= bad || lost || slowestMs > boundMs;
      const told = [...counts].map(([what, count]) => `${count} × ${what}`).join(", ");
      console.log(
        `agents: ${agents}, ${seconds} s, ${end}: ${told}; slowest ${(slowestMs / 1000).toFixed(1)} s`,
      );
    }
  }
}

await run(1);
const near = await startAgent(system, "production", "near");
await run(2);
for (const agent of [far, near]) await agent.stop();
await relay.stop();
await system.stop();
await pod.stop();
process.exit(failed ? 1 : 0);
