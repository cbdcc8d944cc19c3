// HAProxy with one thread: as a plain HTTP proxy with keep-alive to the server, and with checks of three servers.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until } from "../process.ts";
import type { Peer, PeerContext } from "./peer.ts";

export const haproxy: Peer = peerWith(
  "HAProxy",
  ({ originPort }) => `
  server one 127.0.0.1:${originPort}`,
);

/** As the gateway in `failover.ts`: the same checks, errors of requests count, and a failed connection is tried elsewhere. */
export function failoverHaproxy(ports: readonly number[]): Peer {
  const servers = ports.map((port) => `  server s${port} 127.0.0.1:${port}`).join("\n");
  return peerWith(
    "HAProxy",
    () => `
  option httpchk GET /
  option redispatch 1
  retries 2
  retry-on conn-failure empty-response
  default-server check inter 500ms fall 2 rise 2 observe layer7 error-limit 5 on-error mark-down
${servers}`,
  );
}

function peerWith(name: string, backend: (context: PeerContext) => string): Peer {
  return {
    name,
    needs: "haproxy",
    async start(context) {
      const port = await freePort();
      const file = join(context.directory, "haproxy.cfg");
      await writeFile(
        file,
        `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 400ms
  option forwardfor
  http-reuse always
frontend web
  bind 127.0.0.1:${port}
  default_backend origin
backend origin${backend(context)}
`,
      );
      const running = start("haproxy", ["-db", "-f", file], measuredCore);
      const url = `http://127.0.0.1:${port}/`;
      await until("HAProxy", async () => (await fetch(url)).ok, running);
      return { url, host: "haproxy.example.com", running, stop: () => running.stop() };
    },
  };
}
