// Policies where agents dial the endpoints: sessions that outlast an endpoint's absence, retries of what nobody received.
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, type Answer } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

const host = "app.example.com";
const pods = new Map<string, { port: number; server: Server; bodies: string[] }>();
let system: System;
let agent: Program;
let port: number;

/** On the same port each time, as a pod that restarts. */
async function startPod(name: string, port: number): Promise<void> {
  const bodies = pods.get(name)?.bodies ?? [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += String(chunk)));
    request.once("end", () => {
      bodies.push(body);
      response.setHeader("x-served-by", name).end("pod");
    });
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  pods.set(name, { port, server, bodies });
}

async function stopPod(name: string): Promise<void> {
  const { server } = pods.get(name)!;
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

const get = (headers: Record<string, string> = {}): Promise<Answer> => ask({ port, host, headers });
const served = (answer: Answer): string => String(answer.headers["x-served-by"]);

beforeAll(async () => {
  const [web, one, two] = (await freePorts(3)) as [number, number, number];
  port = web;
  await startPod("one", one);
  await startPod("two", two);
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: all
    rules:
      - sessionPersistence: { sessionName: stay }
        retry: { attempts: 2, codes: [503], backoff: 1ms }
        backendRefs: [{ name: pods }]
backends:
  - name: pods
    tunnel: production
    endpoints: [{ address: 127.0.0.1, port: ${one} }, { address: 127.0.0.1, port: ${two} }]
`);
  agent = await startAgent(system, "production");
  await eventually("the tunnel carries a request", async () => (await get()).status === 200);
});

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  for (const name of pods.keys()) await stopPod(name);
});

test("a session stays with its endpoint, outlasts its absence, and never breaks a request", async () => {
  const first = await get();
  const cookie = first.headers["set-cookie"]![0]!.split(";")[0]!;
  const home = served(first);
  for (let n = 0; n < 5; n += 1) expect(served(await get({ cookie }))).toBe(home);

  await stopPod(home);
  for (let n = 0; n < 5; n += 1) {
    const away = await get({ cookie });
    expect([away.status, served(away) === home, away.headers["set-cookie"]]).toEqual([200, false, undefined]);
  }
  const other = home === "one" ? "two" : "one";
  const posted = await ask({ port, host, method: "POST", headers: { cookie }, body: "nobody had this" });
  expect([posted.status, served(posted)]).toEqual([200, other]);
  expect(pods.get(other)!.bodies.filter((body) => body === "nobody had this")).toHaveLength(1);

  await startPod(home, pods.get(home)!.port);
  await eventually("the client is back home", async () => served(await get({ cookie })) === home);
});
