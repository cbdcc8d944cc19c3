// Limits of connections, as a haproxy.cfg has them, through `isthmus serve` and beside the real HAProxy: who waits, who is
// let in after that, and who is closed.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { eventually } from "./system/process.ts";
import { startTcpPod, tcpClient, type TcpClient, type TcpPod } from "./system/tcp.ts";

const ports = ["full", "fast", "often", "many", "tcpFull", "tcpMany"] as const;
type Ports = Readonly<Record<(typeof ports)[number], number>>;

const requestOf = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

describe("limits of connections", () => {
  let pod: TcpPod;
  let running: BesideHaproxy<keyof Ports>;
  const config = (port: Ports): string => `
defaults
  mode http
  timeout connect 5s
  timeout client 5m
  timeout server 5m
frontend full
  bind 127.0.0.1:${port.full}
  maxconn 2
  http-request return status 200 content-type text/plain lf-string "hello %[path]."
frontend fast
  bind 127.0.0.1:${port.fast}
  rate-limit sessions 4
  http-request return status 200 content-type text/plain lf-string "hello %[path]."
frontend often
  bind 127.0.0.1:${port.often}
  stick-table type ip size 1k expire 2h store conn_rate(1h)
  tcp-request connection track-sc0 src
  tcp-request connection accept if { src 127.0.0.2 }
  tcp-request connection reject if { sc_conn_rate(0) gt 6 }
  http-request return status 200 content-type text/plain lf-string "hello %[path]."
frontend many
  bind 127.0.0.1:${port.many}
  stick-table type ip size 1k expire 2h store conn_cur
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc0_conn_cur gt 2 }
  http-request return status 200 content-type text/plain lf-string "hello %[path]."
listen tcp-full
  mode tcp
  bind 127.0.0.1:${port.tcpFull} maxconn 2
  server pod 127.0.0.1:${pod.port}
listen tcp-many
  mode tcp
  bind 127.0.0.1:${port.tcpMany}
  stick-table type ip size 1k expire 2h store conn_cur
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc_conn_cur(0) gt 2 }
  server pod 127.0.0.1:${pod.port}
`;

  beforeAll(async () => {
    pod = await startTcpPod("pod");
    running = await startBesideHaproxy({ ports, config });
  });
  afterAll(async () => {
    await running?.stop();
    await pod?.stop();
  });

  const sides = ["ours", ...(haproxyMissing() === undefined ? (["theirs"] as const) : [])] as const;
  describe.each(sides)("%s", (side) => {
    let open: TcpClient[] = [];
    afterEach(async () => {
      for (const { socket } of open) socket.destroy();
      await Promise.all(open.map(({ all }) => all));
      open = [];
    });

    const connect = (name: keyof Ports, localAddress?: string): TcpClient => {
      const client = tcpClient(running[side][name], localAddress);
      open.push(client);
      return client;
    };
    const asking = (name: keyof Ports, localAddress?: string): TcpClient => {
      const client = connect(name, localAddress);
      client.write(requestOf("/"));
      return client;
    };
    /** Whether it is served, rather than closed. */
    const isServed = (client: TcpClient, words: string): Promise<boolean> =>
      client.until(words).then(
        () => true,
        () => false,
      );

    test.each([
      ["full", "hello"],
      ["tcpFull", "pod"],
    ] as const)("who finds no room waits until somebody leaves: %s", async (name, words) => {
      const serve = name === "full" ? asking : connect;
      const [first, second] = [serve(name), serve(name)];
      await Promise.all([first.until(words), second.until(words)]);
      const third = serve(name);
      let isThirdServed = false;
      const served = third.until(words).then(() => void (isThirdServed = true));
      // As many answers as would do for the third, were it let in.
      for (let round = 1; round <= 20; round += 1) {
        second.write(name === "full" ? requestOf(`/${round}`) : `/${round}.`);
        await second.until(`/${round}.`);
      }
      expect(isThirdServed).toBe(false);
      first.socket.destroy();
      await served;
    });

    test("a rate of new connections lets them in one after the other, and refuses none", async () => {
      const startedMs = performance.now();
      const clients = Array.from({ length: 8 }, () => asking("fast"));
      await Promise.all(clients.map((client) => client.until("hello")));
      expect(performance.now() - startedMs).toBeGreaterThan(500);
    });

    test("who connects too often is closed, and stays out; others are not, nor is whom a rule lets in", async () => {
      const served: boolean[] = [];
      for (let count = 0; count < 10; count += 1) served.push(await isServed(asking("often"), "hello"));
      // HAProxy has been asked before whether it listens.
      const first = served.indexOf(false);
      expect(first).toBeGreaterThanOrEqual(3);
      expect(first).toBeLessThanOrEqual(7);
      expect(served.slice(first)).not.toContain(true);
      for (let count = 0; count < 10; count += 1) {
        expect(await isServed(asking("often", "127.0.0.2"), "hello")).toBe(true);
      }
      expect(await isServed(asking("often", "127.0.0.3"), "hello")).toBe(true);
    });

    test.each([
      ["many", "hello"],
      ["tcpMany", "pod"],
    ] as const)(
      "who has too many connections gets no more until one of them has ended: %s",
      async (name, words) => {
        const serve = name === "many" ? asking : connect;
        const [one, two] = [serve(name), serve(name)];
        await Promise.all([one.until(words), two.until(words)]);
        expect(await isServed(serve(name), words)).toBe(false);
        expect(await isServed(serve(name, "127.0.0.2"), words)).toBe(true);
        one.socket.destroy();
        await eventually("the place is free", () => isServed(serve(name), words));
      },
    );
  });
});
