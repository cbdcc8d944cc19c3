// What a haproxy.cfg answers where HAProxy answers itself: servers that fail in each way, pages of its own, refusals. The
// same file, and the files that it names, through `isthmus serve` and through real HAProxy.
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask, type Answer } from "./system/http.ts";
import { freePorts } from "./system/process.ts";
import { listen } from "./system/tcp.ts";
import { startUnanswered, type Unanswered } from "./system/unanswered.ts";

const pages = {
  "503.http":
    "HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nX-Page: site\r\n\r\ncome back later\n",
  "503-shop.http":
    "HTTP/1.1 503 Shop is closed\nContent-Type: text/plain\nX-Page: shop\nX-Page: two\nContent-Length: 7\n\nclosed\n",
  "403.http":
    "HTTP/1.1 403 Forbidden\r\nCache-Control: no-cache\r\nContent-Type: text/plain\r\n\r\nnot for you\n",
  "robots.txt": "User-agent: *\nDisallow: /100%\n",
  "who.txt": "%[method] %[path] is not for you, 100%%\n",
};

const listeners = ["web", "plain", "well", "ill"] as const;
type Listener = (typeof listeners)[number];
type Kind = "live" | "refused" | "silent" | "rude" | "babbling" | "unanswered";

const configuration = (ports: Readonly<Record<Listener | Kind, number>>, folder: string): string => `
http-errors shop
  errorfile 503 ${folder}/503-shop.http
  errorfile 403 ${folder}/403.http

${httpDefaults}  timeout tarpit 10ms
  retries 0
  errorfile 503 ${folder}/503.http

frontend web
  bind 127.0.0.1:${ports.web}
  errorloc303 410 https://gone.example/
  http-error status 404 content-type application/json hdr X-Kind own string '{"error":"none"}'
  http-error status 504 content-type text/plain lf-string "%[src] has waited for too long"
  http-request return status 200 content-type text/plain file ${folder}/robots.txt if { path /robots.txt }
  http-request deny status 403 content-type text/plain hdr X-Method %[method] lf-file ${folder}/who.txt if { path /who }
  http-request deny deny_status 404 if { path /deny/404 }
  http-request deny deny_status 410 if { path /deny/410 }
  http-request deny deny_status 503 if { path /deny/503 }
  http-request deny status 404 if { path /bare/404 }
  http-request deny deny_status 503 errorfiles shop if { path /shop/503 }
  http-request deny deny_status 429 if { path /deny/429 }
  http-request deny errorfile ${folder}/403.http if { path /file }
  http-request return status 404 default-errorfiles if { path /return/404 }
  http-request tarpit deny_status 503 if { path /tarpit }
  http-request deny if { path /deny }
  http-request deny status 413 content-type text/plain string "too much" if { path /upload } { req.body_size gt 1000 }
  http-request redirect scheme https if { path /secure }
  use_backend statuses if { path_beg /status }
  use_backend refused if { path_beg /refused }
  use_backend silent if { path_beg /silent }
  use_backend rude if { path_beg /rude }
  use_backend babbling if { path_beg /babbling }
  use_backend unanswered if { path_beg /unanswered }
  use_backend empty if { path_beg /empty }
  use_backend shop if { path_beg /buy }
  use_backend live if { path_beg /live }

frontend well
  bind 127.0.0.1:${ports.well}
  monitor-uri /alive
  monitor fail if { nbsrv(checked) lt 1 }
  default_backend live

frontend ill
  bind 127.0.0.1:${ports.ill}
  monitor-uri /alive
  monitor fail if { nbsrv(dead) lt 1 }
  default_backend live

frontend plain
  bind 127.0.0.1:${ports.plain}
  http-error status 503 default-errorfiles
  use_backend unpaged if { path_beg /refused }

backend refused
  server s1 127.0.0.1:${ports.refused}
backend unpaged
  http-error status 503 default-errorfiles
  server s1 127.0.0.1:${ports.refused}
backend silent
  timeout server 1500ms
  server s1 127.0.0.1:${ports.silent}
backend rude
  server s1 127.0.0.1:${ports.rude}
backend babbling
  server s1 127.0.0.1:${ports.babbling}
backend unanswered
  timeout connect 300ms
  server s1 127.0.0.1:${ports.unanswered}
backend empty
backend shop
  errorfiles shop
  http-request deny if { path /buy/nothing }
  server s1 127.0.0.1:${ports.refused}
backend statuses
  http-response set-header X-Kind failed if { status ge 500 }
  http-response return status 404 content-type text/plain string "no such page" if { status 404 410 }
  http-response deny if { status 503 }
  http-response redirect location https://login.test/ if { status 401 }
  http-after-response set-header X-Method after
  server s1 127.0.0.1:${ports.live}
backend checked
  server s1 127.0.0.1:${ports.refused} check port ${ports.live} inter 1s rise 1 fall 1
backend dead
  server s1 127.0.0.1:${ports.live} check port ${ports.refused} inter 1s rise 1 fall 1
backend live
  server s1 127.0.0.1:${ports.live}
`;

const missing = haproxyMissing();
let live: EchoServer;
let unanswered: Unanswered;
const servers: Server[] = [];
let running: BesideHaproxy<Listener>;

/** A server that does one thing with each connection. */
async function startServer(reply: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(reply);
  servers.push(server);
  return await listen(server);
}

beforeAll(async () => {
  live = await startEchoServer("live", (request, response) => {
    const status = Number(/^\/status\/([0-9]+)/.exec(request.url ?? "")?.[1] ?? 503);
    response.writeHead(status, { "content-type": "text/plain", "x-leak": "secret" }).end("the server's own");
    return true;
  });
  unanswered = await startUnanswered();
  const silent = await startServer((socket) => void socket.on("error", () => undefined).resume());
  const rude = await startServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.destroy());
  });
  const babbling = await startServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.end("what?\r\n\r\n"));
  });
  const [refused] = (await freePorts(1)) as [number];
  const shared = { live: live.port, refused, silent, rude, babbling, unanswered: unanswered.port };
  running = await startBesideHaproxy({
    ports: listeners,
    files: pages,
    config: (ports, folder) => configuration({ ...shared, ...ports }, folder),
  });
});

afterAll(async () => {
  await Promise.all([running?.stop(), live?.stop()]);
  unanswered?.stop();
  for (const server of servers) server.close();
});

const answerOf = ({ status, headers, body }: Answer) => ({
  status,
  // The gateway's own document where a file says nothing on an error; HAProxy has a page of HTML.
  body: headers["isthmus-error"] && headers["content-type"] === "application/problem+json" ? "" : body,
  ...Object.fromEntries(
    ["x-page", "x-kind", "x-method", "x-leak", "location"].map((name) => [name, headers[name]]),
  ),
});

const own = "come back later\n";
type Case = [path: string, status: number, body: string, listener?: "web" | "plain" | undefined];

const cases: Case[] = [
  ["/refused", 503, own],
  ["/unanswered", 503, own],
  ["/empty", 503, own],
  ["/no-such-backend", 503, own],
  ["/silent", 504, "127.0.0.1 has waited for too long"],
  ["/rude", 502, ""],
  ["/babbling", 502, ""],
  ["/buy", 503, "closed\n"],
  ["/buy/nothing", 403, "not for you\n"],
  ["/live", 503, "the server's own"],
  ["/robots.txt", 200, pages["robots.txt"]],
  ["/who", 403, "GET /who is not for you, 100%\n"],
  ["/deny/404", 404, '{"error":"none"}'],
  ["/deny/410", 303, ""],
  ["/deny/503", 503, own],
  ["/bare/404", 404, ""],
  ["/shop/503", 503, "closed\n"],
  ["/file", 403, "not for you\n"],
  ["/return/404", 404, '{"error":"none"}'],
  ["/tarpit", 503, own],
  [
    "/deny",
    403,
    "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n",
  ],
  ["/refused", 503, "", "plain"],
  ["/secure", 302, ""],
  ["/status/200", 200, "the server's own"],
  ["/status/404", 404, "no such page"],
  ["/status/410", 404, "no such page"],
  ["/status/401", 302, ""],
  ["/status/500", 500, "the server's own"],
  [
    "/status/503",
    502,
    "<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n",
  ],
];

describe.each<Case>(cases)("%s", (path, status, body, listener = "web") => {
  test("is answered as the file says", async () => {
    expect(answerOf(await ask({ port: running.ours[listener], host: "a.test:8080", path }))).toMatchObject({
      status,
      body,
    });
  });
  test.skipIf(missing !== undefined)("as HAProxy does", async () => {
    const [here, there] = await Promise.all(
      [running.ours, running.theirs].map((ports) =>
        ask({ port: ports[listener], host: "a.test:8080", path }),
      ),
    );
    const expected = answerOf(there!);
    // Of HAProxy's own pages for errors, the status alone is kept.
    const isPage = there!.body.startsWith("<html>") && here!.headers["isthmus-error"] !== undefined;
    expect(answerOf(here!)).toEqual({ ...expected, ...(isPage && { body: "" }) });
  });
});

const proxies = [
  ["is told by the gateway", () => running.ours, false],
  ["is told by HAProxy", () => running.theirs, missing !== undefined],
] as const;

describe.each(proxies)("what %s", (_, ports, isMissing) => {
  test.skipIf(isMissing)("a body that is too long is refused, and no other", async () => {
    const upload = async (bytes: number): Promise<unknown[]> => {
      const { web } = ports();
      const answer = await ask({
        port: web,
        host: "a.test",
        path: "/upload",
        method: "POST",
        body: "x".repeat(bytes),
      });
      return [answer.status, answer.body];
    };
    expect(await upload(1_001)).toEqual([413, "too much"]);
    // There is no backend for it.
    expect(await upload(1_000)).toEqual([503, own]);
  });

  test.skipIf(isMissing)(
    "monitor-uri fails where no server of a backend is up, by the port that is checked",
    async () => {
      const monitor = async (port: number): Promise<number> =>
        (await ask({ port, host: "a.test", path: "/alive" })).status;
      await expect.poll(() => monitor(ports().ill), { timeout: 20_000 }).toBe(503);
      expect(await monitor(ports().well)).toBe(200);
    },
  );
});
