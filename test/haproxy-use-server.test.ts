// `use-server` of a haproxy.cfg through `isthmus serve`, beside the real HAProxy: which server answers, and which one does once
// that is down.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { eventually } from "./system/process.ts";

const names = ["first", "second", "canary"] as const;

describe.skipIf(haproxyMissing() !== undefined)("servers for some requests", () => {
  const servers = new Map<string, EchoServer>();
  let running: BesideHaproxy<"app">;

  const config = ({ app }: { app: number }): string => `
${httpDefaults}  retries 3
  option redispatch 1
listen app
  bind 127.0.0.1:${app}
  use-server canary if { req.hdr(x-canary) -m found }
  use-server second if { path_beg /second }
  server first 127.0.0.1:${servers.get("first")!.port} check inter 1s fall 1 rise 1
  server second 127.0.0.1:${servers.get("second")!.port} check inter 1s fall 1 rise 1
  server canary 127.0.0.1:${servers.get("canary")!.port} weight 0 check inter 1s fall 1 rise 1
`;

  beforeAll(async () => {
    for (const name of names) servers.set(name, await startEchoServer(name));
    running = await startBesideHaproxy({ ports: ["app"], config });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([...servers.values()].map((server) => server.stop()));
  });

  /** Who answers a few requests, each once, in alphabetical order. */
  const answering = async (
    port: number,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<string[]> => {
    const found = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      const { headers: answered, status } = await ask({ port, host: "a.test", path, headers });
      found.add(status === 200 ? String(answered["x-served-by"]) : String(status));
    }
    return [...found].sort();
  };

  test("a condition picks the server; all other requests are balanced", async () => {
    for (const { app: port } of [running.ours, running.theirs]) {
      expect(await answering(port, "/", { "x-canary": "1" })).toEqual(["canary"]);
      expect(await answering(port, "/second/x", { "x-canary": "1" })).toEqual(["canary"]);
      expect(await answering(port, "/second/x")).toEqual(["second"]);
      expect(await answering(port, "/")).toEqual(["first", "second"]);
    }
  });

  test("while it is down, the others answer", async () => {
    await servers.get("second")!.stop();
    for (const { app: port } of [running.ours, running.theirs]) {
      await eventually("the others answer", async () => {
        const answered = await answering(port, "/second/x");
        return answered.join() === "first";
      });
    }
  });
});
