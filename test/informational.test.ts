// Informational answers of pods behind agents reach clients of the front door, in order and before the final one, over both
// versions of HTTP on either side; and nobody who does not take them, or for whom they are not.
import { once } from "node:events";
import { createServer as createHttp1Server, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, createServer as createHttp2Server, type IncomingHttpHeaders } from "node:http2";
import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { curl, curlMissing } from "./system/curl.ts";
import { loopback } from "./system/http.ts";
import { eventually } from "./system/process.ts";
import { listen } from "./system/tcp.ts";
import { host, startTunnelledSystem, type TunnelledSystem } from "./system/tunnelled-system.ts";

type Fields = Record<string, string>;
/** What a client was told before the final answer. */
type Told = [status: number, link: string | undefined][];

interface Answer {
  told: Told;
  status: number;
  body: string;
}

let running: TunnelledSystem;
/** Called when a request for `/waits` has been told of; its final answer comes after that. */
const waiting = new Map<string, () => void>();
/** Called when a request for `/held` has reached the pod, with what has it answered. */
const onHeld: ((answer: () => void) => void)[] = [];
const seen: string[] = [];

function informs(path: string): [status: number, fields: Fields][] {
  const id = path.split("?")[1] ?? "";
  switch (path.split("?")[0]) {
    case "/several":
      return [
        [102, {}],
        [103, { link: `</a${id}.css>; rel=preload`, "x-note": "caf\u00e9" }],
        [103, { link: `</b${id}.css>; rel=preload` }],
        [199, {}],
      ];
    case "/waits":
    case "/held":
    case "/failing":
    case "/mirrored":
      return [[103, { link: `<${path}>` }]];
    case "/many":
      return Array.from({ length: 40 }, (_, index) => [103, { link: `<${index}>` }]);
    case "/large":
      return Array.from({ length: 16 }, () => [103, { "x-large": "x".repeat(7_000) }]);
    default:
      return [];
  }
}

const end = "\r\n\r\n";

/** In the pod's own bytes, which Node's server would not let through. */
const pod = createServer((socket) => {
  let received = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    for (let at = received.indexOf(end); at >= 0; at = received.indexOf(end)) {
      const head = received.slice(0, at);
      received = received.slice(at + 4);
      seen.push(head);
      const path = head.split(" ")[1]!;
      const inform = (): void => {
        for (const [status, fields] of informs(path)) {
          const lines = Object.entries(fields).map(([name, value]) => `\r\n${name}: ${value}`);
          socket.write(`HTTP/1.1 ${status} Early${lines.join("")}${end}`, "latin1");
        }
      };
      const status = path.startsWith("/failing") ? 503 : 200;
      const answer = () => void socket.write(`HTTP/1.1 ${status} Done\r\nContent-Length: 4${end}done`);
      if (path === "/held") {
        onHeld.shift()?.(() => {
          inform();
          answer();
        });
        continue;
      }
      inform();
      if (path.startsWith("/waits")) waiting.set(path, answer);
      else answer();
    }
  });
});

const http2Pod = createHttp2Server();
http2Pod.on("stream", (stream, headers) => {
  const path = headers[":path"] ?? "/";
  for (const [status, fields] of informs(path)) stream.additionalHeaders({ ...fields, ":status": status });
  const answer = (): void => {
    stream.respond({ ":status": 200 });
    stream.end("done");
  };
  if (path.startsWith("/waits")) waiting.set(path, answer);
  else answer();
});

/** Answers to copies and to second attempts. */
const otherPod = createHttp1Server((request, response) => {
  response.writeEarlyHints({ link: `</other>; rel=preload` });
  seen.push(`${request.method} ${request.url}${request.headers.expect ?? ""}`);
  request.resume().once("end", () => response.end("done"));
});

beforeAll(async () => {
  const port = await listen(pod);
  const http2Port = await listen(http2Pod);
  const otherPort = await listen(otherPod);
  running = await startTunnelledSystem({
    flags: ["--processes", "1"],
    config: () => `
routes:
  - name: all
    rules:
      - backendRefs: [{ name: pods }]
      - matches: [{ headers: [{ name: x-pod, value: http2 }] }]
        backendRefs: [{ name: http2-pods }]
      - matches: [{ headers: [{ name: x-pod, value: own }] }]
        backendRefs: [{ name: own }]
      - matches: [{ headers: [{ name: x-pod, value: direct }] }]
        backendRefs: [{ name: direct }]
      - matches: [{ path: { value: /mirrored } }]
        filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: others } } }]
        backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /small } }]
        securityPolicy: { requestLimits: { bodyBytes: 4 } }
        backendRefs: [{ name: others }]
      - matches: [{ path: { value: /upload } }]
        backendRefs: [{ name: others }]
      - matches: [{ path: { value: /direct-upload } }]
        backendRefs: [{ name: dialled }]
      - matches: [{ path: { value: /failing } }]
        retry: { attempts: 1, codes: [503] }
        backendRefs: [{ name: pods }]
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${port} }] }
  - { name: http2-pods, protocol: H2C, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${http2Port} }] }
  - { name: own, protocol: H2C, endpoints: [{ address: 127.0.0.1, port: ${http2Port} }] }
  - { name: direct, endpoints: [{ address: 127.0.0.1, port: ${port} }] }
  - { name: dialled, endpoints: [{ address: 127.0.0.1, port: ${otherPort} }] }
  - { name: others, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${otherPort} }] }
`,
  });
});

afterAll(async () => {
  await running?.stop();
  for (const server of [pod, http2Pod, otherPod]) server.close();
});

type Side = keyof TunnelledSystem["ports"];
type Ask = (path: string, headers?: Fields, onTold?: () => void) => Promise<Answer>;

const over1 =
  (side: Side): Ask =>
  async (path, headers = {}, onTold) => {
    const to = { host: "127.0.0.1", port: running.ports[side], path, agent: false as const };
    const outgoing =
      side === "secure"
        ? httpsRequest({ ...to, headers: { host, ...headers }, servername: host, ca: running.ca })
        : httpRequest({ ...to, headers: { host, ...headers } });
    const told: Told = [];
    outgoing.on("information", (info) => {
      told.push([info.statusCode, info.headers.link as string | undefined]);
      onTold?.();
    });
    outgoing.end();
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    return { told, status: answer.statusCode ?? 0, body: await text(answer) };
  };

const over2 =
  (side: "open" | "secure"): Ask =>
  async (path, headers = {}, onTold) => {
    const origin = `${side === "secure" ? "https" : "http"}://${host}:${running.ports[side]}`;
    const session = connect(origin, { ca: running.ca, lookup: loopback } as object);
    const stream = session.request({ ":path": path, ...headers });
    const told: Told = [];
    stream.on("headers", (info: IncomingHttpHeaders & { ":status"?: number }) => {
      told.push([info[":status"] ?? 0, info.link as string | undefined]);
      onTold?.();
    });
    const [head] = (await once(stream, "response")) as [IncomingHttpHeaders & { ":status"?: number }];
    const body = await text(stream);
    session.close();
    return { told, status: head[":status"] ?? 0, body };
  };

const clients: [name: string, ask: Ask][] = [
  ["HTTP/1.1 with TLS", over1("secure")],
  ["HTTP/2 with TLS", over2("secure")],
  ["HTTP/1.1", over1("open")],
  ["HTTP/2", over2("open")],
];

const several = (id = ""): Told => [
  [102, undefined],
  [103, `</a${id}.css>; rel=preload`],
  [103, `</b${id}.css>; rel=preload`],
  [199, undefined],
];
const pods: [name: string, headers: Fields][] = [
  ["HTTP/1.1", {}],
  ["HTTP/2", { "x-pod": "http2" }],
  ["HTTP/2, by the agent of serve itself", { "x-pod": "own" }],
];

test.each(clients.flatMap(([client, ask]) => pods.map(([name, to]) => [client, name, ask, to] as const)))(
  "client of %s, pod of %s: several in a row, with their fields, then the answer",
  async (_client, _pod, ask, to) => {
    expect(await ask("/several", to)).toEqual({ told: several(), status: 200, body: "done" });
  },
);

test("the client is told before the pod has answered", async () => {
  for (const [index, [, ask]] of clients.entries()) {
    for (const [name, to] of pods) {
      const path = `/waits?${index}-${name.length}`;
      const answer = await ask(path, to, () => waiting.get(path)!());
      expect(answer).toEqual({ told: [[103, `<${path}>`]], status: 200, body: "done" });
    }
  }
});

test("each client hears of its own request, however many there are at once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 80 }, async (_, index) => {
      const [, ask] = clients[index % clients.length]!;
      return [index, await ask(`/several?${index}`)] as const;
    }),
  );
  for (const [index, { told, body }] of answers) {
    expect([told, body]).toEqual([several(String(index)), "done"]);
  }
});

test.skipIf(curlMissing())("curl shows them over both versions of HTTP", async () => {
  const { ports } = running;
  for (const version of ["--http1.1", "--http2"]) {
    const shown = await curl("--insecure", "--include", version, `https://127.0.0.1:${ports.secure}/several`);
    expect(shown).toMatch(
      /^HTTP\/\S+ 102[^]*HTTP\/\S+ 103[^]*link: <\/a\.css>[^]*HTTP\/\S+ 199[^]*HTTP\/\S+ 200[^]*done$/i,
    );
  }
});

test("workerd's own listeners, endpoints that the gateway dials, and clients of HTTP/1.0 get the answer alone", async () => {
  const alone = { told: [], status: 200, body: "done" };
  expect(await over1("plain")("/several")).toEqual(alone);
  for (const [, ask] of clients) expect(await ask("/several", { "x-pod": "direct" })).toEqual(alone);
  const socket = connectTls({
    host: "127.0.0.1",
    port: running.ports.secure,
    ca: running.ca,
    servername: host,
  });
  socket.write(`GET /several HTTP/1.0\r\nHost: ${host}${end}`);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 [^]*done$/);
});

test("of copies the client hears nothing; of attempts that failed it may", async () => {
  for (const [, ask] of clients) {
    const before = seen.length;
    expect((await ask("/mirrored")).told).toEqual([[103, "</mirrored>"]]);
    await eventually("the copy has arrived", async () => seen.slice(before).includes("GET /mirrored"));
    const { told, status } = await ask("/failing");
    expect([told, status]).toEqual([
      [
        [103, "</failing>"],
        [103, "</failing>"],
      ],
      503,
    ]);
  }
});

test("there is a bound to their number and to their size; the answer comes all the same", async () => {
  for (const [, ask] of clients) {
    expect(await ask("/many")).toMatchObject({ told: { length: 16 }, status: 200, body: "done" });
    // 60 KiB, as for any head.
    expect(await ask("/large")).toMatchObject({ told: { length: 8 }, status: 200, body: "done" });
  }
});

test("where they go no client can say, and no pod gets to know", async () => {
  const forged = { "isthmus-informational": "front-door-1-1/x", "isthmus-cf": '{"informational":"x/y"}' };
  for (const [, ask] of clients) {
    const before = seen.length;
    expect((await ask("/several", forged)).told).toEqual(several());
    expect(seen.slice(before).join()).not.toMatch(/isthmus-(informational|cf)/i);
  }
  expect((await over1("plain")("/several", forged)).told).toEqual([]);
});

/** Announces a body, and sends it when it is asked for. */
async function expecting(side: Side, path: string): Promise<Answer> {
  const to = { host: "127.0.0.1", port: running.ports[side], path, agent: false as const, method: "PUT" };
  const headers = { host, expect: "100-continue", "content-length": "5" };
  const outgoing =
    side === "secure"
      ? httpsRequest({ ...to, headers, servername: host, ca: running.ca })
      : httpRequest({ ...to, headers });
  const told: Told = [];
  outgoing.on("information", ({ statusCode }) => told.push([statusCode, undefined]));
  outgoing.once("continue", () => outgoing.end("12345"));
  outgoing.flushHeaders();
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  const body = await text(answer);
  outgoing.destroy();
  return { told, status: answer.statusCode ?? 0, body };
}

async function expectingOver2(side: "open" | "secure", path: string): Promise<Answer> {
  const origin = `${side === "secure" ? "https" : "http"}://${host}:${running.ports[side]}`;
  const session = connect(origin, { ca: running.ca, lookup: loopback } as object);
  const head = { ":method": "PUT", ":path": path, expect: "100-continue", "content-length": "5" };
  const stream = session.request(head, { endStream: false });
  const told: Told = [];
  stream.on("headers", (info) => told.push([info[":status"] ?? 0, undefined]));
  stream.once("continue", () => stream.end("12345"));
  const [answer] = (await once(stream, "response")) as [IncomingHttpHeaders & { ":status"?: number }];
  const body = await text(stream);
  session.close();
  return { told, status: answer[":status"] ?? 0, body };
}

test("a client that expects 100 (Continue) gets it when its body is wanted, and not before it is refused", async () => {
  const ways = [
    (path: string) => expecting("plain", path),
    (path: string) => expecting("secure", path),
    (path: string) => expecting("open", path),
    (path: string) => expectingOver2("secure", path),
    (path: string) => expectingOver2("open", path),
  ];
  for (const ask of ways) {
    for (const path of ["/upload", "/direct-upload"]) {
      const { told, status, body } = await ask(path);
      expect([told[0], status, body]).toEqual([[100, undefined], 200, "done"]);
    }
    expect(await ask("/small")).toMatchObject({ told: [], status: 413 });
  }
  expect(seen.filter((line) => line.startsWith("PUT"))).toEqual(
    ways.flatMap(() => ["PUT /upload", "PUT /direct-upload"]),
  );
});

test.each([
  ["a front door and its gateway", ["gateway-1"]],
  ["hubs", ["hub-0", "hub-1"]],
])("%s are replaced: clients of the old and of the new ones are told", async (_what, names) => {
  const arrived = clients.map(() => new Promise<() => void>((done) => onHeld.push(done)));
  const answered = Promise.all(clients.map(([, ask]) => ask("/held")));
  // In whatever order they come.
  const answers = await Promise.all(arrived);
  const reloaded = await running.system.run("reload", ...names.flatMap((name) => ["--process", name]));
  expect(reloaded).toMatchObject({ code: 0, stderr: "" });
  for (const answer of answers) answer();
  const told = { told: [[103, "</held>"]], status: 200, body: "done" };
  expect(await answered).toEqual(clients.map(() => told));
  for (const [, ask] of clients) expect((await ask("/several")).told).toEqual(several());
});
