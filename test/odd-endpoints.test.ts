// Endpoints and clients that use HTTP as few do, through gateway, tunnel and agent: what is odd but allowed passes, and what
// is not has a code; by a listener of workerd's own and behind the front door.
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { listen } from "./system/tcp.ts";
import { host, startTunnelledSystem, type TunnelledSystem } from "./system/tunnelled-system.ts";

const end = "\r\n\r\n";
const ok = `HTTP/1.1 200 OK\r\nContent-Length: 4${end}`;

/** What the pod sends, by path, as soon as the head is there; it reads no body. */
const answers: Record<string, string> = {
  "/processing": `HTTP/1.1 102 Processing${end}HTTP/1.1 103 Early Hints\r\nLink: </a.css>${end}HTTP/1.1 103 Early Hints\r\nLink: </b.css>${end}HTTP/1.1 199 Odd${end}${ok}done`,
  "/switch": `HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade${end}`,
  "/not-modified": `HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5${end}`,
  "/head": `HTTP/1.1 200 OK\r\nContent-Length: 1000000${end}`,
  "/empty-chunks": `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked${end}0${end}`,
  "/cookies": `HTTP/1.1 200 OK\r\nSET-COOKIE: a=1\r\nset-cookie: b=2\r\nX-OdD: 1\r\nContent-Length: 4${end}done`,
  "/large-head": `HTTP/1.1 200 OK\r\nX-Large: ${"x".repeat(50_000)}\r\nContent-Length: 4${end}done`,
  "/refused": `HTTP/1.1 417 Expectation Failed\r\nContent-Length: 4${end}done`,
};
/** As before, and then the connection is closed. */
const closing: Record<string, string> = {
  "/old": `HTTP/1.0 200 OK${end}until the end`,
  "/closes": `HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4${end}done`,
  "/short": `HTTP/1.1 200 OK\r\nContent-Length: 100${end}done`,
};

let running: TunnelledSystem;
/** Heads of the requests that the pod has seen. */
const seen: string[] = [];

const pod = createServer((socket) => {
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    // What is left of a body, of which nothing is read, comes before the next request.
    const head = /(?:GET|HEAD|POST|OPTIONS) \S+ HTTP[^]*?(?=\r\n\r\n)/.exec(text)?.[0];
    if (head === undefined) return;
    text = "";
    const path = head.split(" ")[1]!;
    seen.push(head);
    if (closing[path] !== undefined) socket.end(closing[path]);
    else socket.write(answers[path] ?? `${ok}done`);
  });
});
const socketPod = createHttpServer();

beforeAll(async () => {
  const sockets = new WebSocketServer({ server: socketPod, perMessageDeflate: true });
  sockets.on("connection", (socket, request) => {
    socket.send(JSON.stringify(request.headers["sec-websocket-extensions"] ?? "none"));
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const podPort = await listen(pod);
  const socketPort = await listen(socketPod);
  running = await startTunnelledSystem({
    config: () => `
routes:
  - name: all
    rules:
      - backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /socket } }]
        backendRefs: [{ name: sockets }]
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${podPort} }] }
  - { name: sockets, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${socketPort} }] }
`,
  });
});

afterAll(async () => {
  await running?.stop();
  pod.close();
  socketPod.closeAllConnections();
  socketPod.close();
});

type Side = "plain" | "secure";

/** All that comes back until the connection is closed. */
function exchange(side: Side, request: string): Promise<string> {
  const { ca, ports } = running;
  const to = { host: "127.0.0.1", port: ports[side] };
  const socket: Socket = side === "plain" ? connect(to) : connectTls({ ...to, ca, servername: host });
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.write(request);
  return new Promise((done) => socket.once("close", () => done(text)));
}

const get = (side: Side, path: string, method = "GET"): Promise<string> =>
  exchange(side, `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close${end}`);

const upload = (path: string, head: string, body = ""): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${head}${end}${body}`;

const sides = ["plain", "secure"] as const;
/** Without what may come before it. */
const finalOf = (answer: string): string => answer.replace(/^(?:HTTP\/1\.1 1[^]*?\r\n\r\n)+/, "");
const statusOf = (answer: string): number => Number(finalOf(answer).split(" ", 2)[1]);
const bodyOf = (answer: string): string => finalOf(answer).slice(finalOf(answer).indexOf(end) + 4);

test.each([
  ["/processing", 200, "done"],
  ["/cookies", 200, "done"],
  ["/large-head", 200, "done"],
  ["/refused", 417, "done"],
  ["/not-modified", 304, ""],
  ["/closes", 413, "done"],
] as const)(
  "GET %s is answered %i, and nothing before it is taken for the answer",
  async (path, status, body) => {
    for (const side of sides) {
      const answer = await get(side, path);
      expect(statusOf(answer), answer.slice(0, 300)).toBe(status);
      expect(bodyOf(answer)).toBe(body);
    }
  },
);

test("fields keep their values and their number, whatever case they come in", async () => {
  for (const side of sides) {
    const answer = await get(side, "/cookies");
    expect(answer.match(/^set-cookie: .*$/gim)?.map((line) => line.slice(12))).toEqual(["a=1", "b=2"]);
    expect(answer).toMatch(/^x-odd: 1\r$/im);
    expect(await get(side, "/not-modified")).toMatch(/^etag: "1"\r$/im);
    expect(await get(side, "/head", "HEAD")).toMatch(/^content-length: 1000000\r$/im);
  }
});

test("a large head of a request passes", async () => {
  const large = `X-Large: ${"x".repeat(12_000)}`;
  for (const side of sides) {
    const answer = await exchange(
      side,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${large}\r\nX-Second: ${large}${end}`,
    );
    expect(statusOf(answer)).toBe(200);
    expect(seen.at(-1)).toMatch(/^x-second: X-Large: x/im);
  }
});

test("bodies that end with the connection, are empty, or break off", async () => {
  for (const side of sides) {
    expect(await get(side, "/old")).toContain("until the end");
    expect(bodyOf(await get(side, "/empty-chunks"))).toMatch(/^(0\r\n\r\n)?$/);
    const short = await get(side, "/short");
    expect(short).toMatch(/^HTTP\/1\.1 (200|502) /);
    expect(short).not.toMatch(/\r\n0\r\n\r\n$/);
  }
});

test("a switch that nobody asked for is an error with a code", async () => {
  for (const side of sides) {
    expect(await get(side, "/switch")).toMatch(/^HTTP\/1\.1 502 [^]*isthmus-error: /i);
  }
});

test("an expectation is met by the edge; the endpoint may refuse all the same", async () => {
  for (const side of sides) {
    const answer = await exchange(
      side,
      upload("/refused", "Expect: 100-continue\r\nContent-Length: 4", "body"),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 417 /);
    expect(seen.at(-1)).not.toMatch(/^expect:/im);
  }
});

test("uploads of no bytes say so, however they say it", async () => {
  for (const side of sides) {
    for (const [head, body] of [
      ["Content-Length: 0", ""],
      ["Transfer-Encoding: chunked", `0${end}`],
    ] as const) {
      expect(statusOf(await exchange(side, upload("/empty", head, body)))).toBe(200);
      expect(seen.at(-1)).toMatch(/^(content-length: 0|transfer-encoding: chunked)$/im);
    }
  }
});

test("targets in other forms reach the endpoint as paths, or are refused with a code", async () => {
  for (const side of sides) {
    expect(statusOf(await get(side, `http://${host}/absolute?x=1`))).toBe(200);
    expect(seen.at(-1)).toMatch(/^GET \/absolute\?x=1 HTTP/);
    const before = seen.length;
    expect(statusOf(await get(side, "*", "OPTIONS"))).toSatisfy(
      (status) => status === 200 || (status >= 400 && status < 500),
    );
    expect(seen.slice(before).every((head) => /^OPTIONS [/*]\*? HTTP/.test(head))).toBe(true);
  }
});

test("a WebSocket: no compression, fragments with a ping between them, odd close codes", async () => {
  for (const side of sides) {
    for (const code of [1000, 1001, 3000, 4999, 1005]) {
      const scheme = side === "plain" ? "ws" : "wss";
      const socket = new WebSocket(`${scheme}://127.0.0.1:${running.ports[side]}/socket`, {
        headers: { host },
        ca: running.ca,
        servername: host,
      } as object);
      const next = async () => String(((await once(socket, "message")) as [Buffer])[0]);
      expect(await next()).toBe('"none"');
      expect(socket.extensions).toBe("");
      const pong = once(socket, "pong");
      socket.send("one ", { fin: false });
      socket.ping("between");
      socket.send("two", { fin: true });
      expect(await next()).toBe("one two");
      expect(String(((await pong) as [Buffer])[0])).toBe("between");
      const closed = once(socket, "close");
      if (code === 1005) socket.close();
      else socket.close(code);
      expect(((await closed) as [number])[0]).toBe(code);
    }
  }
});
