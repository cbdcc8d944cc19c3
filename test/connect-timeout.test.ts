// Connect timeouts to endpoints of plain HTTP, whose connections the runtime keeps to itself: an address that answers no
// SYN, beside one that does, through real HAProxy with the same file, too.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing, startHaproxy, type Haproxy } from "./system/haproxy.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { startUnanswered, type Unanswered } from "./system/unanswered.ts";

const connectMs = 600;
const missing = haproxyMissing();

let unanswered: Unanswered;
let live: EchoServer;
let leaving: Server;
let system: System;
let port: number;
let haproxy: Haproxy | undefined;
let haproxyPort: number;

const configuration = (listen: number): string => `
defaults
  mode http
  timeout connect ${connectMs}ms
  timeout client 30s
  timeout server 30s
  option redispatch 1
  retries 1

frontend web
  bind 127.0.0.1:${listen}
  use_backend dead if { path_beg /dead }
  use_backend leaving if { path_beg /leaving }
  default_backend both

backend both
  balance roundrobin
  server dead 127.0.0.1:${unanswered.port}
  server live 127.0.0.1:${live.port}

backend dead
  server dead 127.0.0.1:${unanswered.port}

backend leaving
  server leaving 127.0.0.1:${(leaving.address() as AddressInfo).port}
`;

beforeAll(async () => {
  unanswered = await startUnanswered();
  live = await startEchoServer("live");
  // Takes a request, then no other connection, and answers late: what a server does that shuts down in good order.
  leaving = createServer((request, response) => {
    leaving.close();
    if (request.url === "/leaving") setTimeout(() => response.end("in good order"), 2 * connectMs);
  });
  await new Promise<void>((done) => leaving.listen(0, "127.0.0.1", done));
  [port, haproxyPort] = (await freePorts(2)) as [number, number];
  system = await startSystem(configuration(port), ["--processes", "1"]);
  if (!missing) haproxy = await startHaproxy(configuration(haproxyPort), [haproxyPort]);
});

afterAll(async () => {
  await system?.stop();
  await haproxy?.stop();
  await live?.stop();
  leaving?.closeAllConnections();
  unanswered?.stop();
});

const get = (path: string, at = port, method = "GET"): Promise<Answer> =>
  ask({ port: at, host: "example.com", path, method });

/** Sends them at the same time; how many of each status, and how long the longest took. */
async function burst(at: number): Promise<{ statuses: Record<string, number>; longestMs: number }> {
  const startedMs = performance.now();
  const statuses: Record<string, number> = {};
  let longestMs = 0;
  const one = async (index: number): Promise<void> => {
    const { status } = await get(`/${index}`, at, index % 4 < 2 ? "GET" : "PUT");
    statuses[status] = (statuses[status] ?? 0) + 1;
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  };
  await Promise.all(Array.from({ length: 40 }, (_, index) => one(index)));
  return { statuses, longestMs };
}

test("no idempotent request fails beside a live endpoint; those of the dead one wait for the timeout", async () => {
  const { statuses, longestMs } = await burst(port);
  expect(statuses).toEqual({ 200: 40 });
  expect(longestMs).toBeGreaterThanOrEqual(connectMs - 1);
});

test.skipIf(missing)("so it is with HAProxy", async () => {
  await expect.poll(async () => (await get("/", haproxyPort).catch(() => undefined))?.status).toBe(200);
  const { statuses, longestMs } = await burst(haproxyPort);
  expect(statuses).toEqual({ 200: 40 });
  expect(longestMs).toBeGreaterThanOrEqual(connectMs - 1);
});

test("a POST, which may have arrived, is answered in time and not repeated", async () => {
  const answers = await Promise.all([1, 2, 3, 4].map(() => get("/post", port, "POST")));
  const found = answers.map(({ status, headers }) => `${status} ${headers["isthmus-error"] ?? "-"}`);
  expect(new Set(found)).toEqual(new Set(["200 -", "503 endpoint_connect_timeout"]));
});

test("without another endpoint the client is told", async () => {
  const startedMs = performance.now();
  const answer = await get("/dead");
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(connectMs - 1);
  expect([answer.status, answer.headers["isthmus-error"]]).toEqual([503, "endpoint_connect_timeout"]);
  expect(answer.headers["proxy-status"]).toContain("error=connection_timeout");
});

test("an endpoint that takes no new connections finishes what it has", async () => {
  const answer = await get("/leaving");
  expect([answer.status, answer.body]).toEqual([200, "in good order"]);
});
