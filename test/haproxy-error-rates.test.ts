// Clients that are refused because of the errors that they have caused (`http_err_rate`), beside real HAProxy.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBesideHaproxy, type BesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";

describe("the rate of errors", () => {
  let origin: EchoServer;
  let beside: BesideHaproxy<"web">;

  beforeAll(async () => {
    origin = await startEchoServer("origin", ({ url = "" }, response) => {
      response.writeHead(Number(/^\/([1-5][0-9]{2})$/.exec(url)?.[1] ?? "200")).end();
      return true;
    });
    beside = await startBesideHaproxy({
      ports: ["web"],
      config: ({ web }) => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web}
  stick-table type string len 64 size 1k expire 30m store http_err_rate(20m)
  http-request track-sc0 hdr(x-user)
  http-request deny deny_status 429 if { sc_http_err_rate(0) gt 2 }
  http-request deny deny_status 403 if { path /forbidden }
  default_backend site
backend site
  server s1 127.0.0.1:${origin.port}
`,
    });
  });
  afterAll(async () => {
    await beside?.stop();
    await origin?.stop();
  });

  const sides = ["ours", ...(haproxyMissing() === undefined ? (["theirs"] as const) : [])] as const;
  describe.each(sides)("%s", (side) => {
    const asked = async (user: string, ...paths: string[]): Promise<number[]> => {
      const statuses: number[] = [];
      for (const path of paths) {
        const { status } = await ask({
          port: beside[side].web,
          host: "a.test",
          path,
          headers: { "x-user": user },
        });
        statuses.push(status);
      }
      return statuses;
    };

    test("errors of the client count, others do not", async () => {
      expect(await asked("a", "/", "/404", "/500", "/401", "/", "/", "/404")).toEqual([
        200, 404, 500, 401, 200, 200, 404,
      ]);
      expect(await asked("a", "/", "/404")).toEqual([429, 429]);
    });

    test("each client has a count of its own, in which what is denied counts, too", async () => {
      expect(await asked("b", "/", "/forbidden", "/forbidden", "/404", "/")).toEqual([
        200, 403, 403, 404, 429,
      ]);
      expect(await asked("c", "/")).toEqual([200]);
    });
  });
});
