// Another server's word in place of credentials (`extAuth.order: Instead`).
import { expect, test } from "vitest";
import { gateOf } from "./access.fixture.ts";

const extAuth = {
  http: { url: "http://auth.test/" },
  timeoutMs: 1_000,
  headersToExtAuth: ["x-status"],
  order: "Instead",
} as const;
/** printf %s k-one | sha256sum */
const apiKeyAuth = {
  credentials: [
    { clientID: "one", sha256: "51ad7fe8c6d4fbefdfb36342db50f1922e67866e1f2acce68376c48be8dccfcc" },
  ],
  extractFrom: { headers: ["x-api-key"] },
};
const get = (headers: Record<string, string>): Request => new Request("https://a.com/", { headers });
/** It answers what the request says. */
let asked = 0;
const fetch = async (_url: string, { headers }: RequestInit): Promise<Response> => {
  asked += 1;
  return new Response("who?", { status: Number(new Headers(headers).get("x-status")) });
};

test("asked where the policy's own credentials are not accepted, and only there", async () => {
  const gate = gateOf({ extAuth, apiKeyAuth }, { fetch });
  expect(await gate.ask(get({ "x-api-key": "k-one", "x-status": "403" }))).toHaveProperty("passed");
  expect(asked).toBe(0);
  expect(await gate.ask(get({ "x-status": "200" }))).toHaveProperty("passed.identity", {});
  expect(await gate.ask(get({ "x-api-key": "k-two", "x-status": "200" }))).toHaveProperty("passed");
});

test("where it refuses, too, the client hears what else it could have shown, or is sent where the server says", async () => {
  const gate = gateOf({ extAuth, apiKeyAuth }, { fetch });
  expect(await gate.ask(get({ "x-status": "403" }))).toMatchObject({ code: "unauthorized" });
  expect(await gate.ask(get({ "x-status": "302" }))).toHaveProperty("response.status", 302);
  expect(await gate.ask(get({ "x-status": "500" }))).toMatchObject({ code: "auth_unavailable" });
});

test("without other credentials everyone is asked about", async () => {
  const gate = gateOf({ extAuth }, { fetch });
  expect(await gate.ask(get({ "x-status": "403" }))).toHaveProperty("response.status", 403);
});
