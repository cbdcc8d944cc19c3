// The `http-proxy` npm package, as Node users run it. As a program: `node bench/peers/http-proxy.ts PORT ORIGIN_PORT`.
import { Agent } from "node:http";
import httpProxyPackage from "http-proxy";
import { freePort, measuredCore, start, until } from "../process.ts";
import type { Peer } from "./peer.ts";

export const httpProxy: Peer = {
  name: "http-proxy (npm)",
  async start({ originPort }) {
    const port = await freePort();
    const running = start(
      process.execPath,
      [import.meta.filename, String(port), String(originPort)],
      measuredCore,
    );
    const url = `http://127.0.0.1:${port}/`;
    await until("http-proxy", async () => (await fetch(url)).ok, running);
    return { url, host: "node.example.com", running, stop: () => running.stop() };
  },
};

if (process.argv[1] === import.meta.filename) {
  const [port, originPort] = process.argv.slice(2).map(Number);
  httpProxyPackage
    .createProxyServer({
      target: { host: "127.0.0.1", port: originPort! },
      xfwd: true,
      agent: new Agent({ keepAlive: true, maxSockets: 256 }),
    })
    .listen(port!, "127.0.0.1");
}
