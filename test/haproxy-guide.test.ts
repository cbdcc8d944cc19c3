// The guide's haproxy.cfg through `isthmus serve`, as it is but for ports, servers and the certificate's place.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let api: EchoServer;
let web: EchoServer;
let system: System;
let ports: Record<"http" | "https" | "stats", number>;

beforeAll(async () => {
  [api, web] = await Promise.all([startEchoServer("api"), startEchoServer("web")]);
  const [http, https, stats] = (await freePorts(3)) as [number, number, number];
  ports = { http, https, stats };
  const file = join(import.meta.dirname, "corpus/haproxy/guide/haproxy.cfg");
  const config = (await readFile(file, "utf8"))
    .replace("*:8404", `*:${stats}`)
    .replace("*:80\n", `*:${http}\n`)
    .replace("*:443 ssl crt /etc/ssl/certs/myapp.pem", `*:${https} ssl`)
    .replaceAll(/10\.0\.2\.\d+:8080/g, `127.0.0.1:${api.port}`)
    .replaceAll(/10\.0\.1\.\d+:3000/g, `127.0.0.1:${web.port}`);
  system = await startSystem(config, ["--dev-tls", "--processes", "1"]);
});
afterAll(async () => {
  await system?.stop();
  await Promise.all([api, web].map((server) => server?.stop()));
});

test("requests go where HAProxy sends them, with and without TLS", async () => {
  const served = async (host: string, port: number, tls?: object): Promise<Echo> => {
    const answer = await ask({ port, host, path: "/x?y=1", ...(tls && { tls: {} }) });
    return JSON.parse(answer.body) as Echo;
  };
  expect(await served("api.myapp.com", ports.http)).toMatchObject({ name: "api", url: "/x?y=1" });
  expect(await served("www.myapp.com", ports.http)).toMatchObject({ name: "web" });
  expect(await served("other.example", ports.http)).toMatchObject({ name: "web" });
  const secure = await served("api.myapp.com", ports.https, {});
  expect(secure).toMatchObject({ name: "api", headers: { "x-forwarded-for": "127.0.0.1" } });
});

test("the stats frontend shows the statistics, and nothing else", async () => {
  const page = await ask({ port: ports.stats, host: "localhost", path: "/stats" });
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toMatch(/^text\/html/);
  expect(page.body).toMatch(/http-equiv="refresh" content="10"/);
  expect(page.body).toContain("api_servers");
  const csv = await ask({ port: ports.stats, host: "localhost", path: "/stats;csv" });
  expect(csv.body).toMatch(/^# pxname,svname,/);
  expect((await ask({ port: ports.stats, host: "localhost", path: "/" })).status).toBe(503);
});
