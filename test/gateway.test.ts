// The gateway as `isthmus serve` runs it, from a client's socket to an origin's: routing, forwarding, errors.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let one: EchoServer;
let two: EchoServer;
let system: System;
let port: number;
let closedPort: number;

const config = (ports: Record<"web" | "one" | "two" | "closed", number>): string => `
listeners:
  - { name: web, protocol: HTTP, port: ${ports.web} }
routes:
  - name: api
    hostnames: [api.example.com]
    rules:
      - matches: [{ path: { type: PathPrefix, value: /orders }, method: GET }]
        filters:
          - type: RequestHeaderModifier
            requestHeaderModifier: { set: [{ name: x-a, value: b }], remove: [x-drop] }
          - type: ResponseHeaderModifier
            responseHeaderModifier: { add: [{ name: x-answer, value: "yes" }] }
        backendRefs: [{ name: two }]
      - matches: [{ path: { type: PathPrefix, value: /old } }]
        filters:
          - type: RequestRedirect
            requestRedirect:
              { hostname: new.example.com, statusCode: 301, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } }
      - matches: [{ path: { type: PathPrefix, value: /prefix } }]
        filters:
          - type: URLRewrite
            urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /inner } }
        backendRefs: [{ name: one }]
      - backendRefs: [{ name: one }]
  - name: split
    hostnames: [split.example.com]
    rules: [{ backendRefs: [{ name: one, weight: 90 }, { name: two, weight: 10 }] }]
  - name: wildcard
    hostnames: ["*.wild.example.com"]
    rules: [{ backendRefs: [{ name: two }] }]
  - name: broken
    hostnames: [broken.example.com]
    rules:
      - { matches: [{ path: { type: PathPrefix, value: /closed } }], backendRefs: [{ name: closed }] }
      - matches: [{ path: { type: PathPrefix, value: /slow } }]
        timeouts: { request: 300ms }
        backendRefs: [{ name: one }]
backends:
  - { name: one, endpoints: [{ address: 127.0.0.1, port: ${ports.one} }] }
  - { name: two, endpoints: [{ address: 127.0.0.1, port: ${ports.two} }], loadBalancer: { type: LeastRequest } }
  - { name: closed, endpoints: [{ address: 127.0.0.1, port: ${ports.closed} }] }
`;

beforeAll(async () => {
  one = await startEchoServer("one", (request, response) => {
    if (request.url?.startsWith("/events")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: first\n\n");
      request.once("close", () => response.end());
      return true;
    }
    if (request.url?.startsWith("/slow")) return true;
    if (request.url?.startsWith("/cookies")) {
      response.setHeader("set-cookie", ["a=1; Path=/", "b=2; Path=/"]);
      response.end("cookies");
      return true;
    }
    return false;
  });
  const sockets = new WebSocketServer({ server: one.server, path: "/socket", handleProtocols: () => "chat" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("close", (code) => code === 4001 && sockets.emit("client-said-4001"));
  });
  two = await startEchoServer("two");
  [port, closedPort] = (await freePorts(2)) as [number, number];
  system = await startSystem(config({ web: port, one: one.port, two: two.port, closed: closedPort }));
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([one.stop(), two.stop()]);
});

const echo = (answer: Answer): Echo => JSON.parse(answer.body) as Echo;

describe("routing", () => {
  test.each([
    ["api.example.com", "/orders/7", "GET", "two"],
    ["api.example.com", "/orders", "GET", "two"],
    ["api.example.com", "/ordersx", "GET", "one"],
    ["api.example.com", "/orders", "POST", "one"],
    ["API.Example.COM:8080", "/orders", "GET", "two"],
    ["a.wild.example.com", "/", "GET", "two"],
    ["a.b.wild.example.com", "/", "GET", "two"],
  ])("%s %s %s goes to its backend", async (host, path, method, expected) => {
    const answer = await ask({ port, host, path, method });
    expect(answer.headers["x-served-by"]).toBe(expected);
  });

  test.each(["wild.example.com", "unknown.example.com", "localhost"])(
    "no route for %s: 404",
    async (host) => {
      const answer = await ask({ port, host });
      expect(answer.status).toBe(404);
      expect(answer.headers["isthmus-error"]).toBe("route_not_found");
      expect(answer.headers["proxy-status"]).toContain("destination_not_found");
      expect(answer.headers["content-type"]).toContain("application/problem+json");
    },
  );

  test("weights are kept: 90/10 within 5 points over 500 requests", async () => {
    const served = { one: 0, two: 0 };
    for (let batch = 0; batch < 20; batch += 1) {
      const answers = await Promise.all(
        Array.from({ length: 25 }, () => ask({ port, host: "split.example.com" })),
      );
      for (const answer of answers) served[answer.headers["x-served-by"] as "one" | "two"] += 1;
    }
    expect(served.two / 500).toBeGreaterThan(0.05);
    expect(served.two / 500).toBeLessThan(0.15);
  });
});

describe("filters", () => {
  test("request and response headers are modified", async () => {
    const answer = await ask({
      port,
      host: "api.example.com",
      path: "/orders",
      headers: { "x-drop": "1", "x-a": "c" },
    });
    expect(echo(answer).headers["x-a"]).toBe("b");
    expect(echo(answer).headers["x-drop"]).toBeUndefined();
    expect(answer.headers["x-answer"]).toBe("yes");
  });

  test("a redirect replaces host and prefix and keeps the query", async () => {
    const answer = await ask({ port, host: "api.example.com", path: "/old/a?b=c" });
    expect(answer.status).toBe(301);
    expect(answer.headers.location).toMatch(/^http:\/\/new\.example\.com(:\d+)?\/new\/a\?b=c$/);
  });

  test("a rewrite replaces the prefix and keeps the query", async () => {
    const answer = await ask({ port, host: "api.example.com", path: "/prefix/a?b=c%20d" });
    expect(echo(answer).url).toBe("/inner/a?b=c%20d");
  });
});

describe("forwarding", () => {
  test("Host, method, path, query and body arrive as they were sent", async () => {
    const answer = await ask({
      port,
      host: "api.example.com:1234",
      path: "/a%2Db/%E2%82%AC?x=1&y=%2F",
      method: "PUT",
      body: "hello",
      headers: { "content-type": "text/plain" },
    });
    const seen = echo(answer);
    expect(seen).toMatchObject({ method: "PUT", body: "hello" });
    expect(seen.headers.host).toBe("api.example.com:1234");
    expect(seen.url).toBe("/a-b/%E2%82%AC?x=1&y=%2F");
  });

  test("a client cannot forge where it comes from", async () => {
    const forged = {
      "x-forwarded-for": "1.2.3.4",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "evil.example.com",
      forwarded: "for=1.2.3.4",
    };
    const { headers } = echo(await ask({ port, host: "api.example.com", headers: forged }));
    expect(headers["x-forwarded-for"]).toBe("127.0.0.1");
    expect(headers["x-forwarded-proto"]).toBe("http");
    expect(headers["x-forwarded-host"]).toBe("api.example.com");
    expect(JSON.stringify(headers)).not.toContain("1.2.3.4");
  });

  test("hop-by-hop headers and those that Connection names stay here", async () => {
    const { headers } = echo(
      await ask({
        port,
        host: "api.example.com",
        headers: { connection: "keep-alive, x-hop", "x-hop": "1", "keep-alive": "timeout=9", te: "trailers" },
      }),
    );
    expect(headers["x-hop"]).toBeUndefined();
    expect(headers["keep-alive"]).toBeUndefined();
  });

  test("several Set-Cookie lines stay several", async () => {
    const answer = await ask({ port, host: "api.example.com", path: "/cookies" });
    expect(answer.headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2; Path=/"]);
  });

  test("HEAD has no body, and server-sent events arrive as they are sent", async () => {
    expect((await ask({ port, host: "api.example.com", method: "HEAD" })).body).toBe("");
    const first = await new Promise<string>((done, fail) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write("GET /events HTTP/1.1\r\nHost: api.example.com\r\n\r\n"),
      );
      let text = "";
      socket.on("error", fail);
      socket.on("data", (chunk) => {
        text += chunk.toString();
        if (text.includes("data: first")) {
          socket.destroy();
          done(text);
        }
      });
    });
    expect(first).toContain("text/event-stream");
  });

  test("a WebSocket passes, with text, binary, subprotocol and close code", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, ["chat"], {
      headers: { host: "api.example.com" },
    });
    await new Promise((done, fail) => socket.once("open", done).once("error", fail));
    expect(socket.protocol).toBe("chat");
    const echoed = async (data: string | Buffer): Promise<string> => {
      const answer = new Promise<string>((done) =>
        socket.once("message", (message) => done(String(message))),
      );
      socket.send(data);
      return answer;
    };
    expect(await echoed("hello")).toBe("hello");
    expect(await echoed(Buffer.from([1, 2, 3]))).toBe(String(Buffer.from([1, 2, 3])));
    socket.close(4001);
    await new Promise((done) => socket.once("close", done));
  });
});

describe("errors carry their code", () => {
  test("nothing listens at the endpoint: 502", async () => {
    const answer = await ask({ port, host: "broken.example.com", path: "/closed" });
    expect(answer.status).toBe(502);
    expect(answer.headers["isthmus-error"]).toBe("endpoint_connect_failed");
  });

  test("the endpoint is slower than the route allows: 504", async () => {
    const answer = await ask({ port, host: "broken.example.com", path: "/slow" });
    expect(answer.status).toBe(504);
    expect(answer.headers["isthmus-error"]).toBe("request_timeout");
  });

  test.each([
    "bad host",
    "a..b",
    "-x-",
    "user@host",
    "host:99999",
    "[::1",
    "a".repeat(300),
    "%00",
    "é.example.com",
  ])("a malformed Host (%j) is refused and the gateway lives", async (host) => {
    const status = await rawStatus(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await ask({ port, host: "api.example.com" })).status).toBe(200);
  });

  test.each(["/%zz", "/a%00b", "/../../etc/passwd", "/%2e%2e/%2e%2e/x", "//", "/" + "a".repeat(20_000)])(
    "an odd path (%j) never crashes it",
    async (path) => {
      const status = await rawStatus(
        `GET ${path} HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n`,
      );
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
    },
  );
});

function rawStatus(text: string): Promise<number> {
  return new Promise((done, fail) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(text, "latin1")));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", fail);
    socket.on("close", () => done(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? Number.NaN)));
  });
}
