// What a haproxy.cfg makes up for each request (IDs, numbers drawn at random, the time) through `isthmus serve`, beside the
// real HAProxy.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { type Echo, type EchoServer, startEchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe("what is made up for each request", () => {
  let echo: EchoServer;
  let running: BesideHaproxy<"ids" | "draws">;

  const config = ({ ids, draws }: { ids: number; draws: number }): string => `
${httpDefaults}frontend ids
  bind 127.0.0.1:${ids}
  unique-id-format %[uuid()]
  unique-id-header X-Unique-ID
  http-request set-header X-Same-ID %[unique-id]
  http-request set-header X-UUID %[uuid]
  http-request set-header X-Now %[date]
  http-request set-header X-Then %[date(3600)]
  http-request set-header X-Empty "<%[str()]>"
  default_backend echo
frontend draws
  bind 127.0.0.1:${draws}
  http-request set-header X-Six "%[rand(6)]"
  http-request return status 204 if { rand(2) eq 0 }
  default_backend echo
backend echo
  server echo 127.0.0.1:${echo.port}
`;

  beforeAll(async () => {
    echo = await startEchoServer("echo");
    running = await startBesideHaproxy({ ports: ["ids", "draws"], config });
  });
  afterAll(async () => {
    await running?.stop();
    await echo?.stop();
  });

  const sides = ["ours", ...(haproxyMissing() === undefined ? (["theirs"] as const) : [])] as const;
  describe.each(sides)("%s", (side) => {
    const headersOf = async (port: number): Promise<Echo["headers"] | undefined> => {
      const { status, body } = await ask({ port, host: "a.test", path: "/" });
      return status === 200 ? (JSON.parse(body) as Echo).headers : undefined;
    };

    test("an ID is the same for the whole request, and no other's", async () => {
      const [one, other] = [await headersOf(running[side].ids), await headersOf(running[side].ids)];
      expect(one!["x-unique-id"]).toMatch(uuid);
      expect(one!["x-same-id"]).toBe(one!["x-unique-id"]);
      expect(one!["x-uuid"]).toMatch(uuid);
      expect(other!["x-unique-id"]).toMatch(uuid);
      expect(other!["x-unique-id"]).not.toBe(one!["x-unique-id"]);
      expect(one!["x-empty"]).toBe("<>");
    });

    test("the time is that of the request, in seconds", async () => {
      const before = Math.floor(Date.now() / 1_000);
      const headers = await headersOf(running[side].ids);
      const after = Math.ceil(Date.now() / 1_000);
      const now = Number(headers!["x-now"]);
      expect(now).toBeGreaterThanOrEqual(before - 1);
      expect(now).toBeLessThanOrEqual(after + 1);
      expect(Number(headers!["x-then"])).toBe(now + 3_600);
    });

    test("numbers are drawn evenly enough to meet all of them", async () => {
      const drawn = new Set<string>();
      // That one is missing after so many has a probability below 1e-12.
      for (let count = 0; count < 200; count += 1) {
        const headers = await headersOf(running[side].draws);
        drawn.add(headers ? String(headers["x-six"]) : "answered");
      }
      expect(drawn).toContain("answered");
      const numbers = [...drawn].filter((text) => text !== "answered").sort();
      expect(numbers.every((text) => /^[0-5]$/.test(text))).toBe(true);
      expect(numbers.length).toBeGreaterThanOrEqual(3);
    });
  });
});
