// A haproxy.cfg of `mode tcp` through `isthmus serve`, beside the real HAProxy.
import { afterAll, beforeAll, expect, test } from "vitest";
import { helloMessage, records } from "#traffic/connection/client-hello.fixture.ts";
import { startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { freePorts } from "./system/process.ts";
import { startTcpPod, tcpClient, type TcpPod } from "./system/tcp.ts";

let one: TcpPod;
let two: TcpPod;
let third: TcpPod;
let dead: number;

beforeAll(async () => {
  one = await startTcpPod("one");
  two = await startTcpPod("two");
  third = await startTcpPod("third");
  [dead] = (await freePorts(1)) as [number];
});

afterAll(async () => {
  await Promise.all([one, two, third].map((pod) => pod?.stop()));
});

test.skipIf(haproxyMissing())(
  "a haproxy.cfg of mode tcp sends connections where HAProxy sends them",
  async () => {
    const config = ({ tls, plain }: { tls: number; plain: number }): string => `
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend tls
  bind 127.0.0.1:${tls}
  tcp-request inspect-delay 5s
  tcp-request content accept if { req_ssl_hello_type 1 }
  tcp-request content reject
  use_backend one if { req.ssl_sni -i one.example.com }
  use_backend two if { req.ssl_sni -m end .example.com }
  use_backend one if { req.ssl_sni -i never.example.com }
  default_backend secure
listen plain
  bind 127.0.0.1:${plain}
  tcp-request connection reject if { src 127.0.0.2 }
  server dead 127.0.0.1:${dead} backup
  server two 127.0.0.1:${two.port}
backend one
  server one 127.0.0.1:${one.port}
backend two
  server two 127.0.0.1:${two.port}
backend secure
  server third 127.0.0.1:${third.port}
`;
    const { ours, theirs, stop } = await startBesideHaproxy({ ports: ["tls", "plain"], config });
    try {
      const greeting = async (port: number, hello?: Uint8Array, from?: string): Promise<string> => {
        const client = tcpClient(port, from);
        if (hello) client.write(hello);
        const text = await client.until("\n").catch(() => "closed");
        client.socket.destroy();
        return text;
      };
      const serverNames = [
        "one.example.com",
        "ONE.example.com",
        "a.example.com",
        "never.example.com",
        "b.org",
      ];
      for (const serverName of [...serverNames, undefined]) {
        // In one record: of a ClientHello in several, HAProxy does not see the name.
        const hello = records(helloMessage(serverName === undefined ? {} : { serverName }));
        expect([serverName, (await greeting(ours.tls, hello)).slice(0, 4)]).toEqual([
          serverName,
          (await greeting(theirs.tls, hello)).slice(0, 4),
        ]);
      }
      const request = Buffer.from("GET / HTTP/1.1\r\n\r\n");
      expect(await greeting(ours.tls, request)).toBe("closed");
      expect(await greeting(theirs.tls, request)).toBe("closed");
      for (const from of ["127.0.0.1", "127.0.0.2"]) {
        expect(await greeting(ours.plain, undefined, from)).toBe(
          await greeting(theirs.plain, undefined, from),
        );
      }
    } finally {
      await stop();
    }
  },
  60_000,
);
