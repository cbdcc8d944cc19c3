// Rules of haproxy.cfg with conditions on what a server has answered, beside real HAProxy.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBesideHaproxy, type BesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";

let origin: EchoServer;
let beside: BesideHaproxy<"web">;

beforeAll(async () => {
  // What it is to answer stands in the query: `status=404&x-kind=gone`.
  origin = await startEchoServer("origin", ({ url = "" }, response) => {
    const wanted = new URLSearchParams(url.split("?")[1]);
    const status = Number(wanted.get("status") ?? "200");
    wanted.delete("status");
    for (const name of new Set(wanted.keys())) response.setHeader(name, wanted.getAll(name));
    response.writeHead(status).end(status === 204 ? undefined : "from the server");
    return true;
  });
  beside = await startBesideHaproxy({
    ports: ["web"],
    config: ({ web }) => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web}
  acl moves res.hdr(Location) -m found
  acl keeps shdr(X-Keep),lower -m str yes
  http-request return status 418 if { path /teapot }
  http-request return status 200 hdr X-Seen %[url_param(seen)] hdr X-Site %[method] if { path /said }
  http-response replace-header Location ^http://(.*)$ https://\\1 if moves
  http-response set-header X-Cached no unless { res.hdr(Cache-Control) -m sub max-age }
  http-response set-header X-Kind-Is html if { res.hdr(Content-Type) -m beg text/html }
  http-response add-header X-Either once if { res.hdr(X-A) 1 } or { res.hdr(X-B) -i one two }
  http-response set-header X-Seen yes if { res.hdr(X-Cached) no } { res.hdr_cnt(X-A) gt 0 }
  http-response del-header X-A
  http-response set-header X-Gone yes unless { res.hdr(X-A) -m found }
  http-response set-status 503 if { status 500 }
  http-response set-status 410 if { status 404 } { res.fhdr(X-Kind) -m sub gone }
  http-response deny deny_status 403 if { res.hdr(X-Media) -m beg audio/ }
  http-response allow if { status 201 }
  http-response del-header X-Media
  http-response del-header X-Secret unless keeps
  http-after-response set-status 429 if { status 418 }
  http-after-response set-header X-Late yes if { res.hdr(X-Media) -m found }
  default_backend site
backend site
  http-response set-header X-Site yes if { res.hdr(X-B) -m found }
  server s1 127.0.0.1:${origin.port}
`,
  });
});
afterAll(async () => {
  await beside?.stop();
  await origin?.stop();
});

const told = [
  "location",
  "x-cached",
  "x-kind-is",
  "x-either",
  "x-seen",
  "x-gone",
  "x-a",
  "x-media",
  "x-secret",
  "x-late",
  "x-site",
];

async function seen(port: number, path: string): Promise<Record<string, unknown>> {
  const { status, headers, body } = await ask({ port, host: "a.test", path });
  const fields = told.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  return { status, isTheServers: body === "from the server", ...Object.fromEntries(fields) };
}

const plain = { status: 200, isTheServers: true, "x-cached": "no", "x-gone": "yes" };

describe.each<[path: string, expected: Record<string, unknown>]>([
  ["/", plain],
  ["/?cache-control=private,max-age=60", { status: 200, isTheServers: true, "x-gone": "yes" }],
  ["/?status=302&location=http://b.test/x", { ...plain, status: 302, location: "https://b.test/x" }],
  ["/?content-type=text/html;charset=utf-8", { ...plain, "x-kind-is": "html" }],
  ["/?x-a=1&x-b=TWO", { ...plain, "x-either": "once", "x-seen": "yes", "x-site": "yes" }],
  ["/?x-a=0&x-a=1", { ...plain, "x-either": "once", "x-seen": "yes" }],
  ["/?x-b=three,%20one", { ...plain, "x-either": "once", "x-site": "yes" }],
  ["/?x-a=2", { ...plain, "x-seen": "yes" }],
  ["/?status=500", { ...plain, status: 503 }],
  ["/?status=404", { ...plain, status: 404 }],
  ["/?status=404&x-kind=long,gone", { ...plain, status: 410 }],
  ["/?x-media=audio/mp3&x-secret=1", { status: 403, isTheServers: false }],
  ["/?x-media=video/mp4&x-secret=1", plain],
  [
    "/?status=201&x-secret=1&x-media=video",
    { ...plain, status: 201, "x-secret": "1", "x-media": "video", "x-late": "yes" },
  ],
  ["/?x-secret=1&x-keep=Yes", { ...plain, "x-secret": "1" }],
  ["/?status=204", { ...plain, status: 204, isTheServers: false }],
  ["/?status=418", { ...plain, status: 429 }],
  ["/said?seen=1", { status: 200, isTheServers: false, "x-seen": "1", "x-site": "GET" }],
  // A header without a value is left away.
  ["/said", { status: 200, isTheServers: false, "x-site": "GET" }],
  ["/teapot", { status: 429, isTheServers: false }],
])("%s", (path, expected) => {
  test("as the rules say", async () => {
    expect(await seen(beside.ours.web, path)).toEqual(expected);
  });
  test.skipIf(haproxyMissing() !== undefined)("as HAProxy does", async () => {
    expect(await seen(beside.theirs.web, path)).toEqual(expected);
  });
});
