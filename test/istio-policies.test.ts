// Istio's policies as `isthmus serve` runs them: an authorization server of the mesh's configuration, routes chosen by what
// a token says, and policies over routes of the Gateway API.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { sendBytes } from "./system/wire-client.ts";

const issuer = "testing@secure.example.com";

let web: EchoServer;
let admin: EchoServer;
let authority: EchoServer;
let system: System;
let ports: { istio: number; gatewayApi: number };
let privateKey: CryptoKey;
let jwk: JWK;

/** A Service with the port of this machine on which its pod listens. */
const service = (name: string, port: number): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: ${port} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---`;

const manifests = (): string => `${service("web", web.port)}${service("admin", admin.port)}
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |-
    extensionProviders:
      - name: login
        envoyExtAuthzHttp:
          service: login.example.com
          port: ${authority.port}
          pathPrefix: /check
          includeRequestHeadersInCheck: [x-login]
          headersToUpstreamOnAllow: [authorization, x-user]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: login, namespace: istio-system }
spec:
  hosts: [login.example.com]
  ports: [{ number: ${authority.port}, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1 }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gateway, namespace: istio-system }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: ${ports.istio}, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: claims, namespace: shop }
spec:
  hosts: [claims.example.com]
  gateways: [istio-system/gateway]
  http:
    - match: [{ uri: { prefix: /only }, headers: { "@request.auth.claims.sub": { exact: alice } } }]
      route: [{ destination: { host: admin } }]
    - match: [{ uri: { prefix: /home }, headers: { "@request.auth.claims[realm][roles]": { prefix: adm } } }]
      headers: { request: { set: { x-rule: admin } } }
      route: [{ destination: { host: admin } }]
    - match: [{ uri: { prefix: /home }, withoutHeaders: { "@request.auth.claims.groups": { regex: "team-.*" } } }]
      headers: { request: { set: { x-rule: nobody } } }
      route: [{ destination: { host: web } }]
    - match: [{ uri: { prefix: /home } }]
      headers: { request: { set: { x-rule: team } } }
      route: [{ destination: { host: web } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: asked, namespace: shop }
spec:
  hosts: [asked.example.com]
  gateways: [istio-system/gateway]
  http: [{ route: [{ destination: { host: web } }] }]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: istio-system }
spec:
  selector: { matchLabels: { istio: ingressgateway } }
  jwtRules:
    - issuer: ${issuer}
      jwks: '${JSON.stringify({ keys: [jwk] })}'
      outputPayloadToHeader: x-payload
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: login, namespace: istio-system }
spec:
  selector: { matchLabels: { istio: ingressgateway } }
  action: CUSTOM
  provider: { name: login }
  rules: [{ to: [{ operation: { hosts: [asked.example.com], paths: [/account*, /denied] } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: denied, namespace: istio-system }
spec:
  selector: { matchLabels: { istio: ingressgateway } }
  action: DENY
  rules:
    - to: [{ operation: { paths: [/denied] } }]
    - when: [{ key: "request.auth.claims[scope]", values: [suspended] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: public, namespace: shop }
spec: { gatewayClassName: istio, listeners: [{ name: http, port: ${ports.gatewayApi}, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec: { parentRefs: [{ name: public }], rules: [{ backendRefs: [{ name: web, port: ${web.port} }] }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: public, namespace: shop }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: public }]
  rules: [{ to: [{ operation: { methods: [GET] } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: sidecar, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  action: DENY
  rules: [{ to: [{ operation: { paths: [/secret*] } }] }]
`;

beforeAll(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  privateKey = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), kid: "one" };
  web = await startEchoServer("web");
  admin = await startEchoServer("admin");
  authority = await startEchoServer("authority", (request, response) => {
    if (request.headers["x-login"] === "token") {
      void token({ sub: "carol" }).then((text) =>
        response.writeHead(200, { "x-user": "carol", authorization: `Bearer ${text}` }).end(),
      );
    } else if (request.headers["x-login"] === "plain")
      response.writeHead(200, { "x-user": request.url }).end();
    else response.writeHead(302, { location: "https://login.example.com/" }).end("log in");
    return true;
  });
  const [istio, gatewayApi] = (await freePorts(2)) as [number, number];
  ports = { istio, gatewayApi };
  system = await startSystem(manifests());
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([web?.stop(), admin?.stop(), authority?.stop()]);
});

const echo = (answer: Answer): Echo => JSON.parse(answer.body) as Echo;
const error = (answer: Answer): string => `${answer.status} ${String(answer.headers["isthmus-error"])}`;

function token(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ iss: issuer, ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime("5m")
    .sign(privateKey);
}

describe("routes by claims", () => {
  const host = "claims.example.com";
  const get = async (path: string, claims?: Record<string, unknown>) => {
    const headers = claims ? { authorization: `Bearer ${await token(claims)}` } : {};
    return ask({ port: ports.istio, host, path, headers });
  };
  const served = async (path: string, claims?: Record<string, unknown>) => {
    const { name, headers } = echo(await get(path, claims));
    return `${name} ${String(headers["x-rule"])}`;
  };

  test("nested ones and lists decide; requests without a token have none", async () => {
    expect(await served("/home", { realm: { roles: ["user", "admin"] } })).toBe("admin admin");
    expect(await served("/home", { realm: { roles: "user" } })).toBe("web nobody");
    expect(await served("/home", { groups: ["other", "team-a"] })).toBe("web team");
    expect(await served("/home")).toBe("web nobody");
  });

  test("where no other rule is left, nothing is found", async () => {
    expect(await served("/only", { sub: "alice" })).toBe("admin undefined");
    expect(error(await get("/only", { sub: "bob" }))).toBe("404 route_not_found");
    expect(error(await get("/only"))).toBe("404 route_not_found");
  });

  test("headers of the client's own are no claims, and bad tokens are refused", async () => {
    const named = { "x-claims": "alice", "request.auth.claims.sub": "alice" };
    const forged = await ask({ port: ports.istio, host, path: "/only", headers: named });
    expect(error(forged)).toBe("404 route_not_found");
    // No name of a header, and no client of Node sends it.
    const bytes = `GET /only HTTP/1.1\r\nHost: ${host}\r\n@request.auth.claims.sub: alice\r\nConnection: close\r\n\r\n`;
    expect(await sendBytes({ port: ports.istio }, bytes)).toMatch(/^HTTP\/1\.1 400 /);
    const other = await generateKeyPair("ES256");
    const bad = await new SignJWT({ iss: issuer, sub: "alice" })
      .setProtectedHeader({ alg: "ES256", kid: "one" })
      .sign(other.privateKey);
    const refused = await ask({
      port: ports.istio,
      host,
      path: "/only",
      headers: { authorization: `Bearer ${bad}` },
    });
    expect(error(refused)).toBe("401 unauthorized");
  });

  test("the endpoint gets the payload, and not the client's", async () => {
    const seen = echo(await get("/only", { sub: "alice" })).headers["x-payload"];
    expect(JSON.parse(Buffer.from(String(seen), "base64url").toString())).toMatchObject({ sub: "alice" });
    const forged = await ask({ port: ports.istio, host, path: "/home", headers: { "x-payload": "e30" } });
    expect(echo(forged).headers["x-payload"]).toBeUndefined();
  });

  test("scopes are lists with spaces between", async () => {
    expect(error(await get("/home", { scope: "read suspended" }))).toBe("403 forbidden");
    expect((await get("/home", { scope: "read write" })).status).toBe(200);
  });
});

describe("CUSTOM", () => {
  const host = "asked.example.com";
  const get = (path: string, headers: Record<string, string> = {}) =>
    ask({ port: ports.istio, host, path, headers });

  test("the server is asked about what the rules match, and before DENY", async () => {
    const before = authority.requests();
    expect(echo(await get("/open")).name).toBe("web");
    expect(authority.requests()).toBe(before);
    const login = await get("/account/1");
    expect(login.status).toBe(302);
    expect(login.headers.location).toBe("https://login.example.com/");
    expect((await get("/denied")).status).toBe(302);
    expect(error(await get("/denied", { "x-login": "plain" }))).toBe("403 forbidden");
  });

  test("it gets the path behind its prefix, and its headers reach the endpoint alone", async () => {
    const seen = echo(await get("/account/1?a=b", { "x-login": "plain", "x-user": "root" }));
    expect(seen.headers["x-user"]).toBe("/check/account/1?a=b");
    expect(echo(await get("/open", { "x-user": "root" })).headers["x-user"]).toBeUndefined();
  });

  test("the token that it gives is verified as the request's", async () => {
    const seen = echo(await get("/account", { "x-login": "token" }));
    const payload = Buffer.from(String(seen.headers["x-payload"]), "base64url").toString();
    expect(JSON.parse(payload)).toMatchObject({ sub: "carol" });
    expect(seen.headers["x-user"]).toBe("carol");
    expect(seen.headers.authorization).toBeUndefined();
  });
});

test("policies hold for routes of the Gateway API", async () => {
  const port = ports.gatewayApi;
  expect(echo(await ask({ port, host: "a.com" })).name).toBe("web");
  expect(error(await ask({ port, host: "a.com", method: "POST", body: "x" }))).toBe("403 forbidden");
  expect(error(await ask({ port, host: "a.com", path: "/secret/1" }))).toBe("403 forbidden");
});
