// What operators see of a tunnel: numbers at both of its ends, and one request followed through everybody's log.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

const host = "app.example.com";
let pod: EchoServer;
let system: System;
let agent: Program;
let port: number;
let metricsPort: number;

beforeAll(async () => {
  pod = await startEchoServer("pod");
  const [web, metrics, closed] = (await freePorts(3)) as [number, number, number];
  [port, metricsPort] = [web, metrics];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
accessLog: { mode: all }
routes:
  - { name: app, hostnames: [${host}], rules: [{ backendRefs: [{ name: pods }] }] }
  - { name: dead, hostnames: [dead.example.com], rules: [{ backendRefs: [{ name: dead }] }] }
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
  - { name: dead, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${closed} }] }
`);
  agent = await startAgent(system, "production", "agent", [
    "--metrics",
    String(metricsPort),
    "--log-streams",
  ]);
  await eventually("served", async () => (await ask({ port, host })).status === 200);
});

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  await pod?.stop();
});

/** Sum of a family's samples that have all of these labels. */
function total(text: string, name: string, ...labels: string[]): number {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

const agentMetrics = async (): Promise<string> =>
  (await ask({ port: metricsPort, host: "agent", path: "/metrics" })).body;

async function edgeMetrics(): Promise<string> {
  const { stdout } = await system.run("token", "create", "exporter", "--role", "reader");
  const authorization = `Bearer ${stdout.trim()}`;
  const answer = await ask({
    port: system.controlPort,
    host: "control",
    path: "/metrics",
    headers: { authorization },
  });
  expect(answer.status).toBe(200);
  return answer.body;
}

test("streams, bytes and resets are counted at the agent and at the edge, and agree", async () => {
  const body = "x".repeat(100_000);
  for (let count = 0; count < 5; count += 1) {
    expect((await ask({ port, host, method: "POST", body })).status).toBe(200);
  }
  expect((await ask({ port, host: "dead.example.com" })).status).toBe(502);
  const atAgent = await agentMetrics();
  expect(total(atAgent, "isthmus_agent_connections", 'state="serving"')).toBeGreaterThan(0);
  expect(total(atAgent, "isthmus_agent_bytes_total", 'direction="in"')).toBeGreaterThanOrEqual(500_000);
  const failed = total(atAgent, "isthmus_agent_streams_reset_total", 'code="connect_failed"', 'by="agent"');
  expect(failed).toBeGreaterThan(0);
  expect(total(atAgent, "isthmus_agent_certificate_not_after_timestamp_seconds")).toBeGreaterThan(
    Date.now() / 1000,
  );
  const opened = total(atAgent, "isthmus_agent_streams_opened_total");
  const atEdge = await eventually("the edge's numbers have come to the control", async () => {
    const text = await edgeMetrics();
    return total(text, "isthmus_tunnel_streams_opened_total", 'tunnel="production"') >= opened && text;
  });
  expect(total(atEdge, "isthmus_tunnel_streams_opened_total")).toBe(opened);
  expect(total(atEdge, "isthmus_tunnel_streams_reset_total", 'code="connect_failed"', 'by="agent"')).toBe(
    failed,
  );
  expect(total(atEdge, "isthmus_tunnel_bytes_total", 'direction="out"')).toBe(
    total(atAgent, "isthmus_agent_bytes_total", 'direction="in"'),
  );
  expect(total(atEdge, "isthmus_tunnel_handshakes_total", 'result="ok"')).toBe(
    total(atAgent, "isthmus_agent_connections_total"),
  );
  const { stdout } = await system.run("tunnel", "show", "production", "--json");
  const { connections } = JSON.parse(stdout) as { connections: Record<string, number>[] };
  const sum = (field: string): number => connections.reduce((all, one) => all + one[field]!, 0);
  expect([sum("streamsOpened"), sum("resets")]).toEqual([opened, failed]);
  expect(sum("bytesOut")).toBeGreaterThanOrEqual(500_000);
});

test("one request can be followed through the logs of gateway, hub and agent", async () => {
  const headers = { "x-request-id": "follow-me" };
  expect((await ask({ port, host, path: "/a/b?secret=1", headers })).status).toBe(200);
  const line = (await agent.printed(/^.*"event":"stream_ended".*"requestId":"follow-me".*$/m))[0];
  expect(JSON.parse(line)).toMatchObject({
    connection: expect.any(String) as string,
    stream: expect.any(Number) as number,
    endpoint: `pods|127.0.0.1:${pod.port}`,
    method: "GET",
    path: "/a/b",
    durationMs: expect.any(Number) as number,
  });
  expect(line).not.toContain("secret");
  await system.program.printed(/"path":"\/a\/b".*"requestId":"follow-me"/);
  const { connection } = JSON.parse(line) as { connection: string };
  await system.program.printed(new RegExp(`"event":"tunnel_connected".*"connection":"${connection}"`));
});

test("a request that fails is in both ends' logs by itself, under the same ids", async () => {
  const headers = { "x-request-id": "lost" };
  expect((await ask({ port, host: "dead.example.com", headers })).status).toBe(502);
  const atHub = /\{"event":"tunnel_stream_failed".*"requestId":"lost"\}/;
  const hub = JSON.parse((await system.program.printed(atHub))[0]) as { connection: string; stream: number };
  expect(hub).toMatchObject({ code: "connect_failed", tunnel: "production" });
  const { connection, stream } = hub;
  const ids = `"connection":"${connection}","stream":${stream},`;
  await agent.printed(
    new RegExp(`"event":"stream_reset".*${ids}.*"requestId":"lost","code":"connect_failed"`),
  );
});

test("what an agent dumps holds none of the system's keys, tokens and secrets", async () => {
  agent.child.kill("SIGUSR2");
  await agent.printed(/"event":"dumped"/);
  const path = join(system.directory, "agent", "dump.json");
  const dump = await readFile(path, "utf8");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(dump)).toMatchObject({ options: { tunnel: "production" }, connections: [{}, {}] });
  const secrets = await secretsOf([system.dataDirectory, join(system.directory, "agent"), system.directory]);
  expect(secrets.length).toBeGreaterThan(4);
  for (const secret of secrets) expect(dump).not.toContain(secret);
});

/** Of the data directories of system and agent, and join tokens; a key by its lines. */
async function secretsOf(directories: readonly string[]): Promise<string[]> {
  const secrets: string[] = [];
  const found = new Set<string>();
  for (const directory of directories) {
    for (const name of await readdir(directory)) {
      if (!/^(?:admin-token|.*-secret|.*-token|identity\.json)$/.test(name)) continue;
      found.add(name);
      const text = await readFile(join(directory, name), "utf8");
      const secret = name === "identity.json" ? (JSON.parse(text) as Stored).privateKeyPem : text;
      secrets.push(...secret.split("\n").filter((line) => line.length >= 16 && !line.startsWith("-----")));
    }
  }
  expect([...found]).toEqual(
    expect.arrayContaining(["admin-token", "ca-secret", "session-secret", "identity.json"]),
  );
  return secrets;
}

interface Stored {
  readonly privateKeyPem: string;
}

interface Shown {
  readonly connections: readonly {
    readonly instance: string;
    readonly certificateSerial: string;
    readonly responsive?: boolean;
  }[];
}

const connectionsOf = async (instance: string): Promise<Shown["connections"]> => {
  const { stdout } = await system.run("tunnel", "show", "production", "--json");
  return (JSON.parse(stdout) as Shown).connections.filter((one) => one.instance === instance);
};

test("of several agents, the one that hangs is shown as such, and one that is revoked is gone", async () => {
  const [hangs, leaves] = await Promise.all([
    startAgent(system, "production", "hangs"),
    startAgent(system, "production", "leaves"),
  ]);
  try {
    await eventually("both are shown", async () =>
      (await Promise.all([connectionsOf("hangs"), connectionsOf("leaves")])).every(
        ({ length }) => length === 2,
      ),
    );
    hangs.child.kill("SIGSTOP");
    // Both connections, as long as they are: after 15 s of silence they are closed.
    await eventually("it is shown to hang", async () => {
      const [connections, list] = await Promise.all([connectionsOf("hangs"), system.run("tunnel", "list")]);
      const row = list.stdout.split("\n").find((line) => line.startsWith("production")) ?? "";
      const [, agents, , , , unresponsive] = row.split(/\s{2,}/);
      const isShown = connections.length > 0 && connections.every(({ responsive }) => responsive === false);
      return isShown && agents === "3" && Number(unresponsive) > 0;
    });
    const [{ certificateSerial: serial }] = (await connectionsOf("leaves")) as [Shown["connections"][number]];
    expect((await system.run("certificate", "revoke", serial, "--reason", "stolen")).code).toBe(0);
    await eventually("it is gone", async () => (await connectionsOf("leaves")).length === 0);
  } finally {
    hangs.child.kill("SIGCONT");
    await Promise.all([hangs.stop(), leaves.stop()]);
  }
}, 120_000);
