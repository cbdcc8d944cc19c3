// `isthmus serve` as an operator meets it: TLS, several processes, replaced processes, clean ends and clear refusals.
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect as http2Connect } from "node:http2";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { developmentCertificate } from "../cli/serve/dev-certificate.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, loopback } from "./system/http.ts";
import { runIsthmus, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, startProgram } from "./system/process.ts";

const cli = resolve(import.meta.dirname, "../cli/isthmus.mjs");

let one: EchoServer;
let two: EchoServer;
let scratch: string;

beforeAll(async () => {
  one = await startEchoServer("one", (request, response) => {
    if (!request.url?.startsWith("/slow")) return false;
    setTimeout(() => response.end("slow"), 700);
    return true;
  });
  two = await startEchoServer("two");
  scratch = await mkdtemp(join(tmpdir(), "isthmus-serve-"));
});

afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await rm(scratch, { recursive: true, force: true });
});

const plain = (port: number, endpoints: readonly string[]): string => `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: b }] }] }]
backends: [{ name: b, endpoints: [${endpoints.join(", ")}] }]
`;

const endpoint = (address: string, port: number): string => `{ address: ${address}, port: ${port} }`;

function pids(system: System, name: string): number[] {
  const pattern = new RegExp(`\\b${name} pid=(\\d+) started`, "g");
  return Array.from(system.program.output().matchAll(pattern), (found) => Number(found[1]));
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Asks without pause until `stop` is called; resolves to the requests that did not come back with 200. */
function load(port: number): { stop(): Promise<string[]>; sent(): number } {
  const failures: string[] = [];
  let sent = 0;
  const stopping = new AbortController();
  const clients = Array.from({ length: 4 }, async () => {
    while (!stopping.signal.aborted) {
      sent += 1;
      const answer = await ask({ port, host: "a.example.com" }).catch((error: Error) => error.message);
      const what = typeof answer === "string" ? answer : String(answer.status);
      if (what !== "200") failures.push(what);
    }
  });
  return {
    sent: () => sent,
    stop: async () => {
      stopping.abort();
      await Promise.all(clients);
      return failures;
    },
  };
}

test("HTTPS: certificates by server name, HTTP/2, WebSockets, and facts that no client can forge", async () => {
  const [port] = (await freePorts(1)) as [number];
  for (const name of ["a", "b"]) {
    await mkdir(join(scratch, name), { recursive: true });
    await developmentCertificate(join(scratch, name), [`${name}.example.com`], Date.now());
  }
  const pair = (name: string): string =>
    `{ certFile: ${join(scratch, name, "dev-tls.crt")}, keyFile: ${join(scratch, name, "dev-tls.key")} }`;
  const system = await startSystem(`
listeners:
  - { name: secure, protocol: HTTPS, port: ${port}, tls: { certificates: [${pair("a")}, ${pair("b")}] } }
routes: [{ name: all, rules: [{ backendRefs: [{ name: b }] }] }]
backends: [{ name: b, endpoints: [${endpoint("127.0.0.1", one.port)}] }]
`);
  try {
    const certificateFor = async (servername: string): Promise<string> => {
      const socket = tlsConnect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const names = socket.getPeerCertificate().subjectaltname ?? "";
      socket.destroy();
      return names;
    };
    expect(await certificateFor("a.example.com")).toContain("DNS:a.example.com");
    expect(await certificateFor("b.example.com")).toContain("DNS:b.example.com");
    expect(await certificateFor("other.example.org")).toContain("DNS:a.example.com");

    const ca = readFileSync(join(scratch, "b/dev-tls.crt"), "utf8");
    const forged = {
      "isthmus-cf": '{"clientIp":"192.0.2.66:1"}',
      "isthmus-scheme": "http",
      "x-forwarded-proto": "http",
    };
    const answer = await ask({ port, host: "b.example.com", tls: { ca }, headers: forged });
    const echo = JSON.parse(answer.body) as Echo;
    expect(echo.headers["x-forwarded-proto"]).toBe("https");
    expect(echo.headers["x-forwarded-for"]).toBe("127.0.0.1");
    expect(Object.keys(echo.headers).filter((name) => name.startsWith("isthmus-"))).toEqual([]);

    const session = http2Connect(`https://b.example.com:${port}`, { ca, lookup: loopback } as object);
    const stream = session.request({ ":path": "/h2?x", ":method": "POST" });
    stream.end("over two");
    let body = "";
    for await (const chunk of stream.setEncoding("utf8")) body += String(chunk);
    session.close();
    expect(JSON.parse(body)).toMatchObject({ method: "POST", url: "/h2?x", body: "over two" });

    // A certificate renewed on disk is served without a restart.
    for (const file of ["dev-tls.crt", "dev-tls.key"]) {
      await copyFile(join(scratch, "b", file), join(scratch, "a", file));
    }
    await eventually("the renewed certificate", async () =>
      (await certificateFor("a.example.com")).includes("DNS:b.example.com"),
    );
  } finally {
    await system.stop();
  }
});

test("WebSockets pass the front door, with a generated certificate", async () => {
  const [port] = (await freePorts(1)) as [number];
  const { WebSocketServer } = await import("ws");
  const sockets = new WebSocketServer({ server: two.server, path: "/echo" });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  const system = await startSystem(plain(port, [endpoint("127.0.0.1", two.port)]).replace("HTTP", "HTTPS"), [
    "--dev-tls",
  ]);
  try {
    const ca = readFileSync(join(system.dataDirectory, "dev-tls.crt"), "utf8");
    const socket = new WebSocket(`wss://localhost:${port}/echo`, { ca });
    await once(socket, "open");
    const big = Buffer.alloc(1024 * 1024, "x");
    socket.send(big);
    const [data] = (await once(socket, "message")) as [Buffer];
    expect(data.equals(big)).toBe(true);
    socket.close(4001, "done");
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(4001);
  } finally {
    await system.stop();
    sockets.close();
  }
});

test("ports move together, endpoints are dialled elsewhere, the client's Host stays", async () => {
  const [port] = (await freePorts(1)) as [number];
  const system = await startSystem(plain(port - 1000, [endpoint("203.0.113.7", 8080)]), [
    "--port-offset=1000",
    `--connect-to=203.0.113.7:8080:127.0.0.1:${one.port}`,
  ]);
  try {
    expect(system.program.output()).toContain(`listener web http://0.0.0.0:${port}\n`);
    const echo = JSON.parse((await ask({ port, host: "a.example.com:1234" })).body) as Echo;
    expect(echo.headers["host"]).toBe("a.example.com:1234");
  } finally {
    await system.stop();
  }
});

test("two processes share the port; no connection is refused while one is killed and comes back", async () => {
  const [port] = (await freePorts(1)) as [number];
  const system = await startSystem(plain(port, [endpoint("127.0.0.1", one.port)]), ["--processes", "2"]);
  try {
    const running = load(port);
    await eventually("load", async () => running.sent() > 50);
    const [victim] = pids(system, "gateway-1");
    process.kill(victim!, "SIGKILL");
    await eventually("its successor", async () => pids(system, "gateway-1").length === 2);
    const sentBefore = running.sent();
    await eventually("more load", async () => running.sent() > sentBefore + 50);
    const failures = await running.stop();
    // What the killed process had in its hands is lost; what had not been accepted waits for the successor.
    expect(failures.filter((what) => what.includes("ECONNREFUSED"))).toEqual([]);
    expect(failures.length).toBeLessThanOrEqual(4);
  } finally {
    await system.stop();
  }
});

test("a new endpoint replaces the gateway process without a failed request", async () => {
  const [port] = (await freePorts(1)) as [number];
  const system = await startSystem(plain(port, [endpoint("127.0.0.1", one.port)]));
  try {
    const running = load(port);
    const both = plain(port, [endpoint("127.0.0.1", one.port), endpoint("127.0.0.1", two.port)]);
    const applied = await system.run("apply", "-f", await system.file("both.yaml", both));
    expect(applied.code).toBe(0);
    await eventually("the new process", async () => pids(system, "gateway-1").length === 2);
    await eventually("the old one has ended", async () => !isAlive(pids(system, "gateway-1")[0]!));
    await eventually(
      "the new endpoint",
      async () => (await ask({ port, host: "a.example.com" })).headers["x-served-by"] === "two",
    );
    expect(await running.stop()).toEqual([]);
  } finally {
    await system.stop();
  }
});

test("listeners that share a port are told apart by Host", async () => {
  const [port] = (await freePorts(1)) as [number];
  const system = await startSystem(`
listeners:
  - { name: a, protocol: HTTP, port: ${port}, hostnames: [a.example.com] }
  - { name: b, protocol: HTTP, port: ${port}, hostnames: ["*.b.example.com"] }
routes:
  - { name: ra, listeners: [a], rules: [{ backendRefs: [{ name: one }] }] }
  - { name: rb, listeners: [b], rules: [{ backendRefs: [{ name: two }] }] }
backends:
  - { name: one, endpoints: [${endpoint("127.0.0.1", one.port)}] }
  - { name: two, endpoints: [${endpoint("127.0.0.1", two.port)}] }
`);
  try {
    const servedBy = async (host: string): Promise<unknown> =>
      (await ask({ port, host })).headers["x-served-by"];
    expect(await servedBy("a.example.com")).toBe("one");
    expect(await servedBy("x.b.example.com")).toBe("two");
    expect((await ask({ port, host: "c.example.com" })).status).toBe(404);
  } finally {
    await system.stop();
  }
});

test("SIGTERM finishes what is under way, then nothing is left", async () => {
  const [port] = (await freePorts(1)) as [number];
  const system = await startSystem(plain(port, [endpoint("127.0.0.1", one.port)]));
  const before = one.requests();
  const slow = ask({ port, host: "a.example.com", path: "/slow" });
  const all = ["control", "state", "gateway-1"].flatMap((name) => pids(system, name));
  const stopped = eventually("the origin has it", async () => one.requests() > before).then(() =>
    system.program.stop(),
  );
  const [answer, code] = await Promise.all([slow, stopped]);
  expect([answer.body, code]).toEqual(["slow", 0]);
  expect(all.filter(isAlive)).toEqual([]);
  expect(await readdir(system.dataDirectory)).not.toContain("run");
  expect(await readdir(system.dataDirectory)).not.toContain("lock");
  await system.stop();
});

test.each(["launcher", "supervisor"])("when the %s is killed, nothing is orphaned", async (which) => {
  const [port] = (await freePorts(1)) as [number];
  const system = await startSystem(plain(port, [endpoint("127.0.0.1", one.port)]));
  const all = ["control", "state", "gateway-1"].flatMap((name) => pids(system, name));
  const launcher = system.program.child.pid!;
  process.kill(which === "launcher" ? launcher : await parentOf(all[0]!), "SIGKILL");
  await eventually("they are gone", async () => all.every((pid) => !isAlive(pid)));
  await system.stop();
});

async function parentOf(pid: number): Promise<number> {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

test("an invalid configuration is refused with its place before anything starts", async () => {
  const file = join(scratch, "bad.yaml");
  await writeFile(file, plain(1, [endpoint("127.0.0.1", 1)]).replace("name: b }", "name: nowhere }"));
  const refused = await runIsthmus(["serve", "-f", file, "--data", join(scratch, "never")]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/bad\.yaml:3:\d+: error: .*nowhere/);
  expect(refused.stderr).not.toMatch(/\n\s+at /);
});

test("a port in use and a data directory in use are said so", async () => {
  const blocker = createServer().listen(0, "0.0.0.0");
  await once(blocker, "listening");
  const { port: busy } = blocker.address() as { port: number };
  const [port, control] = (await freePorts(2)) as [number, number];
  const file = join(scratch, "busy.yaml");
  await writeFile(file, plain(busy, [endpoint("127.0.0.1", one.port)]));
  const args = [
    "serve",
    "-f",
    file,
    "--data",
    join(scratch, "busy"),
    "--control",
    String(control),
    "--processes",
    "2",
  ];
  const refused = await runIsthmus(args);
  blocker.close();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`cannot listen on 0.0.0.0:${busy}: EADDRINUSE`);

  const system = await startSystem(plain(port, [endpoint("127.0.0.1", one.port)]));
  const second = startProgram([cli, "serve", "-f", file, "--data", system.dataDirectory]);
  expect(await second.exited).toBe(3);
  expect(second.output()).toContain("is in use by process");
  await system.stop();
});
