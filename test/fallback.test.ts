// Backends that stand in for others of which no endpoint is up: `fallback` of a backendRef, and nbsrv of a haproxy.cfg.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let app: EchoServer;
let sorry: EchoServer;
let system: System;
let port: number;
let isUp = false;

const configuration = (listen: number): string => `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout check 5s

frontend web
  bind 127.0.0.1:${listen}
  http-request return status 503 content-type text/plain string "back soon" if { path_beg /api } { nbsrv(app) lt 1 }
  use_backend app if { path_beg /api }
  acl app_dead nbsrv(app) eq 0
  use_backend sorry if app_dead
  default_backend app

backend app
  cookie SERVER insert indirect nocache
  option httpchk GET /health
  default-server check inter 100ms fall 1 rise 1
  server s1 127.0.0.1:${app.port} cookie s1

backend sorry
  http-request set-path /sorry.html
  server s1 127.0.0.1:${sorry.port}
`;

beforeAll(async () => {
  app = await startEchoServer("app", (request, response) => {
    if (request.url !== "/health") return false;
    response.writeHead(isUp ? 200 : 503).end();
    return true;
  });
  sorry = await startEchoServer("sorry");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(configuration(port), ["--processes", "1"]);
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([app?.stop(), sorry?.stop()]);
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask({ port, host: "example.com", path, headers });

/** Asks until another one answers; the health of endpoints is known to a gateway once it has asked for it. */
const served = (path: string, by: string | undefined, headers?: Record<string, string>) =>
  expect.poll(async () => (await get(path, headers)).headers["x-served-by"], { timeout: 30_000 }).toBe(by);

test("while no server is up, what stands in answers; with the first that is, its own backend does", async () => {
  await served("/x", "sorry");
  expect(JSON.parse((await get("/x")).body)).toMatchObject({ name: "sorry", url: "/sorry.html" });
  const api = await get("/api");
  expect([api.status, api.body]).toEqual([503, "back soon"]);

  isUp = true;
  await served("/x", "app");
  const answer = await get("/api/x");
  expect(JSON.parse(answer.body)).toMatchObject({ name: "app", url: "/api/x" });

  // A session goes along, whichever way.
  const [cookie = ""] = (await get("/x")).headers["set-cookie"]![0]!.split(";");
  isUp = false;
  await served("/x", "sorry", { cookie });
  expect((await get("/api", { cookie })).status).toBe(503);
  isUp = true;
  await served("/x", "app", { cookie });
});
