// Proxies that pass connections on without looking into them: `isthmus serve` with one gateway process, HAProxy in
// `mode tcp` with one thread. The load's HTTP is only what the bytes happen to be.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until } from "../process.ts";
import { busyPids } from "./isthmus.ts";
import type { Peer } from "./peer.ts";

const cli = join(import.meta.dirname, "../../cli/isthmus.mjs");

/** `idle`: the rule's idle limit; `0s` leaves the bytes unwatched (decision 0010). */
export function connectionGateway(name: string, idle: string): Peer {
  return {
    name,
    async start({ originPort, directory }) {
      const [port, control] = [await freePort(), await freePort()];
      const file = join(directory, "isthmus.yaml");
      await writeFile(
        file,
        `listeners: [{ name: tcp, protocol: TCP, port: ${port} }]
tcpRoutes:
  - name: tcp
    listeners: [tcp]
    rules: [{ backendRefs: [{ name: origin }], timeouts: { idle: ${idle} } }]
backends: [{ name: origin, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${originPort} }] }]
accessLog: { mode: "off" }
`,
      );
      const args = ["serve", "-f", file, "--data", join(directory, "data"), "--control", String(control)];
      const running = start(process.execPath, [cli, ...args], measuredCore);
      await until(name, async () => /^ready$/m.test(running.output()), running);
      const url = `http://127.0.0.1:${port}/`;
      const stop = (): Promise<void> => running.stop();
      return { url, host: "tcp.example.com", running, busyPids: busyPids(running), stop };
    },
  };
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
    return { url, host: "tcp.example.com", running, stop: () => running.stop() };
  },
};
