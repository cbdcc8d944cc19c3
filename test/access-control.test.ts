// Access control as `isthmus serve` runs it: credentials from real clients, keys from a real issuer, another server's word.
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Echo, type EchoServer, startEchoServer } from "./system/echo-server.ts";
import { type Answer, ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

const apiKey = "key-of-the-test-5b0c";
const issuer = "https://issuer.example.com";

let origin: EchoServer;
/** Requests whose end the origin has seen. */
let completed = 0;
let identityServer: EchoServer;
let system: System;
let port: number;
let privateKey: CryptoKey;
let jwk: JWK;

const config = (web: number, originPort: number, identityPort: number): string => `
listeners:
  - { name: web, protocol: HTTP, port: ${web}, requestLimits: { urlChars: 200, headerBytes: 2000 } }
routes:
  - name: keys
    hostnames: [keys.example.com]
    securityPolicy:
      apiKeyAuth:
        credentials: [{ clientID: app, sha256: "${createHash("sha256").update(apiKey).digest("hex")}" }]
        extractFrom: { headers: [x-api-key], params: [key] }
        forwardClientIDHeader: x-client-id
        sanitize: true
      requestLimits: { bodyBytes: 1000 }
    rules:
      - { backendRefs: [{ name: origin }] }
      - matches: [{ path: { value: /small } }]
        securityPolicy: { requestLimits: { bodyBytes: 10 } }
        backendRefs: [{ name: origin }]
      - matches: [{ path: { value: /open } }]
        securityPolicy: { inherit: false }
        backendRefs: [{ name: origin }]
      - matches: [{ path: { value: /moved } }]
        filters: [{ type: RequestRedirect, requestRedirect: { hostname: new.example.com } }]
  - name: users
    hostnames: [users.example.com]
    securityPolicy:
      basicAuth:
        realm: office
        users: ["alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="]
        forwardUsernameHeader: x-user
    rules: [{ backendRefs: [{ name: origin }] }]
  - name: tokens
    hostnames: [tokens.example.com]
    securityPolicy:
      jwt:
        providers:
          - name: main
            issuer: ${issuer}
            audiences: [api]
            remoteJWKS: { uri: "http://127.0.0.1:${identityPort}/jwks" }
            claimToHeaders: [{ header: x-subject, claim: sub }]
      authorization:
        rules:
          - { name: no-admin, action: Deny, operation: { paths: [{ value: /admin }] } }
          - { action: Allow, principal: { jwt: { claims: [{ name: role, values: [reader] }] } }, operation: { methods: [GET] } }
    rules: [{ backendRefs: [{ name: origin }] }]
  - name: discovered
    hostnames: [discovered.example.com]
    securityPolicy:
      jwt:
        providers:
          - name: main
            issuer: ${issuer}
            remoteJWKS: { uri: "http://127.0.0.1:${identityPort}/realm", discovery: true }
    rules: [{ backendRefs: [{ name: origin }] }]
  - name: asked
    hostnames: [asked.example.com]
    securityPolicy:
      extAuth:
        http: { url: "http://127.0.0.1:${identityPort}/auth", headersToBackend: [x-user] }
        headersToExtAuth: [cookie]
    rules: [{ backendRefs: [{ name: origin }] }]
  - name: networks
    hostnames: [networks.example.com]
    rules:
      - { matches: [{ path: { value: /in } }], securityPolicy: { clientCIDRs: { allow: [127.0.0.0/8] } }, backendRefs: [{ name: origin }] }
      - { securityPolicy: { clientCIDRs: { deny: [127.0.0.0/8] } }, backendRefs: [{ name: origin }] }
backends:
  - { name: origin, endpoints: [{ address: 127.0.0.1, port: ${originPort} }] }
accessLog: { mode: all }
`;

beforeAll(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  privateKey = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), kid: "one" };
  origin = await startEchoServer("origin", (request) => {
    request.once("end", () => (completed += 1));
    return false;
  });
  identityServer = await startEchoServer("identity", (request, response) => {
    if (request.url === "/jwks") response.end(JSON.stringify({ keys: [jwk] }));
    else if (request.url === "/realm/.well-known/openid-configuration") {
      const own = `http://${request.headers.host}`;
      response.end(JSON.stringify({ issuer: `${own}/realm`, jwks_uri: `${own}/jwks` }));
    } else if (request.headers.cookie === "session=good")
      response.writeHead(200, { "x-user": "carol" }).end();
    else if (request.headers.cookie === "session=broken") response.writeHead(500).end();
    else
      response.writeHead(302, { location: "https://login.example.com/", "set-cookie": "a=b" }).end("log in");
    return true;
  });
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(config(port, origin.port, identityServer.port));
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([origin?.stop(), identityServer?.stop()]);
});

const echo = (answer: Answer): Echo => JSON.parse(answer.body) as Echo;
const error = (answer: Answer): string => `${answer.status} ${String(answer.headers["isthmus-error"])}`;

function token(claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ iss: issuer, aud: "api", sub: "alice", role: "reader", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime("5m")
    .sign(privateKey);
}

describe("API keys", () => {
  const host = "keys.example.com";

  test("without, with a wrong and with the right key", async () => {
    const without = await ask({ port, host });
    expect(error(without)).toBe("401 unauthorized");
    expect(without.headers["www-authenticate"]).toBe('ApiKey realm="isthmus"');
    expect(error(await ask({ port, host, headers: { "x-api-key": "wrong" } }))).toBe("401 unauthorized");
    const headers = { "x-api-key": apiKey, "x-client-id": "forged" };
    const seen = echo(await ask({ port, host, path: "/a", headers })).headers;
    expect(seen["x-client-id"]).toBe("app");
    expect(seen["x-api-key"]).toBeUndefined();
    expect(echo(await ask({ port, host, path: `/a?b=c&key=${apiKey}` })).url).toBe("/a?b=c");
  });

  test("a rule keeps what it leaves out, unless it says otherwise", async () => {
    const small = { port, host, path: "/small", method: "POST", body: "more than ten" };
    expect(error(await ask({ ...small, body: "short" }))).toBe("401 unauthorized");
    expect(error(await ask({ ...small, headers: { "x-api-key": apiKey } }))).toBe("413 request_too_large");
    expect((await ask({ port, host, path: "/open" })).status).toBe(200);
    expect(error(await ask({ port, host, path: "/moved" }))).toBe("401 unauthorized");
  });
});

describe("sizes", () => {
  const host = "keys.example.com";
  const headers = { "x-api-key": apiKey };

  test("a body that declares no length is cut off, and nothing of it passes for a whole", async () => {
    const chunk = "x".repeat(600);
    const head = `POST /a HTTP/1.1\r\nHost: ${host}\r\nX-API-Key: ${apiKey}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const before = completed;
    const status = await raw(`${head}258\r\n${chunk}\r\n258\r\n${chunk}\r\n0\r\n\r\n`);
    expect(status).toBe(413);
    expect(await raw(`${head}258\r\n${chunk}\r\n0\r\n\r\n`)).toBe(200);
    expect(completed - before).toBe(1);
  });

  test("URL and headers of the listener", async () => {
    expect(error(await ask({ port, host, path: `/${"a".repeat(300)}`, headers }))).toBe("414 uri_too_long");
    const long = { ...headers, "x-long": "a".repeat(2_000) };
    expect(error(await ask({ port, host, headers: long }))).toBe("431 head_too_large");
    expect((await ask({ port, host, headers })).status).toBe(200);
  });
});

test("basic authentication", async () => {
  const host = "users.example.com";
  const basic = (password: string) => ({
    authorization: `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`,
    "x-user": "root",
  });
  const without = await ask({ port, host });
  expect(without.headers["www-authenticate"]).toBe('Basic realm="office", charset="UTF-8"');
  expect(error(await ask({ port, host, headers: basic("wrong") }))).toBe("401 unauthorized");
  expect(echo(await ask({ port, host, headers: basic("secret") })).headers["x-user"]).toBe("alice");
});

test("tokens with keys from the issuer, and what their claims allow", async () => {
  const host = "tokens.example.com";
  const bearer = async (claims?: Record<string, unknown>) => ({
    authorization: `Bearer ${await token(claims)}`,
  });
  expect(error(await ask({ port, host }))).toBe("401 unauthorized");
  const good = await ask({ port, host, headers: await bearer() });
  expect(echo(good).headers["x-subject"]).toBe("alice");
  expect(error(await ask({ port, host, method: "DELETE", headers: await bearer() }))).toBe("403 forbidden");
  expect(error(await ask({ port, host, path: "/admin/x", headers: await bearer() }))).toBe("403 forbidden");
  expect(error(await ask({ port, host, headers: await bearer({ role: "none" }) }))).toBe("403 forbidden");
  const expired = await ask({ port, host, headers: await bearer({ aud: "web" }) });
  expect(expired.headers["www-authenticate"]).toContain('error="invalid_token"');
  expect(identityServer.requests()).toBeLessThanOrEqual(2);
});

test("keys are where the issuer says that they are", async () => {
  const host = "discovered.example.com";
  const headers = { authorization: `Bearer ${await token()}` };
  expect(error(await ask({ port, host }))).toBe("401 unauthorized");
  expect((await ask({ port, host, headers })).status).toBe(200);
});

test("another server's word", async () => {
  const host = "asked.example.com";
  const login = await ask({ port, host, path: "/a?b=c" });
  expect(login.status).toBe(302);
  expect(login.headers.location).toBe("https://login.example.com/");
  expect(login.headers["set-cookie"]).toEqual(["a=b"]);
  expect(login.body).toBe("log in");
  const good = await ask({ port, host, headers: { cookie: "session=good", "x-user": "root" } });
  expect(echo(good).headers["x-user"]).toBe("carol");
  const broken = await ask({ port, host, headers: { cookie: "session=broken" } });
  expect(error(broken)).toBe("503 auth_unavailable");
});

test("networks, whatever a client says about its address", async () => {
  const host = "networks.example.com";
  expect((await ask({ port, host, path: "/in" })).status).toBe(200);
  const headers = { "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" };
  expect(error(await ask({ port, host, headers }))).toBe("403 forbidden");
});

test("no secret is in the log", async () => {
  await ask({ port, host: "keys.example.com", path: `/logged?key=${apiKey}` });
  await system.program.printed(/"path":"\/logged"/);
  const log = system.program.output();
  expect(log).not.toContain(apiKey);
  expect(log).not.toContain("ZXlK");
  expect(log).not.toMatch(/eyJ[\w-]+\./);
  expect(log).not.toMatch(/Basic |Bearer /);
});

function raw(text: string): Promise<number> {
  return new Promise((done, fail) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
      if (status === undefined) return;
      socket.destroy();
      done(Number(status));
    });
    socket.on("error", fail);
    socket.on("close", () => done(Number.NaN));
  });
}
