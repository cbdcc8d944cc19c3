// `send-proxy` and `send-proxy-v2` to servers of requests, through `isthmus serve` and beside the real HAProxy: a server learns who
// the client of each request is before the request comes.
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, test } from "vitest";
import { readProxyHeader } from "#traffic/connection/proxy-protocol.ts";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { eventually } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";
import { tcpClient } from "./system/tcp.ts";

const kinds = ["v1", "v2", "tls"] as const;
type Kind = (typeof kinds)[number];

interface ProxiedServer {
  readonly port: number;
  /** Connections that named nobody, as checks do. */
  unnamed: number;
  stop(): Promise<void>;
}

/** Answers each request with the two places that its connection began with. Without such a beginning it hangs up. */
async function startProxiedServer(tlsPem?: string): Promise<ProxiedServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    let begun: Buffer = Buffer.alloc(0);
    const begin = (chunk: Buffer): void => {
      begun = Buffer.concat([begun, chunk]);
      const read = readProxyHeader(begun);
      if (read.type === "incomplete") return;
      socket.off("data", begin).pause();
      if (read.type !== "header") return void socket.destroy();
      const { source, destination } = read.connection;
      if (!source) proxied.unnamed += 1;
      if (begun.length > read.lengthBytes) socket.unshift(begun.subarray(read.lengthBytes));
      const isTls = tlsPem !== undefined;
      const secureContext = isTls ? createSecureContext({ key: tlsPem, cert: tlsPem }) : undefined;
      const stream = secureContext ? new TLSSocket(socket, { isServer: true, secureContext }) : socket;
      stream.on("error", () => socket.destroy());
      answer(stream, `${source?.address}:${source?.port} ${destination?.address}:${destination?.port}\n`);
    };
    socket.on("data", begin);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxied: ProxiedServer = {
    port: (server.address() as AddressInfo).port,
    unnamed: 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxied;
}

function answer(stream: Socket, places: string): void {
  let heard = "";
  stream.on("data", (chunk: Buffer) => {
    heard += chunk.toString("latin1");
    for (let end = heard.indexOf("\r\n\r\n"); end >= 0; end = heard.indexOf("\r\n\r\n")) {
      const [, path] = heard.split(" ", 2);
      heard = heard.slice(end + 4);
      const body = `${path} ${places}`;
      stream.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  });
  stream.resume();
}

describe("servers that are told who the client is", () => {
  const servers = new Map<Kind, ProxiedServer>();
  let running: BesideHaproxy<Kind>;

  beforeAll(async () => {
    const pem = await selfSignedPem("pod.test");
    for (const kind of kinds) servers.set(kind, await startProxiedServer(kind === "tls" ? pem : undefined));
    const at = (kind: Kind): string => `127.0.0.1:${servers.get(kind)!.port} check inter 500ms`;
    running = await startBesideHaproxy({
      ports: kinds,
      config: (ports) => `
${httpDefaults}  option httpchk GET /health
listen v1
  bind 127.0.0.1:${ports.v1}
  server s ${at("v1")} send-proxy
listen v2
  bind 127.0.0.1:${ports.v2}
  server s ${at("v2")} send-proxy-v2
listen tls
  bind 127.0.0.1:${ports.tls}
  server s ${at("tls")} send-proxy ssl verify none
`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([...servers.values()].map((server) => server.stop()));
  });

  const sides = ["ours", ...(haproxyMissing() === undefined ? (["theirs"] as const) : [])] as const;
  test.each(sides.flatMap((side) => kinds.map((kind) => [side, kind] as const)))(
    "%s, %s: each request, whoever has asked before",
    async (side, kind) => {
      const port = running[side][kind];
      const clients = [tcpClient(port), tcpClient(port, "127.0.0.2"), tcpClient(port)];
      for (let round = 1; round <= 3; round += 1) {
        for (const client of clients) {
          const { localAddress, localPort } = await connected(client.socket);
          const places = `${localAddress}:${localPort} 127.0.0.1:${port}\n`;
          client.write(`GET /${round} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
          await client.until(`\r\n\r\n/${round} ${places}`);
        }
      }
      for (const client of clients) {
        client.socket.destroy();
        await client.all.catch(() => undefined);
      }
      await eventually("a check has come, which names nobody", async () => servers.get(kind)!.unnamed > 0);
    },
  );
});

async function connected(socket: Socket): Promise<Socket> {
  if (socket.connecting) await once(socket, "connect");
  return socket;
}
