// nginx with one worker process, proxying with keep-alive to the upstream.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until } from "../process.ts";
import type { Peer } from "./peer.ts";

export const nginx: Peer = {
  name: "nginx",
  needs: "nginx",
  async start({ originPort, directory }) {
    const port = await freePort();
    const file = join(directory, "nginx.conf");
    await mkdir(join(directory, "temp"));
    await writeFile(
      file,
      `worker_processes 1;
daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${directory}/temp/body;
  proxy_temp_path ${directory}/temp/proxy;
  fastcgi_temp_path ${directory}/temp/fastcgi;
  uwsgi_temp_path ${directory}/temp/uwsgi;
  scgi_temp_path ${directory}/temp/scgi;
  keepalive_requests 1000000;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`,
    );
    const running = start("nginx", ["-c", file, "-p", directory], measuredCore);
    const url = `http://127.0.0.1:${port}/`;
    await until("nginx", async () => (await fetch(url)).ok, running);
    return { url, host: "nginx.example.com", running, stop: () => running.stop() };
  },
};
