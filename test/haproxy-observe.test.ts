// `observe`, `error-limit` and `on-error` of a haproxy.cfg through `isthmus serve`, beside the real HAProxy: after which errors of
// requests a server is out, and the backup answers.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { type NamedServer, startNamedServer } from "./system/named-server.ts";
import { eventually } from "./system/process.ts";

/** Options of the server that is observed. Its checks are too far apart to say anything meanwhile. */
const kinds = {
  marked: "observe layer7 error-limit 3 on-error mark-down inter 10m fall 5",
  failed: "observe layer7 error-limit 4 inter 10m fall 1",
  sudden: "observe layer7 error-limit 2 on-error sudden-death inter 10m fall 1",
  sooner: "observe layer7 error-limit 2 on-error fastinter inter 10m fastinter 100ms fall 1",
  refused: "observe layer4 error-limit 2 on-error mark-down inter 10m fall 5",
  answered: "observe layer4 error-limit 2 on-error mark-down inter 10m fall 5",
} as const;
type Name = keyof typeof kinds;
const names = Object.keys(kinds) as Name[];
/** Of privileged ports this one has no service any more (RFC 1078). */
const refusing = 1;
const sides = ["ours", "theirs"] as const;

describe.skipIf(haproxyMissing() !== undefined)("errors that checks are told of", () => {
  const servers = new Map<Name, NamedServer>();
  let backup: NamedServer;
  let running: BesideHaproxy<Name>;

  beforeAll(async () => {
    for (const name of names) servers.set(name, await startNamedServer("main"));
    backup = await startNamedServer("backup");
    running = await startBesideHaproxy({
      ports: names,
      config: (ports) => `
${httpDefaults}  option httpchk GET /health
  retries 0
${names
  .map(
    (name) => `listen ${name}
  bind 127.0.0.1:${ports[name]}
  server main 127.0.0.1:${name === "refused" ? refusing : servers.get(name)!.port} check ${kinds[name]}
  server spare 127.0.0.1:${backup.port} backup
`,
  )
  .join("")}`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([backup, ...servers.values()].map((server) => server?.stop()));
  });

  const answerOf = async (side: (typeof sides)[number], name: Name): Promise<string> => {
    const { status, body } = await ask({ port: running[side][name], host: "a.test" });
    return `${status} ${body}`;
  };

  test("mark-down: so many in a row, and what a client asks for does not count", async () => {
    const server = servers.get("marked")!;
    const statuses = [500, 502, 200, 503, 500, 404, 504, 501, 500, 505, 500, 500, 500, 500, 200];
    const seen: Record<string, string[]> = {};
    for (const side of sides) {
      seen[side] = [];
      for (const status of statuses) {
        server.status = status;
        seen[side].push(await answerOf(side, "marked"));
      }
    }
    expect(seen["ours"]).toEqual(seen["theirs"]);
    expect(seen["ours"]!.slice(-2)).toEqual(["200 backup", "200 backup"]);
  });

  test.each(["failed", "sudden", "sooner"] as const)("%s: the check fails, or comes", async (name) => {
    const server = servers.get(name)!;
    // It has been found well before.
    for (const side of sides) expect(await answerOf(side, name)).toBe("200 main");
    server.health = 500;
    server.status = 500;
    for (const side of sides) {
      await eventually(
        `${side}: the backup answers`,
        async () => (await answerOf(side, name)) === "200 backup",
      );
    }
  });

  test("layer4: connections that fail count, answers do not", async () => {
    servers.get("answered")!.status = 500;
    for (const side of sides) {
      await eventually(
        `${side}: the backup answers`,
        async () => (await answerOf(side, "refused")) === "200 backup",
      );
      for (let count = 0; count < 4; count += 1) expect(await answerOf(side, "answered")).toBe("500 main");
    }
  });
});
