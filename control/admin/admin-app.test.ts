import { reset } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { admin, bootstrapToken, internal, publish } from "../control-fixture.ts";
import type { Role } from "#contract/admin.ts";

interface Operation {
  summary: string;
  security?: unknown[];
  "x-required-role": Role;
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
}

const routes: [string, string, Role][] = [
  ["GET", "/v1/status", "reader"],
  ["GET", "/v1/versions", "reader"],
  ["GET", "/v1/versions/current", "reader"],
  ["GET", "/v1/versions/current/outline", "reader"],
  ["GET", "/v1/versions/{version}", "reader"],
  ["POST", "/v1/versions", "publisher"],
  ["GET", "/v1/diff", "reader"],
  ["POST", "/v1/rollback", "publisher"],
  ["GET", "/v1/endpoints", "reader"],
  ["POST", "/v1/endpoints", "publisher"],
  ["GET", "/v1/stats", "reader"],
  ["GET", "/v1/tokens", "admin"],
  ["POST", "/v1/tokens", "admin"],
  ["DELETE", "/v1/tokens/{id}", "admin"],
  ["POST", "/v1/join-tokens", "admin"],
  ["GET", "/v1/certificates", "reader"],
  ["POST", "/v1/certificates/{serial}/revoke", "admin"],
  ["POST", "/v1/certificates/server", "admin"],
  ["GET", "/v1/ca", "reader"],
  ["POST", "/v1/ca/rotate", "admin"],
  ["POST", "/v1/ca/import", "admin"],
  ["POST", "/v1/ca/roots/{id}/retire", "admin"],
  ["GET", "/v1/trust", "reader"],
  ["GET", "/v1/audit", "reader"],
];
const roles: Role[] = ["reader", "publisher", "admin"];
const concrete = (path: string): string => path.replace(/\{\w+\}/, "1");

async function tokenFor(
  role: Role,
  more: Record<string, unknown> = {},
): Promise<{ id: string; token: string }> {
  return (await admin("POST", "/v1/tokens", { name: `a-${role}`, role, ...more })).body;
}

beforeEach(async () => {
  await reset();
});

describe("authentication", () => {
  test.each(routes)("%s %s: without, with a wrong and with an expired token 401", async (method, path) => {
    const body = method === "POST" ? {} : undefined;
    const { token } = await tokenFor("admin", { expiresInSeconds: 1 });
    const realNow = Date.now;
    try {
      Date.now = () => realNow() + 2000;
      for (const bad of [null, "wrong", "", `${token.slice(0, -2)}AA`, token]) {
        const refused = await admin(method, concrete(path), body, bad);
        expect(refused, `token ${String(bad)}`).toMatchObject({
          status: 401,
          body: { code: "unauthenticated" },
        });
      }
    } finally {
      Date.now = realNow;
    }
  });

  test.each(routes)("%s %s needs the role %4$s", async (method, path, least) => {
    const body = method === "POST" ? {} : undefined;
    for (const role of roles) {
      const { token } = await tokenFor(role);
      const { status } = await admin(method, concrete(path), body, token);
      if (roles.indexOf(role) < roles.indexOf(least)) expect(status, role).toBe(403);
      else expect([401, 403], role).not.toContain(status);
    }
  });

  test("an unknown path is 401 without a token and 404 with one", async () => {
    expect((await admin("GET", "/v1/nothing", undefined, null)).status).toBe(401);
    expect(await admin("GET", "/v1/nothing")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("health and the document need no token", async () => {
    expect((await admin("GET", "/healthz", undefined, null)).body).toEqual({ ok: true });
    expect((await admin("GET", "/openapi.json", undefined, null)).status).toBe(200);
  });

  test("the internal calls are not on the public entry point", async () => {
    for (const path of ["/sync", "/join", "/renew"]) expect((await admin("POST", path, {})).status).toBe(404);
  });

  test("a refusal names the scheme (RFC 6750 §3)", async () => {
    const entry = exports as unknown as { default: Fetcher };
    const response = await entry.default.fetch("https://control.test/v1/status");
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    await response.body?.cancel();
  });
});

describe("tokens", () => {
  test("are listed without secret, stop working when deleted, and name the author", async () => {
    const { id, token } = await tokenFor("publisher");
    expect(token).toMatch(/^istk_/);
    const { tokens } = (await admin("GET", "/v1/tokens")).body;
    expect(tokens).toMatchObject([{ id, name: "a-publisher", role: "publisher" }]);
    expect(JSON.stringify(tokens)).not.toContain(token);
    const files = [{ name: "x", content: '{"listeners":[{"name":"web","protocol":"HTTP","port":80}]}' }];
    const published = await admin("POST", "/v1/versions", { files }, token);
    expect(published.body.version.author).toBe("a-publisher");
    expect((await admin("DELETE", `/v1/tokens/${id}`)).body).toMatchObject({ id });
    expect((await admin("GET", "/v1/status", undefined, token)).status).toBe(401);
    expect((await admin("DELETE", `/v1/tokens/${id}`)).status).toBe(404);
    const { entries } = (await admin("GET", "/v1/audit")).body;
    expect(entries.map((entry: { action: string }) => entry.action)).toEqual([
      "token.delete",
      "config.publish",
      "token.create",
    ]);
  });
});

describe("requests that are not well formed", () => {
  test.each<[string, string, unknown, RegExp]>([
    ["POST", "/v1/versions", "{ nope", /body: not JSON: .*position/],
    ["POST", "/v1/versions", { files: [{ name: 1, content: "" }] }, /body\.files\[0\]\.name/],
    ["POST", "/v1/versions", { files: [] }, /body\.files/],
    ["POST", "/v1/tokens", { name: "a", role: "root" }, /body\.role/],
    ["POST", "/v1/join-tokens", { tunnel: "a//b" }, /tunnel/],
    ["GET", "/v1/versions?limit=0", undefined, /query\.limit/],
    ["GET", "/v1/versions?before=x", undefined, /query\.before/],
    ["GET", "/v1/audit?before=x", undefined, /query\.before/],
    ["GET", "/v1/versions/abc", undefined, /param\.version/],
    ["POST", "/v1/certificates/XYZ/revoke", {}, /param\.serial/],
  ])("%s %s with %j: 400 and the place", async (method, path, body, message) => {
    const refused = await admin(method, path, body);
    expect(refused).toMatchObject({ status: 400, body: { code: "request_invalid" } });
    expect(refused.body.message).toMatch(message);
  });

  test("a body that is not declared as JSON is refused", async () => {
    const entry = exports as unknown as { default: Fetcher };
    const response = await entry.default.fetch("https://control.test/v1/tokens", {
      method: "POST",
      headers: { authorization: `Bearer ${bootstrapToken}`, "content-type": "text/plain" },
      body: "{}",
    });
    expect([response.status, await response.json()]).toMatchObject([415, { code: "media_type_unsupported" }]);
  });

  test("a body over its bound is refused", async () => {
    const refused = await admin("POST", "/v1/tokens", { name: "x".repeat(70_000), role: "reader" });
    expect(refused).toMatchObject({ status: 413, body: { code: "body_too_large" } });
  });

  test("internal calls are validated, too", async () => {
    expect(await internal("/sync", "{ nope")).toMatchObject({ status: 400 });
    expect((await internal("/sync", { region: "eu" })).body.message).toMatch(/body\.snapshotVersion/);
    expect((await internal("/nothing", {})).status).toBe(404);
  });
});

test("the audit log has pages over both logs", async () => {
  await publish(8080);
  await admin("POST", "/v1/join-tokens", { tunnel: "a" });
  await publish(8081);
  await admin("POST", "/v1/join-tokens", { tunnel: "b" });
  await publish(8082);
  const seen: string[] = [];
  let next = "";
  do {
    const { body } = await admin("GET", `/v1/audit?limit=2${next}`);
    seen.push(...body.entries.map((entry: { log: string; id: number }) => `${entry.log}${entry.id}`));
    next = body.next === undefined ? "" : `&before=${body.next}`;
  } while (next !== "");
  expect(seen.toSorted()).toEqual(["config1", "config2", "config3", "identity1", "identity2"]);
});

describe("the OpenAPI document", () => {
  test("describes every route with role, security and schemas, and nothing else", async () => {
    const document = (await admin("GET", "/openapi.json", undefined, null)).body as Document;
    expect(document.openapi).toBe("3.1.0");
    expect(document.components.securitySchemes).toEqual({ bearer: { type: "http", scheme: "bearer" } });
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => {
        expect(operation.summary, path).toBeTruthy();
        expect(operation.security, path).toEqual([{ bearer: [] }]);
        for (const answer of Object.values(operation.responses)) {
          expect(Object.keys(answer.content["application/json"]!.schema), path).not.toEqual([]);
        }
        return [method.toUpperCase(), path, operation["x-required-role"]];
      }),
    );
    expect(described.map(String).toSorted()).toEqual(routes.map(String).toSorted());
  });

  test("has no dangling reference", async () => {
    const document = (await admin("GET", "/openapi.json", undefined, null)).body as Document;
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of references) expect(document.components.schemas).toHaveProperty([name!]);
  });
});
