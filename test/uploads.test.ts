// Request bodies that come late, broken, or never: what the client is told, and that no endpoint is blamed for it.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { sendBytes } from "./system/wire-client.ts";

const host = "a.test";
/** Longer than the listeners wait for a request; what is sent in one go, or talks on, has all of that time to arrive. */
const slowMs = 1_800;
let one: EchoServer;
let two: EchoServer;
let system: System;
let web: number;
let secure: number;
/** Paths of requests as they came to an endpoint, and slow ones as they were answered. */
const arrived: string[] = [];
/** Paths of requests that came whole. */
const whole: string[] = [];

beforeAll(async () => {
  const start = (name: string): Promise<EchoServer> =>
    startEchoServer(name, (request, response) => {
      const { url = "" } = request;
      arrived.push(url);
      request.once("end", () => whole.push(url));
      if (url.startsWith("/slow")) {
        request.resume();
        setTimeout(() => {
          arrived.push(`answered ${url}`);
          response.end("slow");
        }, slowMs);
        return true;
      }
      if (url === "/talk") {
        response.flushHeaders();
        request.on("data", (chunk: Buffer) => response.write(`heard ${chunk.toString()}`));
        request.once("end", () => response.end("bye"));
        return true;
      }
      return false;
    });
  one = await start("one");
  two = await start("two");
  [web, secure] = (await freePorts(2)) as [number, number];
  system = await startSystem(
    `
listeners:
  - { name: web, protocol: HTTP, port: ${web}, timeouts: { requestReceived: 1500ms } }
  - { name: secure, protocol: HTTPS, port: ${secure}, timeouts: { requestReceived: 1500ms } }
routes:
  - { name: all, rules: [{ backendRefs: [{ name: two }] }] }
backends:
  - name: two
    endpoints: [{ address: 127.0.0.1, port: ${one.port} }, { address: 127.0.0.1, port: ${two.port} }]
    healthCheck: { passive: { consecutiveGatewayErrors: 2, consecutiveLocalOriginFailures: 2 } }
`,
    ["--dev-tls", "--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await Promise.all([one?.stop(), two?.stop()]);
});

const head = (line: string, ...fields: string[]): string =>
  `${[`${line} HTTP/1.1`, `Host: ${host}`, ...fields].join("\r\n")}\r\n\r\n`;
const errorOf = (answer: string): string | undefined => /isthmus-error: (\S+)/i.exec(answer)?.[1];

async function open(protocol: "http" | "https"): Promise<Socket> {
  const socket =
    protocol === "http"
      ? connect(web, "127.0.0.1")
      : tlsConnect({ host: "127.0.0.1", port: secure, servername: host, rejectUnauthorized: false });
  await once(socket, protocol === "http" ? "connect" : "secureConnect");
  return socket.setEncoding("latin1");
}

test("malformed bodies are the client's fault: no endpoint is ejected for them", async () => {
  for (let n = 0; n < 12; n += 1) {
    const answer = await sendBytes(
      { port: web },
      `${head(`POST /bad${n}`, "Transfer-Encoding: chunked")}3\r\nabc\r\nnonsense\r\n`,
    );
    expect(errorOf(answer)).toBe("request_incomplete");
  }
  expect(whole.filter((path) => path.startsWith("/bad"))).toEqual([]);
  const served = new Set<unknown>();
  for (let n = 0; n < 6; n += 1) served.add((await ask({ port: web, host })).headers["x-served-by"]);
  expect(served).toEqual(new Set(["one", "two"]));
});

describe.each(["http", "https"] as const)("%s", (protocol) => {
  test.each([
    ["of a known length", ["Content-Length: 10"], "abc"],
    ["in chunks", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n"],
  ])("a body %s that stands still is answered 408", async (_, fields, part) => {
    const socket = await open(protocol);
    const path = `/still-${protocol}-${part.length}`;
    socket.write(head(`POST ${path}`, ...fields) + part);
    const [answer] = (await once(socket, "data")) as [string];
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(errorOf(answer)).toBe("request_receive_timeout");
    expect(whole).not.toContain(path);
  });

  test("a slow endpoint is no slow client", async () => {
    const tls = protocol === "https" ? { tls: {} } : {};
    const port = protocol === "http" ? web : secure;
    const answer = await ask({ port, host, path: "/slow", method: "POST", body: "whole", ...tls });
    expect([answer.status, answer.body]).toEqual([200, "slow"]);
  });

  test("requests sent ahead take their turns", async () => {
    const ahead = `${head("POST /slow-first", "Content-Length: 3")}abc${head("GET /second", "Connection: close")}`;
    const answer = await sendBytes(
      protocol === "http" ? { port: web } : { port: secure, serverName: host },
      ahead,
    );
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answer.indexOf("slow")).toBeLessThan(answer.indexOf("/second"));
    expect(arrived.slice(-3)).toEqual(["/slow-first", "answered /slow-first", "/second"]);
  });

  test("both sides may talk at once", async () => {
    const socket = await open(protocol);
    let text = "";
    const heard = (what: string): Promise<void> =>
      new Promise((done) => {
        const look = (chunk = ""): void => {
          text += chunk;
          if (!text.includes(what)) return;
          socket.off("data", look);
          done();
        };
        socket.on("data", look);
        look();
      });
    socket.write(head("POST /talk", "Transfer-Encoding: chunked", "Connection: close"));
    socket.write("3\r\nabc\r\n");
    await heard("heard abc");
    socket.write("3\r\ndef\r\n");
    await heard("heard def");
    socket.write("0\r\n\r\n");
    await heard("bye");
    socket.destroy();
  });
});
