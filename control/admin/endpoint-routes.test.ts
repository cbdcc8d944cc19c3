import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { admin, internal, publish, syncReport } from "../control-fixture.ts";
import { type Env, configStore } from "../env.ts";

const endpoint = "203.0.113.7:8080";
const key = `orders|${endpoint}`;

beforeEach(async () => {
  await reset();
  await publish(8080);
});

function administer(more: Record<string, unknown>): ReturnType<typeof admin> {
  return admin("POST", "/v1/endpoints", { backend: "orders", endpoint, ...more });
}

async function list(): Promise<unknown[]> {
  return (await admin("GET", "/v1/endpoints")).body.endpoints;
}

test("an endpoint nobody has spoken of is ready, as configured, and unchecked", async () => {
  expect(await list()).toEqual([
    {
      backend: "orders",
      endpoint,
      state: "ready",
      weight: 1,
      configuredWeight: 1,
      health: "unchecked",
      healthReason: "",
    },
  ]);
});

test("state and weight are set apart from each other, and are listed with who and why", async () => {
  await administer({ state: "drain", reason: "disk is full" });
  const changed = await administer({ weight: 5 });
  expect(changed.body).toMatchObject({ state: "drain", weight: 5, configuredWeight: 1 });
  const [standing] = await list();
  expect(standing).toMatchObject({ state: "drain", administered: { actor: "bootstrap-admin", reason: "" } });
  const { body } = await admin("GET", "/v1/audit");
  expect(body.entries.map((entry: { detail: string }) => entry.detail)).toEqual(
    expect.arrayContaining([`orders ${endpoint} state drain disk is full`, `orders ${endpoint} weight 5`]),
  );
  expect(body.entries[0]).toMatchObject({ action: "endpoint.administer", actor: "bootstrap-admin" });
});

test("a region is told once, and what it is told survives a restart, a publish and a rollback", async () => {
  expect((await internal("/sync", syncReport())).body.administration).toBeUndefined();
  await administer({ state: "maintenance", weight: 7 });
  await publish(9090);
  await admin("POST", "/v1/rollback", { version: 1 });
  await evictDurableObject(configStore(env as unknown as Env));
  const { administration } = (await internal("/sync", syncReport())).body;
  expect(administration.endpoints).toEqual({ [key]: { state: "maintenance", weight: 7 } });
  const informed = syncReport({ administrationVersion: administration.version });
  expect((await internal("/sync", informed)).body.administration).toBeUndefined();
  await administer({ state: "ready", weight: null });
  const after = (await internal("/sync", informed)).body.administration;
  expect(after.endpoints).toEqual({});
  expect(after.version).toBeGreaterThan(administration.version);
});

test("the health that regions report is listed, with the region where they do not agree", async () => {
  const verdict = { key, reason: "status 500", sinceMs: 5, source: "gateway" };
  await internal("/sync", syncReport({ region: "eu", endpoints: [{ ...verdict, healthy: false }] }));
  expect(await list()).toMatchObject([{ health: "unhealthy", healthReason: "status 500", healthSinceMs: 5 }]);
  await internal("/sync", syncReport({ region: "us", endpoints: [{ ...verdict, healthy: true }] }));
  expect(await list()).toMatchObject([{ health: "healthy", healthReason: "unhealthy in eu: status 500" }]);
});

test("unknown names, nothing to set, and a reader's token are refused", async () => {
  expect((await administer({ backend: "nope", state: "drain" })).body.code).toBe("backend_not_found");
  const unknown = await administer({ endpoint: "1.2.3.4:5", state: "drain" });
  expect(unknown.body).toMatchObject({ code: "endpoint_not_found", remedy: `It has: ${endpoint}` });
  expect((await administer({})).body.code).toBe("request_invalid");
  expect((await administer({ state: "off" })).status).toBe(400);
  const { token } = (await admin("POST", "/v1/tokens", { name: "r", role: "reader" })).body;
  const refused = await admin("POST", "/v1/endpoints", { backend: "orders", endpoint, weight: 1 }, token);
  expect(refused.status).toBe(403);
});
