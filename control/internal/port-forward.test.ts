import { reset } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import { admin, bootstrapToken, internal } from "../control-fixture.ts";

interface Created {
  readonly id: string;
  readonly token: string;
}

const backend = (name: string, more: object) => ({
  name,
  protocol: "TCP",
  tunnel: "production",
  endpoints: [{ address: "10.0.0.1", port: 5432 }],
  ...more,
});

beforeEach(async () => {
  await reset();
  await publishAllowing(["alice"]);
});

async function publishAllowing(allow: string[]): Promise<void> {
  const backends = [
    backend("db", { portForward: { allow } }),
    backend("open", { portForward: { allow: ["*"] } }),
    backend("closed", {}),
  ];
  const files = [{ name: "isthmus.yaml", content: JSON.stringify({ backends }) }];
  expect((await admin("POST", "/v1/versions", { files })).status).toBe(200);
}

async function tokenOf(name: string, role = "forwarder", more: object = {}): Promise<Created> {
  return (await admin("POST", "/v1/tokens", { name, role, ...more })).body;
}

test("whom the backend names may, with a token for it; the token's id stands for the token", async () => {
  const { id, token } = await tokenOf("alice");
  const granted = { status: 200, body: { principal: "alice", tokenId: id, tunnel: "production" } };
  expect(await internal("/forward", { name: "db", token })).toEqual(granted);
  expect(await internal("/forward", { name: "db", tokenId: id })).toEqual(granted);
});

test("nobody else may, by default, and each refusal says why", async () => {
  const codeOf = async (request: object): Promise<[number, string]> => {
    const { status, body } = await internal("/forward", request);
    return [status, body.code];
  };
  const { token } = await tokenOf("bob");
  expect(await codeOf({ name: "db", token })).toEqual([403, "forward_not_permitted"]);
  expect(await codeOf({ name: "open", token })).toEqual([200, undefined]);
  expect(await codeOf({ name: "closed", token })).toEqual([404, "forward_unknown"]);
  expect(await codeOf({ name: "nothing", token })).toEqual([404, "forward_unknown"]);
  for (const role of ["reader", "publisher", "admin"]) {
    const other = await tokenOf("alice", role);
    expect(await codeOf({ name: "db", token: other.token })).toEqual([403, "forbidden"]);
  }
  expect(await codeOf({ name: "db", token: bootstrapToken })).toEqual([401, "unauthenticated"]);
  expect(await codeOf({ name: "db", token: `${token.slice(0, -1)}-` })).toEqual([401, "unauthenticated"]);
});

test("what was permitted ends with the token, and with the configuration's word", async () => {
  const alice = await tokenOf("alice");
  await publishAllowing(["bob"]);
  expect((await internal("/forward", { name: "db", tokenId: alice.id })).body.code).toBe(
    "forward_not_permitted",
  );
  await publishAllowing(["alice"]);
  expect((await internal("/forward", { name: "db", tokenId: alice.id })).status).toBe(200);
  await admin("DELETE", `/v1/tokens/${alice.id}`);
  expect((await internal("/forward", { name: "db", tokenId: alice.id })).body.code).toBe("unauthenticated");
});

test("a token for forwarding opens nothing of the admin API", async () => {
  const { token } = await tokenOf("alice");
  for (const path of ["/v1/status", "/v1/tokens", "/v1/versions", "/v1/trust"]) {
    expect((await admin("GET", path, undefined, token)).body.code).toBe("forbidden");
  }
});
