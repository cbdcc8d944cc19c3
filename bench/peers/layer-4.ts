// Proxies that pass connections on without looking into them: `isthmus serve` with one gateway process, HAProxy in
// `mode tcp` with one thread, nginx's stream module with one worker. The load's HTTP is only what the bytes happen to be.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until, type Running } from "../process.ts";
import { busyPids, startAgent } from "./isthmus.ts";
import type { Peer, PeerContext } from "./peer.ts";

const cli = join(import.meta.dirname, "../../cli/isthmus.mjs");

/** `idle`: the rule's idle limit; `0s` leaves the bytes unwatched (decision 0010). */
export function connectionGateway(name: string, idle: string): Peer {
  return {
    name,
    async start(context) {
      const { running, url } = await serve(name, context, { idle });
      const stop = (): Promise<void> => running.stop();
      return { url, host, running, busyPids: busyPids(running), stop };
    },
  };
}

/** The same with the origin behind an agent's tunnel. The agent is the other side: it runs on the load's core. */
export function connectionTunnel(name: string): Peer {
  return {
    name,
    async start(context) {
      const tunnelPort = await freePort();
      const { running, url, data } = await serve(name, context, { idle: "1h", tunnelPort });
      const agent = await startAgent(context.directory, data, tunnelPort);
      await until(name, async () => (await fetch(url)).ok, agent);
      const stop = async (): Promise<void> => void (await Promise.all([agent.stop(), running.stop()]));
      return { url, host, running, far: agent, busyPids: busyPids(running), stop };
    },
  };
}

const host = "tcp.example.com";

interface Served {
  readonly running: Running;
  readonly url: string;
  readonly data: string;
}

async function serve(
  name: string,
  { originPort, directory }: PeerContext,
  { idle, tunnelPort }: { readonly idle: string; readonly tunnelPort?: number },
): Promise<Served> {
  const [port, control] = [await freePort(), await freePort()];
  const file = join(directory, "isthmus.yaml");
  const data = join(directory, "data");
  await writeFile(
    file,
    `listeners: [{ name: tcp, protocol: TCP, port: ${port} }]
tcpRoutes:
  - name: tcp
    listeners: [tcp]
    rules: [{ backendRefs: [{ name: origin }], timeouts: { idle: ${idle} } }]
backends:
  - name: origin
    protocol: TCP
    ${tunnelPort === undefined ? "" : "tunnel: bench"}
    endpoints: [{ address: 127.0.0.1, port: ${originPort} }]
accessLog: { mode: "off" }
`,
  );
  const tunnel = tunnelPort === undefined ? [] : ["--tunnel", String(tunnelPort)];
  const args = ["serve", "-f", file, "--data", data, "--control", String(control), ...tunnel];
  const running = start(process.execPath, [cli, ...args], measuredCore);
  await until(name, async () => /^ready$/m.test(running.output()), running);
  return { running, url: `http://127.0.0.1:${port}/`, data };
}

export const haproxyTcp: Peer = {
  name: "HAProxy, mode tcp",
  needs: "haproxy",
  async start({ originPort, directory }) {
    const port = await freePort();
    const file = join(directory, "haproxy.cfg");
    await writeFile(
      file,
      `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen tcp
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${originPort}
`,
    );
    const running = start("haproxy", ["-db", "-f", file], measuredCore);
    const url = `http://127.0.0.1:${port}/`;
    await until("HAProxy", async () => (await fetch(url)).ok, running);
    return { url, host, running, stop: () => running.stop() };
  },
};

/** Debian's `libnginx-mod-stream`. */
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

export const nginxStream: Peer = {
  name: "nginx, stream",
  needs: existsSync(streamModule) ? "nginx" : "ngx_stream_module.so",
  async start({ originPort, directory }) {
    const port = await freePort();
    const file = join(directory, "nginx.conf");
    await writeFile(
      file,
      `load_module ${streamModule};
worker_processes 1;
daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 1024; }
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${originPort};
    proxy_timeout 1h;
  }
}
`,
    );
    const running = start("nginx", ["-c", file, "-p", directory], measuredCore);
    const url = `http://127.0.0.1:${port}/`;
    await until("nginx", async () => (await fetch(url)).ok, running);
    return { url, host, running, stop: () => running.stop() };
  },
};
