// `server … maxconn` with `timeout queue` through `isthmus serve`, beside the real HAProxy: who waits, for which server, and what
// becomes of whoever waits too long.
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { type HeldServer, startHeldServer } from "./system/held-server.ts";
import { type Answer, ask } from "./system/http.ts";
import { eventually } from "./system/process.ts";
import { startTcpPod, tcpClient, type TcpPod } from "./system/tcp.ts";

const ports = ["app", "short", "hashed", "plain"] as const;
type Port = (typeof ports)[number];

describe.skipIf(haproxyMissing() !== undefined)("servers that take so many at once", () => {
  let one: HeldServer;
  let two: HeldServer;
  let pod: TcpPod;
  let running: BesideHaproxy<Port>;

  const config = ({ app, short, hashed, plain }: Record<Port, number>): string => `
${httpDefaults}  timeout queue 20s
listen app
  bind 127.0.0.1:${app}
  server one 127.0.0.1:${one.port} maxconn 1
  server two 127.0.0.1:${two.port} maxconn 1
listen short
  bind 127.0.0.1:${short}
  timeout queue 300ms
  server one 127.0.0.1:${one.port} maxconn 1
listen hashed
  bind 127.0.0.1:${hashed}
  balance uri
  server one 127.0.0.1:${one.port} maxconn 1
  server two 127.0.0.1:${two.port} maxconn 1
listen plain
  mode tcp
  bind 127.0.0.1:${plain}
  server pod 127.0.0.1:${pod.port} maxconn 1
`;

  beforeAll(async () => {
    [one, two, pod] = await Promise.all([startHeldServer("one"), startHeldServer("two"), startTcpPod("pod")]);
    running = await startBesideHaproxy({ ports, config });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([one, two, pod].map((server) => server?.stop()));
  });

  const sides = ["ours", "theirs"] as const;

  const send = (side: (typeof sides)[number], name: Port, path: string): Promise<Answer> =>
    ask({ port: running[side][name], host: "a.test", path });

  /** Whichever of the servers has got it. */
  const holder = (path: string): Promise<HeldServer> =>
    eventually(`a server gets ${path}`, async () =>
      [one, two].find((server) => server.held().some((held) => held.path === path)),
    );

  test.each(sides)("%s: whoever finds all servers full gets the first place that is free", async (side) => {
    const first = send(side, "app", "/first");
    const second = send(side, "app", "/second");
    const [firstAt, secondAt] = [await holder("/first"), await holder("/second")];
    expect(firstAt).not.toBe(secondAt);
    const others = ["/third", "/fourth", "/fifth"].map((path) => send(side, "app", path));
    // Each place that is given back is taken by one of those who wait.
    (await secondAt.holds("/second")).answer();
    expect((await second).status).toBe(200);
    for (let left = others.length; left > 0; left -= 1) {
      const next = await eventually("the next one", async () => secondAt.held()[0]);
      next.answer();
    }
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200, 200]);
    (await firstAt.holds("/first")).answer();
    expect((await first).status).toBe(200);
    expect([one.most(), two.most()]).toEqual([1, 1]);
  });

  test.each(sides)("%s: who has waited for too long is answered 503", async (side) => {
    const first = send(side, "short", "/first");
    const held = await one.holds("/first");
    const late = await send(side, "short", "/late");
    expect(late.status).toBe(503);
    if (side === "ours") expect(late.headers["isthmus-error"]).toBe("queue_timeout");
    held.answer();
    expect((await first).status).toBe(200);
    expect(one.held()).toEqual([]);
  });

  /** A path whose requests are for that server. */
  const pathFor = async (side: (typeof sides)[number], server: HeldServer): Promise<string> => {
    for (let index = 0; ; index += 1) {
      const path = `/path-${index}`;
      const answer = send(side, "hashed", path);
      const at = await holder(path);
      (await at.holds(path)).answer();
      await answer;
      if (at === server) return path;
    }
  };

  test.each(sides)("%s: a client that its hash binds to a server waits for that one", async (side) => {
    const [path, other] = [await pathFor(side, one), await pathFor(side, two)];
    const first = send(side, "hashed", path);
    const held = await one.holds(path);
    const second = send(side, "hashed", path);
    // The other server is free all the while.
    const passing = send(side, "hashed", other);
    (await two.holds(other)).answer();
    expect((await passing).body).toBe("two");
    held.answer();
    expect((await first).body).toBe("one");
    (await one.holds(path)).answer();
    expect((await second).body).toBe("one");
    expect(one.most()).toBe(1);
  });

  test.each(sides)("%s: a client that leaves gives its place back", async (side) => {
    const leaving = request({ port: running[side].short, host: "127.0.0.1", path: "/leaving" });
    leaving.on("error", () => undefined).end();
    const held = await one.holds("/leaving");
    leaving.destroy();
    held.answer();
    const next = eventually("the next one is served", async () => {
      const answer = await send(side, "short", "/next");
      return answer.status === 200;
    });
    (await one.holds("/next")).answer();
    expect(await next).toBe(true);
  });

  test.each(sides)("%s: of connections, the next one waits until one has ended", async (side) => {
    const seen = pod.connections.length;
    const first = tcpClient(running[side].plain);
    expect(await first.until("\n")).toBe("pod\n");
    const second = tcpClient(running[side].plain);
    second.write("waits");
    first.end();
    await first.all;
    expect(await second.until("waits")).toBe("pod\nwaits");
    second.end();
    await second.all;
    expect(pod.connections.length - seen).toBe(2);
  });
});
