// A system to replace the processes of, with two agents and pods of every kind behind its tunnel, and the load to do it under.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WebSocketServer } from "ws";
import { startEchoServer } from "./echo-server.ts";
import { startGrpcLoad, startGrpcPod, type GrpcLoad } from "./grpc-load.ts";
import { ask } from "./http.ts";
import { startAgent, startSystem, type System } from "./isthmus.ts";
import { startMixedLoad, type MixedLoad } from "./mixed-load.ts";
import { eventually, freePorts, type Program } from "./process.ts";

const host = "app.example.com";
const drain = ["--drain-timeout", "2s"];
const agentNames = ["one", "two"];

export interface ReplacedSystem {
  readonly system: System;
  /** One request without a body; its status. */
  get(): Promise<number>;
  /** Ends each agent and starts it again, one after the other; their exit codes or signals. */
  restartAgents(): Promise<(number | string)[]>;
  startLoad(clients: { readonly mixed: number; readonly grpc: number }): ReplacementLoad;
  stop(): Promise<void>;
}

export interface ReplacementLoad {
  readonly mixed: MixedLoad;
  readonly grpc: GrpcLoad;
  /** Ends the clients; what went wrong, one line each. */
  stop(): Promise<string[]>;
}

/** Resolves when the tunnel carries a request. */
export async function startReplacedSystem(): Promise<ReplacedSystem> {
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
  const agents: Program[] = [];
  const start = (name: string): Promise<Program> => startAgent(system, "production", name, drain);
  for (const name of agentNames) agents.push(await start(name));
  await eventually(
    "the tunnel carries a request",
    async () => (await ask({ port, host, tls: {} })).status === 200,
  );
  return {
    system,
    get: async () => (await ask({ port, host, tls: {} })).status,
    restartAgents: async () => {
      const codes = [];
      for (const [index, name] of agentNames.entries()) {
        codes.push(await agents[index]!.stop());
        agents[index] = await start(name);
      }
      return codes;
    },
    startLoad: (clients) => {
      const mixed = startMixedLoad({ port, host, socketPath: "/socket", clients: clients.mixed });
      const ca = readFileSync(join(system.dataDirectory, "dev-tls.crt"));
      const grpc = startGrpcLoad({ port, host, ca, clients: clients.grpc });
      return { mixed, grpc, stop: async () => (await Promise.all([mixed.stop(), grpc.stop()])).flat() };
    },
    stop: async () => {
      for (const agent of agents) await agent.stop();
      await system.stop();
      await pod.stop();
      calls.stop();
    },
  };
}
