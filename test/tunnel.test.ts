// Edge to pod through the agent's tunnel, with real processes on both ends: requests, bodies, WebSockets, replacement.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

const MiB = 1024 * 1024;
let pod: EchoServer;
let system: System;
let agent: Program;
let port: number;

beforeAll(async () => {
  pod = await startEchoServer("pod", (incoming, outgoing) => {
    if (incoming.url === "/upload") {
      const hash = createHash("sha256");
      let bytes = 0;
      incoming.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        bytes += chunk.length;
      });
      incoming.once("end", () => outgoing.end(JSON.stringify({ bytes, sha256: hash.digest("hex") })));
      return true;
    }
    const download = /^\/download\/(\d+)$/.exec(incoming.url ?? "");
    if (download) {
      sendBytes(outgoing, Number(download[1]) * MiB);
      return true;
    }
    if (incoming.url === "/events") {
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.write("data: first\n\n");
      // workerd learns that a client has gone when it writes to it, so event streams need heartbeats here as elsewhere.
      const heartbeat = setInterval(() => outgoing.write(": still here\n\n"), 100);
      outgoing.once("close", () => clearInterval(heartbeat));
      return true;
    }
    return false;
  });
  const sockets = new WebSocketServer({ server: pod.server, path: "/socket" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      if (String(data) === "close me") socket.close(4002, "as you wish");
      else socket.send(data, { binary: isBinary });
    });
  });
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: all
    hostnames: [app.example.com]
    rules: [{ backendRefs: [{ name: pods }] }]
  - name: forbidden
    hostnames: [forbidden.example.com]
    rules: [{ backendRefs: [{ name: forbidden }] }]
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
  - { name: forbidden, tunnel: production, endpoints: [{ address: 192.0.2.1, port: 80 }] }
`);
  agent = await startAgent(system, "production");
  await eventually(
    "the tunnel carries a request",
    async () => (await ask({ port, host: "app.example.com" })).status === 200,
  );
});

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  await pod.stop();
});

function sendBytes(outgoing: NodeJS.WritableStream, totalBytes: number): void {
  const chunk = Buffer.alloc(64 * 1024, 7);
  let sentBytes = 0;
  const more = (): void => {
    while (sentBytes < totalBytes) {
      sentBytes += chunk.length;
      if (!outgoing.write(chunk)) return void outgoing.once("drain", more);
    }
    outgoing.end();
  };
  more();
}

/** Highest resident memory so far of every process of the system and the agent, in MiB. */
function peakResidentMiB(): number {
  const pids = [...system.program.output().matchAll(/\bpid[= ](\d+)/g)].map((found) => Number(found[1]));
  return Math.max(
    ...[...pids, agent.child.pid!].map((pid) => {
      try {
        return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
      } catch {
        return 0;
      }
    }),
  );
}

test("the pod sees the client's request: Host, method, path, body, address", async () => {
  const answer = await ask({
    port,
    host: "app.example.com",
    path: "/a/b?c=d",
    method: "POST",
    body: "hello",
    headers: { "x-custom": "1", "isthmus-endpoint": "forged", "isthmus-operation": "forged" },
  });
  const seen = JSON.parse(answer.body) as Echo;
  expect(seen).toMatchObject({ method: "POST", url: "/a/b?c=d", body: "hello" });
  expect(seen.headers.host).toBe("app.example.com");
  expect(seen.headers["x-custom"]).toBe("1");
  expect(seen.headers["x-forwarded-for"]).toBe("127.0.0.1");
  expect(Object.keys(seen.headers).filter((name) => name.startsWith("isthmus-"))).toEqual([]);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith("isthmus-"))).toEqual([]);
});

test("an endpoint outside the agent's allow list is refused by the agent", async () => {
  const answer = await ask({ port, host: "forbidden.example.com" });
  expect(answer.status).toBe(502);
  expect(answer.headers["isthmus-error"]).toBe("tunnel_refused");
});

async function upload(totalMiB: number): Promise<void> {
  const chunk = randomBytes(MiB);
  const hash = createHash("sha256");
  const answer = await new Promise<string>((done, fail) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path: "/upload", method: "POST", headers: { host: "app.example.com" } },
      (incoming) => {
        let text = "";
        incoming.on("data", (part: Buffer) => (text += part.toString()));
        incoming.once("end", () => done(text));
      },
    );
    outgoing.once("error", fail);
    let sent = 0;
    const more = (): void => {
      while (sent < totalMiB) {
        sent += 1;
        hash.update(chunk);
        if (!outgoing.write(chunk)) return void outgoing.once("drain", more);
      }
      outgoing.end();
    };
    more();
  });
  expect(JSON.parse(answer)).toEqual({ bytes: totalMiB * MiB, sha256: hash.digest("hex") });
}

function download(totalMiB: number): Promise<number> {
  return new Promise((done, fail) => {
    request(
      { host: "127.0.0.1", port, path: `/download/${totalMiB}`, headers: { host: "app.example.com" } },
      (incoming) => {
        let bytes = 0;
        incoming.on("data", (part: Buffer) => (bytes += part.length));
        incoming.once("end", () => done(bytes));
        incoming.once("error", fail);
      },
    )
      .once("error", fail)
      .end();
  });
}

test("200 MB up and down, intact and with flat memory", async () => {
  await upload(200);
  expect(await download(200)).toBe(200 * MiB);
  // What a garbage-collected process takes at first it keeps; what matters is that more traffic takes no more.
  const beforeMiB = peakResidentMiB();
  await upload(200);
  expect(await download(200)).toBe(200 * MiB);
  expect(peakResidentMiB() - beforeMiB).toBeLessThan(60);
  expect(peakResidentMiB()).toBeLessThan(350);
}, 120_000);

test("a slow reader does not stall others or grow memory", async () => {
  const beforeMiB = peakResidentMiB();
  const slow = connect(port, "127.0.0.1", () =>
    slow.write("GET /download/200 HTTP/1.1\r\nHost: app.example.com\r\n\r\n"),
  );
  await new Promise((done) => slow.once("data", done));
  slow.pause();
  for (let count = 0; count < 50; count += 1) {
    expect((await ask({ port, host: "app.example.com", path: `/${count}` })).status).toBe(200);
  }
  expect(peakResidentMiB() - beforeMiB).toBeLessThan(60);
  slow.destroy();
});

test("server-sent events arrive at once", async () => {
  const socket = connect(port, "127.0.0.1", () =>
    socket.write("GET /events HTTP/1.1\r\nHost: app.example.com\r\n\r\n"),
  );
  let text = "";
  await new Promise<void>((done) =>
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (text.includes("data: first")) done();
    }),
  );
  socket.destroy();
});

test("a WebSocket passes: text, binary, 1 MiB, close codes both ways", async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers: { host: "app.example.com" } });
  await new Promise((done, fail) => socket.once("open", done).once("error", fail));
  const echoed = (data: string | Buffer): Promise<Buffer> => {
    const answer = new Promise<Buffer>((done) =>
      socket.once("message", (message) => done(message as Buffer)),
    );
    socket.send(data);
    return answer;
  };
  expect(String(await echoed("hello"))).toBe("hello");
  const big = randomBytes(MiB);
  expect((await echoed(big)).equals(big)).toBe(true);
  const closed = new Promise<[number, string]>((done) =>
    socket.once("close", (code, reason) => done([code, reason.toString()])),
  );
  socket.send("close me");
  expect(await closed).toEqual([4002, "as you wish"]);
});

test("a second agent takes over while the first drains: no request fails", async () => {
  const second = await startAgent(system, "production", "second");
  await eventually("both agents are shown", async () => {
    const status = await system.run("status", "--json");
    return status.stdout.includes('"second"');
  });
  let failures = 0;
  const load = new AbortController();
  let requests = 0;
  const clients = Array.from({ length: 8 }, async () => {
    while (!load.signal.aborted) {
      const answer = await ask({ port, host: "app.example.com", method: "POST", body: "x" }).catch(
        () => undefined,
      );
      requests += 1;
      if (answer?.status !== 200) failures += 1;
    }
  });
  await eventually("load is on", async () => requests > 100);
  expect(await agent.stop("SIGTERM")).toBe(0);
  const drainedAt = requests;
  await eventually("load went on without the first agent", async () => requests > drainedAt + 200);
  load.abort();
  await Promise.all(clients);
  expect(failures).toBe(0);
  agent = second;
});

test("without an agent: 503 with a code; with a restarted one: served again, with the stored certificate", async () => {
  await agent.stop("SIGKILL");
  await eventually("the tunnel is gone", async () => {
    const answer = await ask({ port, host: "app.example.com" });
    return answer.status === 503 && answer.headers["isthmus-error"] === "tunnel_unavailable";
  });
  agent = await startAgent(system, "production", "second");
  await eventually("served again", async () => (await ask({ port, host: "app.example.com" })).status === 200);
});
