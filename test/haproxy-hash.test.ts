// Which server a hash picks: a haproxy.cfg through `isthmus serve` beside the real HAProxy, for every `hash-type`, and with a
// server down. Clients stay where they are when the file moves.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { eventually } from "./system/process.ts";

/** Statements of a backend, by name. */
const backends: Readonly<Record<string, string>> = {
  "uri-map": "balance uri",
  "uri-map-avalanche": "balance uri\n  hash-type map-based sdbm avalanche",
  "uri-ring": "balance uri\n  hash-type consistent",
  "uri-ring-djb2": "balance uri\n  hash-type consistent djb2",
  "uri-depth": "balance uri depth 1\n  hash-type consistent wt6 avalanche",
  "uri-len-whole": "balance uri len 14 whole\n  hash-type map-based crc32",
  "header-map": "balance hdr(x-user)\n  hash-type map-based djb2",
  "header-ring": "balance hdr(x-user)\n  hash-type consistent crc32 avalanche",
  "param-map": "balance url_param user",
  "source-map": "balance source",
  "source-ring": "balance source\n  hash-type consistent",
  expression: "balance hash path\n  hash-type consistent sdbm avalanche",
  cookie: "balance hash req.cook(user)\n  hash-type map-based wt6",
};
const names = ["one", "two", "three", "four"] as const;

describe.skipIf(haproxyMissing() !== undefined)("hashes", () => {
  const servers = new Map<string, EchoServer>();
  let running: BesideHaproxy<"app">;

  const config = ({ app }: { app: number }): string => `
${httpDefaults}  default-server check inter 500ms fall 1 rise 1
frontend app
  bind 127.0.0.1:${app}
${Object.keys(backends)
  .map((name) => `  use_backend ${name} if { hdr(x-backend) ${name} }\n`)
  .join("")}
${Object.entries(backends)
  .map(([name, statements]) => `backend ${name}\n  ${statements}\n${serversOf(name)}`)
  .join("")}`;

  /** Of some backends, weights and ids are not the plain ones. */
  const serversOf = (backend: string): string => {
    const isOdd = /avalanche|djb2|source|expression/.test(backend);
    const odd = ["weight 20", "weight 30 id 7", "weight 10", "weight 40 id 2"];
    return names
      .map((name, index) => {
        const options = isOdd ? odd[index] : "";
        return `  server ${name} 127.0.0.1:${servers.get(name)!.port} ${options}\n`;
      })
      .join("");
  };

  beforeAll(async () => {
    for (const name of names) servers.set(name, await startEchoServer(name));
    running = await startBesideHaproxy({ ports: ["app"], config });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([...servers.values()].map((server) => server.stop()));
  });

  /** Who answers requests of different clients. */
  const answering = async (port: number, backend: string): Promise<string[]> => {
    const found: string[] = [];
    for (let number = 0; number < 12; number += 1) {
      const user = `user-${number * 7_919}`;
      const path = `/${user}/cart/${number}?user=${user}&number=${number * 31}`;
      const headers = { "x-backend": backend, "x-user": `${user}, other`, cookie: `a=1; user=${user}` };
      const { headers: answered, status } = await ask({ port, host: "a.test", path, headers });
      found.push(status === 200 ? String(answered["x-served-by"]) : String(status));
    }
    return found;
  };

  test.each(Object.keys(backends))("%s picks HAProxy's servers", async (backend) => {
    const theirs = await answering(running.theirs.app, backend);
    expect(await answering(running.ours.app, backend)).toEqual(theirs);
    if (!backend.startsWith("source")) expect(new Set(theirs).size).toBeGreaterThan(1);
  });

  test("so they do while a server is down", async () => {
    await servers.get("two")!.stop();
    const others = (port: number, backend: string): Promise<string[]> =>
      eventually("it is known that the server is down", async () => {
        const answered = await answering(port, backend);
        return answered.every((name) => name !== "two" && !/^[0-9]/.test(name)) && answered;
      });
    for (const backend of Object.keys(backends)) {
      const theirs = await others(running.theirs.app, backend);
      expect(await others(running.ours.app, backend), backend).toEqual(theirs);
    }
  });
});
