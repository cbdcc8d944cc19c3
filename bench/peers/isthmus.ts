// The gateway itself, as a self-hosting user runs it: `isthmus serve` with one gateway process. The route that is
// measured stands in the middle of `routeCount` others.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { load } from "../load/load.ts";
import { freePort, loadCore, measuredCore, start, until, type Running } from "../process.ts";
import type { Peer, PeerContext, RunningPeer } from "./peer.ts";

const cli = join(import.meta.dirname, "../../cli/isthmus.mjs");

/** Options beyond the number of routes: what the backend looks like and which flags serve gets. */
export interface GatewayVariant {
  name: string;
  routeCount: number;
  /** YAML of the measured backend's fields besides its name, indented by six; default: the origin, dialled directly. */
  backend?: (originPort: number) => string;
  /** YAML of a field of every rule, in one line; default: none. */
  ruleField?: string;
  /** YAML of a field of the listener, in one line; default: none. */
  listenerField?: string;
  /** YAML of a field of the document, in one line; default: no access log. */
  setting?: string;
  /** Of every request of the load. */
  headers?: Readonly<Record<string, string>>;
  serveFlags?: (directory: string) => Promise<string[]>;
}

export function gatewayConfig(port: number, originPort: number, variant: GatewayVariant): string {
  const routes = Array.from(
    { length: variant.routeCount },
    (_, index) => `  - name: route-${index}
    hostnames: [host-${index}.example.com]
    rules:
      - matches: [{ path: { type: PathPrefix, value: / } }]
        backendRefs: [{ name: origin }]${variant.ruleField ? `\n        ${variant.ruleField}` : ""}`,
  );
  const backend =
    variant.backend?.(originPort) ?? `      endpoints: [{ address: 127.0.0.1, port: ${originPort} }]`;
  return `listeners:
  - { name: web, protocol: HTTP, port: ${port}${variant.listenerField ? `, ${variant.listenerField}` : ""} }
routes:
${routes.join("\n")}
backends:
  - name: origin
${backend.replaceAll(/^ {6}/gm, "    ")}
${variant.setting ?? `accessLog: { mode: "off" }`}
`;
}

export function gateway(variant: GatewayVariant): Peer {
  return {
    name: variant.name,
    async start(context) {
      const { served, port } = await serve(variant, context, []);
      return running(served, port, variant, () => served.stop());
    },
  };
}

/** The same gateway with the origin behind an agent's tunnel. The agent is the other side: it runs on the load's core. */
export function tunnelGateway(name: string): Peer {
  const variant: GatewayVariant = {
    name,
    routeCount: 10,
    backend: (originPort) =>
      `      tunnel: bench\n      endpoints: [{ address: 127.0.0.1, port: ${originPort} }]`,
  };
  return {
    name,
    async start(context) {
      const tunnelPort = await freePort();
      const { served, port, data } = await serve(variant, context, ["--tunnel", String(tunnelPort)]);
      const agent = await startAgent(context.directory, data, tunnelPort);
      const url = `http://127.0.0.1:${port}/`;
      const host = hostOf(variant);
      await until(
        name,
        async () => (await load({ url, host, connections: 1, seconds: 1 })).failures === 0,
        agent,
      );
      const stop = async (): Promise<void> => {
        await agent.stop();
        await served.stop();
      };
      return { ...running(served, port, variant, stop), far: agent };
    },
  };
}

interface Served {
  served: Running;
  port: number;
  data: string;
  controlUrl: string;
}

export async function serve(
  variant: GatewayVariant,
  { originPort, directory }: PeerContext,
  more: string[],
): Promise<Served> {
  const port = await freePort();
  const file = join(directory, "isthmus.yaml");
  const data = join(directory, "data");
  await writeFile(file, gatewayConfig(port, originPort, variant));
  const flags = (await variant.serveFlags?.(directory)) ?? [];
  const control = await freePort();
  const served = start(
    process.execPath,
    [cli, "serve", "-f", file, "--data", data, "--control", String(control), ...more, ...flags],
    measuredCore,
  );
  await until(variant.name, async () => /^ready$/m.test(served.output()), served);
  return { served, port, data, controlUrl: `http://127.0.0.1:${control}` };
}

export async function startAgent(directory: string, data: string, tunnelPort: number): Promise<Running> {
  const token = join(directory, "join-token");
  const { stdout } = await promisify(execFile)(process.execPath, [
    cli,
    "token",
    "join",
    "--tunnel=bench",
    `--data=${data}`,
  ]);
  await writeFile(token, stdout.trim());
  return start(
    process.execPath,
    [
      cli,
      "agent",
      `--edge=https://localhost:${tunnelPort}`,
      "--tunnel=bench",
      "--allow=127.0.0.0/8",
      `--join-token-file=${token}`,
      `--ca-file=${join(data, "ca.pem")}`,
      `--data=${join(directory, "agent")}`,
    ],
    loadCore,
  );
}

export const hostOf = ({ routeCount }: GatewayVariant): string =>
  `host-${Math.floor(routeCount / 2)}.example.com`;

function running(
  served: Running,
  port: number,
  variant: GatewayVariant,
  stop: () => Promise<void>,
): RunningPeer {
  return {
    url: `http://127.0.0.1:${port}/`,
    host: hostOf(variant),
    ...(variant.headers && { headers: variant.headers }),
    running: served,
    busyPids: busyPids(served),
    stop,
  };
}

/** Once it is ready. Control, state and supervisor have the same to do each second, however many requests there are. */
export function busyPids(served: Running): number[] {
  return [...served.output().matchAll(/^(?:gateway|hub)-\d+ pid=(\d+) started/gm)].map(([, pid]) =>
    Number(pid),
  );
}
