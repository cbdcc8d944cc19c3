// Servers of one backend with checks of their own, through `isthmus serve` and beside the real HAProxy: whatever happens to
// them, both say the same of who gets requests.
import { afterAll, beforeAll, describe, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { type NamedServer, startNamedServer } from "./system/named-server.ts";
import { eventually } from "./system/process.ts";

describe.skipIf(haproxyMissing() !== undefined)("checks of servers", () => {
  const servers = new Map<string, NamedServer>();
  const at = (name: string): NamedServer => servers.get(name)!;
  let running: BesideHaproxy<"each" | "leaving">;

  beforeAll(async () => {
    for (const name of ["a", "b", "c", "health-a", "health-b", "x", "y"])
      servers.set(name, await startNamedServer(name));
    running = await startBesideHaproxy({
      ports: ["each", "leaving"],
      config: (ports) => `
${httpDefaults}
listen each
  bind 127.0.0.1:${ports.each}
  option httpchk GET /health
  server a 127.0.0.1:${at("a").port} check port ${at("health-a").port} inter 500ms fastinter 250ms rise 1 fall 2
  server b 127.0.0.1:${at("b").port} check addr 127.0.0.1 port ${at("health-b").port} inter 600ms fastinter 250ms rise 1 fall 2
  server c 127.0.0.1:${at("c").port} backup
listen leaving
  bind 127.0.0.1:${ports.leaving}
  option httpchk GET /health
  http-check disable-on-404
  cookie S insert
  default-server check inter 500ms fastinter 250ms rise 1 fall 2
  server x 127.0.0.1:${at("x").port} cookie x
  server y 127.0.0.1:${at("y").port} cookie y
`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([...servers.values()].map((server) => server.stop()));
  });

  /** Resolves when both answer six requests in a row from exactly these. */
  const served = async (port: "each" | "leaving", expected: string, headers = {}): Promise<void> => {
    for (const side of ["ours", "theirs"] as const) {
      await eventually(`${side}: ${expected} serve ${port}`, async () => {
        const seen = new Set<string>();
        for (let count = 0; count < 6; count += 1) {
          const { body } = await ask({ port: running[side][port], host: "a.test", headers });
          seen.add(body);
        }
        return [...seen].toSorted().join(" ") === expected;
      });
    }
  };

  test("each is checked where and as often as it says, and not at all where it does not", async () => {
    await served("each", "a b");
    at("health-a").health = 500;
    await served("each", "b");
    at("health-b").health = 500;
    await served("each", "c");
    at("c").health = 500;
    await served("each", "c");
    at("health-b").health = 200;
    await served("each", "b");
    at("health-a").health = 200;
    await served("each", "a b");
  });

  test("one that answers its check with 404 keeps its sessions and gets no others", async () => {
    const session = { cookie: "S=x" };
    await served("leaving", "x y");
    at("x").health = 404;
    await served("leaving", "y");
    await served("leaving", "x", session);
    at("x").health = 500;
    await served("leaving", "y", session);
    // One that is down does not come back by it.
    at("x").health = 404;
    at("y").health = 404;
    await served("leaving", "y", { cookie: "S=y" });
    at("x").health = 200;
    await served("leaving", "x");
    at("y").health = 200;
    await served("leaving", "x y");
  });
});
