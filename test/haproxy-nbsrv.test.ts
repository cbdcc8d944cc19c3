// How many servers of a backend are up (`nbsrv`), beside the real HAProxy: in answers, and in what becomes of requests.
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, httpDefaults, startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { listen } from "./system/tcp.ts";

/** Its checks succeed while it is up. */
interface Checked {
  isUp: boolean;
  readonly port: number;
  readonly server: Server;
}

async function startChecked(name: string): Promise<Checked> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/health" && !checked.isUp ? 503 : 200).end(name);
  });
  const checked = { isUp: true, port: await listen(server), server };
  return checked;
}

const paths = ["/count", "/few", "/none", "/some", "/both", "/x"];

describe("nbsrv", () => {
  let servers: Checked[];
  let other: Checked;
  let running: BesideHaproxy<"web">;

  beforeAll(async () => {
    servers = await Promise.all(["one", "two", "three"].map(startChecked));
    other = await startChecked("other");
    running = await startBesideHaproxy({
      ports: ["web"],
      config: ({ web }) => `${httpDefaults}
  timeout check 5s
frontend web
  bind 127.0.0.1:${web}
  monitor-uri /monitor
  monitor fail if { nbsrv(some:servers) lt 2 }
  monitor fail if { nbsrv(other) lt 1 }
  http-request return status 200 content-type text/plain lf-string "%[nbsrv(some:servers)] of them" if { path /count }
  http-request return status 200 content-type text/plain string few if { path /few } { nbsrv(some:servers) lt 2 }
  http-request return status 200 content-type text/plain string none if { path /none } !{ nbsrv(some:servers) gt 0 }
  use_backend other if { path /both } { nbsrv(some:servers) lt 2 } or { path /both } { nbsrv(other) lt 1 }
  use_backend other if { path /some } { nbsrv(some:servers) 1:2 }
  use_backend some:servers if { path /some } or { path /both }
  default_backend other
backend some:servers
  option httpchk GET /health
  default-server check inter 100ms fall 1 rise 1
${servers.map(({ port }, index) => `  server s${index} 127.0.0.1:${port}`).join("\n")}
backend other
  server s0 127.0.0.1:${other.port}
`,
    });
  });

  afterAll(async () => {
    await running.stop();
    await Promise.all(
      [...servers, other].map(async ({ server }) => {
        server.close();
        server.closeAllConnections();
        await once(server, "close");
      }),
    );
  });

  const get = (port: number, path: string) => ask({ port, path, host: "a.test" });

  /** Where requests go, of a backend with several servers only that it was one of them. */
  const answersOf = async (port: number): Promise<string[]> => {
    const answers = await Promise.all(paths.map((path) => get(port, path)));
    const monitor = await get(port, "/monitor");
    const words = answers.map(({ body }) => body.replace(/^(?:one|two|three)$/, "a server"));
    return [...words, String(monitor.status)];
  };

  const expected: Readonly<Record<number, readonly string[]>> = {
    3: ["3 of them", "other", "other", "a server", "a server", "other", "200"],
    2: ["2 of them", "other", "other", "other", "a server", "other", "200"],
    1: ["1 of them", "few", "other", "other", "other", "other", "503"],
  };

  describe.each([3, 2, 1, 3])("%i are up", (up) => {
    const settle = async (port: number): Promise<void> => {
      for (const [index, one] of servers.entries()) one.isUp = index < up;
      await expect
        .poll(async () => (await get(port, "/count")).body, { timeout: 30_000 })
        .toBe(`${up} of them`);
    };

    test("here", async () => {
      await settle(running.ours.web);
      expect(await answersOf(running.ours.web)).toEqual(expected[up]);
    });

    test.skipIf(haproxyMissing())("with HAProxy", async () => {
      await settle(running.theirs.web);
      expect(await answersOf(running.theirs.web)).toEqual(expected[up]);
    });
  });
});
