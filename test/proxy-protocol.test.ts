// Requests behind the PROXY protocol: a haproxy.cfg with `accept-proxy` through `isthmus serve`, beside the real HAProxy, with
// another HAProxy in front that sends it.
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeProxyHeader } from "#traffic/connection/proxy-protocol.ts";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { type Echo, type EchoServer, startEchoServer } from "./system/echo-server.ts";
import { type Haproxy, haproxyMissing, startHaproxy } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { freePorts } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";
import { tcpClient } from "./system/tcp.ts";

/** Loopback is wide enough for clients with addresses of their own. */
const client = "127.0.0.7";
const banned = "127.0.0.9";

/** `some` expects the header of one proxy only. */
const listeners = ["plain", "secure", "some"] as const;
type Listener = (typeof listeners)[number];
type Ports = Readonly<Record<Listener, number>>;

const config = ({ plain, secure, some }: Ports, folder: string): string => `
${httpDefaults}  option forwardfor
frontend web
  bind 127.0.0.1:${plain} accept-proxy
  bind 127.0.0.1:${secure} ssl crt ${folder}/site.pem alpn h2,http/1.1 accept-proxy
  http-request deny if { src ${banned} }
  http-request set-header X-Client %[src]
  default_backend pods
frontend some
  bind 127.0.0.1:${some}
  tcp-request connection expect-proxy layer4 if { src 127.0.0.2 }
  http-request set-header X-Client %[src]
  default_backend pods
backend pods
  server pod 127.0.0.1:${pod.port}
`;

/** A proxy that sends each version of the protocol to each port. */
const sending = (ports: readonly (readonly [front: number, behind: number, options: string])[]): string =>
  `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${ports
  .map(
    ([front, behind, options]) =>
      `listen f${front}\n  bind 127.0.0.1:${front}\n  server s 127.0.0.1:${behind} ${options}\n`,
  )
  .join("")}`;

let pod: EchoServer;
let beside: BesideHaproxy<Listener>;
let inFront: Haproxy;

/** Whom the backend is told of, or the status of a refusal, or that the connection was closed. */
async function told(port: number, from: string, tls = false): Promise<string> {
  const asked = { port, host: "app.example.com", localAddress: from, ...(tls && { tls: {} }) };
  const answer = await ask(asked).catch(() => undefined);
  if (answer?.status !== 200) return answer === undefined ? "closed" : String(answer.status);
  const { headers } = JSON.parse(answer.body) as Echo;
  return `${String(headers["x-client"])} ${String(headers["x-forwarded-for"])}`;
}

/** The status line that bytes are answered with, if any. */
async function answered(port: number, bytes: Uint8Array | string, from?: string): Promise<string> {
  const { socket, write, all } = tcpClient(port, from);
  write(bytes);
  const answer = await all;
  socket.destroy();
  return answer === undefined ? "" : answer.toString("latin1").split("\r\n")[0]!;
}

describe.skipIf(haproxyMissing() !== undefined)("requests behind the PROXY protocol", () => {
  const fronts = new Map<string, readonly [number, number]>();
  const front = (version: string, at: Listener): readonly [number, number] => fronts.get(`${version} ${at}`)!;

  beforeAll(async () => {
    pod = await startEchoServer("pod");
    const files = { "site.pem": await selfSignedPem("app.example.com") };
    beside = await startBesideHaproxy({ ports: listeners, files, config });
    const { ours, theirs } = beside;
    const senders: (readonly [number, number, string])[] = [];
    for (const version of ["send-proxy", "send-proxy-v2"]) {
      for (const at of ["plain", "secure"] as const) {
        const [one, two] = (await freePorts(2)) as [number, number];
        fronts.set(`${version} ${at}`, [one, two]);
        senders.push([one, ours[at], version], [two, theirs[at], version]);
      }
    }
    inFront = await startHaproxy(
      sending(senders),
      senders.map(([one]) => one),
    );
  });
  afterAll(async () => {
    await Promise.all([beside, inFront, pod].map((one) => one?.stop()));
  });

  test.each(
    ["send-proxy", "send-proxy-v2"].flatMap((version) =>
      (["plain", "secure"] as const).map((at) => [version, at] as const),
    ),
  )("%s of another proxy names the client, on the %s port", async (version, at) => {
    for (const port of front(version, at)) {
      expect(await told(port, client, at === "secure")).toBe(`${client} ${client}`);
      expect(await told(port, banned, at === "secure")).toBe("403");
    }
  });

  test("who comes without the header, or with a broken one, is not answered", async () => {
    const request = "GET / HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n";
    const place = { address: client, port: 4_711 };
    const header = Buffer.from(encodeProxyHeader("V2", { source: place, destination: place }));
    const version3 = Buffer.from(header);
    version3[12] = 0x31;
    const starts = [
      request,
      `PROXY TCP4 nobody 127.0.0.1 1 2\r\n${request}`,
      `PROXY TCP5 ${client} 127.0.0.1 1 2\r\n${request}`,
      Buffer.concat([version3, Buffer.from(request)]),
    ];
    const { ours, theirs } = beside;
    for (const start of starts) {
      for (const { plain } of [ours, theirs])
        expect([start, await answered(plain, start)]).toEqual([start, ""]);
    }
    // HAProxy takes the lower half of such a port.
    expect(await answered(ours.plain, `PROXY TCP4 ${client} 127.0.0.1 1 99999\r\n${request}`)).toBe("");
    for (const { plain } of [ours, theirs]) {
      expect(await answered(plain, Buffer.concat([header, Buffer.from(request)]))).toBe("HTTP/1.1 200 OK");
      expect(await answered(plain, `PROXY UNKNOWN\r\n${request}`)).toBe("HTTP/1.1 200 OK");
    }
  });

  test("where only some proxies are expected to send it, nobody else is believed", async () => {
    const claim = `PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`;
    for (const { some } of [beside.ours, beside.theirs]) {
      expect(await told(some, client)).toBe(`${client} ${client}`);
      expect(await answered(some, claim, client)).toMatch(/^HTTP\/1\.[01] 400 /);
      expect(await answered(some, claim, "127.0.0.2")).toBe("HTTP/1.1 200 OK");
      expect(await told(some, "127.0.0.2")).toBe("closed");
    }
  });

  test("the client is the same for every request of a connection, over HTTP/2 too", async () => {
    const [port] = front("send-proxy-v2", "secure");
    const socket = connect({ port, host: "127.0.0.1", localAddress: client });
    await once(socket, "connect");
    const secure = connectTls({
      socket,
      servername: "app.example.com",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
    });
    await once(secure, "secureConnect");
    const session = connectHttp2("https://app.example.com", { createConnection: () => secure });
    for (const path of ["/one", "/two"]) {
      const stream = session.request({ ":path": path });
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      await once(stream, "end");
      const { headers, url } = JSON.parse(Buffer.concat(chunks).toString()) as Echo;
      expect([url, headers["x-client"]]).toEqual([path, client]);
    }
    session.close();
    await once(session, "close");
  });
});
