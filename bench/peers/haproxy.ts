// HAProxy with one thread, as a plain HTTP proxy with keep-alive to the server.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until } from "../process.ts";
import type { Peer } from "./peer.ts";

export const haproxy: Peer = {
  name: "HAProxy",
  needs: "haproxy",
  async start({ originPort, directory }) {
    const port = await freePort();
    const file = join(directory, "haproxy.cfg");
    await writeFile(
      file,
      `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend web
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server one 127.0.0.1:${originPort}
`,
    );
    const running = start("haproxy", ["-db", "-f", file], measuredCore);
    const url = `http://127.0.0.1:${port}/`;
    await until("HAProxy", async () => (await fetch(url)).ok, running);
    return { url, host: "haproxy.example.com", running, stop: () => running.stop() };
  },
};
