// The token bucket beside nginx's limit_req: the same burst is admitted, and what is refused is refused at once.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nginxMissing } from "./system/corpus-nginx.ts";
import { startEchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

/** nginx counts what is in excess of the first request, so its burst is one less. */
const burst = 9;

test.skipIf(nginxMissing() !== undefined)(
  "a burst admits as many as limit_req, by client address",
  async () => {
    const origin = await startEchoServer("origin");
    const [nginxPort, port] = (await freePorts(2)) as [number, number];
    const directory = await mkdtemp(join(tmpdir(), "isthmus-nginx-"));
    await writeFile(join(directory, "nginx.conf"), nginxConfig(directory, nginxPort, origin.port));
    const nginx = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], { stdio: "ignore" });
    const ended = new Promise((done) => nginx.once("close", done));
    const system = await startSystem(
      `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: all
    rules:
      - rateLimit:
          local: { rules: [{ name: bucket, clientSelectors: [{ sourceCIDR: { type: Distinct } }], limit: { requests: 1, unit: Hour, burst: ${burst + 1} } }] }
        backendRefs: [{ name: origin }]
backends: [{ name: origin, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
`,
      ["--processes", "1"],
    );
    try {
      await eventually(
        "nginx answers",
        async () => (await ask({ port: nginxPort, host: "a.test", path: "/up" })).status === 200,
      );
      const admitted = async (at: number): Promise<number[]> => {
        const statuses: number[] = [];
        for (let n = 0; n < 20; n += 1) statuses.push((await ask({ port: at, host: "a.test" })).status);
        return statuses;
      };
      const theirs = await admitted(nginxPort);
      expect(theirs.filter((status) => status === 200)).toHaveLength(burst + 1);
      expect(await admitted(port)).toEqual(theirs);
    } finally {
      nginx.kill("SIGTERM");
      await ended;
      await system.stop();
      await origin.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },
);

function nginxConfig(directory: string, port: number, originPort: number): string {
  return `daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
  server {
    listen 127.0.0.1:${port};
    location /up { return 200; }
    location / {
      limit_req zone=one burst=${burst} nodelay;
      limit_req_status 429;
      proxy_pass http://127.0.0.1:${originPort};
    }
  }
}
`;
}
