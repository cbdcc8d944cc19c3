// From the authority that the control made to one of the operator's own, under load: no request fails, nobody joins again.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { startMixedLoad } from "./system/mixed-load.ts";
import { ownAuthority } from "./system/own-authority.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

const host = "app.example.com";
let pod: EchoServer;
let system: System;
let agents: Program[] = [];
let port: number;

beforeAll(async () => {
  pod = await startEchoServer("pod");
  pod.server.keepAliveTimeout = 60_000;
  const sockets = new WebSocketServer({ server: pod.server, path: "/socket" });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTPS, port: ${port} }]
routes: [{ name: all, hostnames: [${host}], rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }]
`,
    ["--dev-tls"],
  );
  for (const name of ["one", "two"]) agents.push(await startAgent(system, "production", name));
  await eventually("served", async () => (await ask({ port, host, tls: {} })).status === 200);
});

afterAll(async () => {
  for (const agent of agents) await agent.stop();
  await system?.stop();
  await pod?.stop();
});

interface Authority {
  id: string;
  imported: boolean;
  signing: boolean;
  inUse: number;
}

async function authorities(): Promise<Authority[]> {
  const { stdout } = await system.run("ca", "show", "--json");
  return (JSON.parse(stdout) as { roots: Authority[] }).roots;
}

test("import, renewal by every agent, retirement of the old one", async () => {
  const own = await ownAuthority("our company");
  const load = startMixedLoad({ port, host, socketPath: "/socket", clients: 2 });
  await eventually("load is on", async () => load.answers() > 100);
  try {
    const cert = await system.file("chain.pem", own.chainPem);
    const key = await system.file("issuing.key", own.keyPem);
    const imported = await system.run("ca", "import", "--cert", cert, "--key", key, "--lead", "1s");
    expect([imported.code, imported.stderr]).toEqual([0, ""]);
    const [old] = await eventually(
      "nobody uses the old authority",
      async () => {
        const [first, second] = await authorities();
        // Two agents with a connection to each of two hubs, and the tunnel's port.
        return second?.signing && second.inUse === 5 && first!.inUse === 0 && [first!];
      },
      60_000,
    );
    expect(await authorities()).toMatchObject([{ imported: false }, { imported: true }]);
    const retired = await system.run("ca", "retire", old.id);
    expect([retired.code, retired.stderr]).toEqual([0, ""]);
    const bundle = join(system.dataDirectory, "ca.pem");
    await eventually(
      "the bundle has the new root alone",
      async () => readFileSync(bundle, "utf8") === own.root.pem,
    );
    const before = load.answers();
    await eventually("load goes on", async () => load.answers() > before + 100);
  } finally {
    expect(await load.stop()).toEqual([]);
  }
  for (const agent of agents) {
    expect(agent.output()).toMatch(/"event":"renewed"/);
    expect(agent.output()).not.toMatch(/join_failed|connection_failed|renewal_failed/);
  }
}, 120_000);

test("the tunnel's port has a certificate of the new authority, with the way to its root", async () => {
  const ca = readFileSync(join(system.dataDirectory, "ca.pem"), "utf8");
  const subject = await new Promise<string>((done, fail) => {
    const socket = connect(
      { host: "localhost", port: system.tunnelPort, ca, servername: "localhost" },
      () => {
        done(socket.getPeerX509Certificate()!.issuer);
        socket.destroy();
      },
    );
    socket.once("error", fail);
  });
  expect(subject).toBe("CN=our company issuing");
});

test("a new agent joins under the new authority", async () => {
  await agents[0]!.stop();
  agents = [agents[1]!, await startAgent(system, "production", "three")];
  await eventually("served", async () => (await ask({ port, host, tls: {} })).status === 200);
});

test("retirement by force: who has not renewed is cut off and joins again; nobody else notices", async () => {
  const [left, stays] = agents as [Program, Program];
  const signer = (await authorities()).find(({ signing }) => signing)!;
  const gets = repeatGets(3);
  // It neither renews nor hears of the retirement, and its connections stay open.
  left.child.kill("SIGSTOP");
  try {
    const rotated = await system.run("ca", "rotate", "--lead", "1s");
    expect([rotated.code, rotated.stderr]).toEqual([0, ""]);
    await stays.printed(/"event":"renewed"/);
    const forced = await system.run("ca", "retire", signer.id, "--force");
    expect([forced.code, forced.stderr]).toEqual([0, ""]);
    await system.program.printed(/"event":"tunnel_closed".*"code":"revoked"/);
  } finally {
    left.child.kill("SIGCONT");
  }
  await left.printed(/"event":"disconnected".*"code":"revoked"/);
  await left.printed(/"event":"join_failed"/);
  const again = await system.run("token", "join", "--tunnel", "production");
  await system.file("two-token", again.stdout.trim());
  await eventually("it serves again", async () => (await authorities()).at(-1)!.inUse === 5, 60_000);
  expect(await gets.stop()).toEqual(new Map([[200, expect.any(Number)]]));
}, 120_000);

/** Requests that may be repeated, one after the other for each client; `stop` tells how often each status came. */
function repeatGets(clients: number): { stop(): Promise<Map<number, number>> } {
  const statuses = new Map<number, number>();
  const stopping = new AbortController();
  const client = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { status } = await ask({ port, host, tls: {} });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const ended = Promise.all(Array.from({ length: clients }, client));
  // A client that fails is told of by `stop`.
  ended.catch(() => undefined);
  return {
    stop: async () => {
      stopping.abort();
      await ended;
      return statuses;
    },
  };
}
