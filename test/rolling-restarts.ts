// The long run of test/replacement.test.ts: many restarts under mixed load. `node test/rolling-restarts.ts [ROUNDS]`
// (default 50): each round restarts both agents in turn, or a hub and the gateway; ends with 1 when anything failed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WebSocketServer } from "ws";
import { startEchoServer } from "./system/echo-server.ts";
import { startGrpcLoad, startGrpcPod } from "./system/grpc-load.ts";
import { ask } from "./system/http.ts";
import { startAgent, startSystem } from "./system/isthmus.ts";
import { startMixedLoad } from "./system/mixed-load.ts";
import { eventually, freePorts } from "./system/process.ts";

const rounds = Number(process.argv[2] ?? 50);
const host = "app.example.com";
const drain = ["--drain-timeout", "2s"];

const pod = await startEchoServer("pod");
// An endpoint that closes a connection just as it is used again is another matter.
pod.server.keepAliveTimeout = 60_000;
const sockets = new WebSocketServer({ server: pod.server, path: "/socket" });
sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
const calls = await startGrpcPod();
const [port] = (await freePorts(1)) as [number];
const system = await startSystem(
  `
listeners: [{ name: web, protocol: HTTPS, port: ${port} }]
routes:
  - name: all
    hostnames: [${host}]
    rules:
      - backendRefs: [{ name: pods }]
      - { matches: [{ path: { value: /test.Echo } }], backendRefs: [{ name: calls }] }
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
  - { name: calls, protocol: GRPC, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${calls.port} }] }
`,
  [...drain, "--dev-tls"],
);
const names = ["one", "two"];
const agents = [];
for (const name of names) agents.push(await startAgent(system, "production", name, drain));
await eventually("served", async () => (await ask({ port, host, tls: {} })).status === 200);

const load = startMixedLoad({ port, host, socketPath: "/socket", clients: 2 });
const ca = readFileSync(join(system.dataDirectory, "dev-tls.crt"));
const grpc = startGrpcLoad({ port, host, ca, clients: 2 });
for (let round = 1; round <= rounds; round += 1) {
  if (round % 2 === 1) {
    for (const [index, name] of names.entries()) {
      await agents[index]!.stop();
      agents[index] = await startAgent(system, "production", name, drain);
    }
  } else {
    const reloaded = await system.run(
      "reload",
      "--process",
      `hub-${(round / 2) % 2}`,
      "--process",
      "gateway-1",
    );
    if (reloaded.code !== 0) throw new Error(reloaded.stderr);
  }
  console.log(`round ${round}: ${load.answers()} answers, ${grpc.answers()} of gRPC`);
}
const failures = (await Promise.all([load.stop(), grpc.stop()])).flat();
for (const agent of agents) await agent.stop();
await system.stop();
await pod.stop();
calls.stop();
console.log(failures.join("\n"));
console.log(
  `${rounds} rounds, ${load.answers()} answers, ${grpc.answers()} of gRPC, ${failures.length} failures; close codes`,
  load.closeCodes,
  "statuses of long calls",
  grpc.endings,
);
process.exit(failures.length === 0 ? 0 : 1);
