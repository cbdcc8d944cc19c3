// What an authorization server is told about the client.
import { expect, test } from "vitest";
import { gateOf } from "./access.fixture.ts";

test("a server that sees all headers of the request sees none that lies about the client", async () => {
  const requests: Request[] = [];
  const fetch = async (target: string, init: RequestInit): Promise<Response> => {
    requests.push(new Request(target, init));
    return new Response();
  };
  const extAuth = { http: { url: "http://auth.test/" }, timeoutMs: 1_000, headersToExtAuth: ["*"] };
  const gate = gateOf({ extAuth }, { fetch });
  const forged = { "x-real-ip": "10.9.9.9", "true-client-ip": "10.9.9.9", x_forwarded_for: "10.9.9.9" };
  await gate.ask(new Request("https://a.test/", { headers: { ...forged, "x-own": "1" } }));
  const { headers } = requests[0]!;
  expect([headers.get("x-real-ip"), headers.get("x-own")]).toEqual(["10.0.0.1", "1"]);
  expect([headers.get("true-client-ip"), headers.get("x_forwarded_for")]).toEqual([null, null]);
});
