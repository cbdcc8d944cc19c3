// Headers that a listener changes, through the whole data path.
import { expect, test } from "vitest";
import type { SnapshotRule } from "#contract/snapshot.ts";
import { createTestGateway, testMatch, testSnapshot } from "../testing/test-gateway.ts";

let seen: Request | undefined;

test("what a listener changes in headers holds for every request, before its rules, and for every response", async () => {
  const value = (name: string, text: string) => ({ name, value: text });
  const modifier = { set: [], add: [], remove: [] };
  const filters: SnapshotRule["filters"] = [
    {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { ...modifier, set: [value("x-scheme", "of the rule")] },
    },
  ];
  const snapshot = testSnapshot([{ matches: [testMatch("/a")], filters }]);
  const gateway = createTestGateway(
    {
      ...snapshot,
      listeners: snapshot.listeners.map((listener) => ({
        ...listener,
        requestID: "PreserveOrGenerate" as const,
        lateRequestHeaders: {
          ...modifier,
          set: [value("x-scheme", "http"), value("x-forwarded-port", "80")],
          setFrom: [{ name: "x-real-ip", from: "ClientIP" as const }],
          remove: ["proxy"],
        },
        lateResponseHeaders: { ...modifier, set: [value("x-late", "yes")], remove: ["server"] },
      })),
    },
    {
      origin: (request) => {
        seen = request;
        return new Response("pod", { headers: { server: "s", "x-late": "no" } });
      },
    },
  );
  const headers = { "cf-connecting-ip": "192.0.2.7", "x-real-ip": "6.6.6.6", proxy: "http://evil" };
  const response = await gateway.ask("http://api.example.com/a", { headers });
  expect([response.headers.get("server"), response.headers.get("x-late")]).toEqual([null, "yes"]);
  const told = ["x-real-ip", "x-forwarded-port", "x-scheme", "proxy"].map((name) => seen!.headers.get(name));
  expect(told).toEqual(["192.0.2.7", "80", "of the rule", null]);
  expect(seen!.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  await gateway.ask("http://api.example.com/a", { headers: { "x-request-id": "client's" } });
  expect(seen!.headers.get("x-request-id")).toBe("client's");
  const missing = await gateway.ask("http://api.example.com/b");
  expect([missing.status, missing.headers.get("x-late")]).toEqual([404, "yes"]);
});
