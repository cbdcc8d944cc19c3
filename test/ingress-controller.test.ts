// What ingress-nginx does for all Ingresses, through the running gateway: headers of requests and responses, as they are without
// a ConfigMap, and as the controller's ConfigMap says.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";
import { startTcpPod, tlsClient, type TcpPod } from "./system/tcp.ts";

const host = "shop.example.com";
const challenge = "/.well-known/acme-challenge/token";

let web: EchoServer;
let authority: EchoServer;
let pem: string;

beforeAll(async () => {
  pem = await selfSignedPem(host);
  web = await startEchoServer("web", (request, response) => {
    if (request.url !== "/bare") return false;
    response.writeHead(200, { server: "secret/1.2", "x-powered-by": "magic" }).end();
    return true;
  });
  authority = await startEchoServer("authority", (request, response) => {
    const isKnown = request.headers["cookie"] === "session=known";
    response.writeHead(isKnown ? 200 : 401, { "x-user": "ann" }).end();
    return true;
  });
});
afterAll(() => Promise.all([web?.stop(), authority?.stop()]));

const object = (kind: string, name: string, namespace: string, fields: object): object => ({
  apiVersion: kind === "Ingress" ? "networking.k8s.io/v1" : "v1",
  kind,
  metadata: { name, namespace },
  ...fields,
});
const pathOf = (path: string) => ({
  path,
  pathType: "Prefix",
  backend: { service: { name: "web", port: { number: 80 } } },
});

function keyPairOf(text: string): { key: string; cert: string } {
  const [key = "", cert = ""] = [
    /-----BEGIN PRIVATE KEY[^]*?END PRIVATE KEY-----\n/,
    /-----BEGIN CERT[^]*?END CERTIFICATE-----\n/,
  ].map((part) => part.exec(text)?.[0] ?? "");
  return { key, cert };
}

function manifests(...others: object[]): string {
  const { key, cert } = keyPairOf(pem);
  return [
    object("Secret", "tls", "shop", { stringData: { "tls.crt": cert, "tls.key": key } }),
    object("Ingress", "web", "shop", {
      spec: {
        tls: [{ hosts: [host], secretName: "tls" }],
        rules: [{ host, http: { paths: [pathOf("/"), pathOf("/.well-known/acme-challenge/token")] } }],
      },
    }),
    ...others,
  ]
    .map((one) => JSON.stringify(one))
    .join("\n---\n");
}

interface Running {
  readonly send: (more?: Partial<Ask>) => Promise<Answer>;
  readonly sendTls: (more?: Partial<Ask>) => Promise<Answer>;
  readonly httpsPort: number;
  readonly system: System;
}

async function start(text: string, portOf: (backend: string) => number = () => web.port): Promise<Running> {
  const { model, diagnostics } = loadConfig([{ name: "ingress.yaml", content: text }]);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const [http, https] = (await freePorts(2)) as [number, number];
  const local = {
    ...model!,
    listeners: model!.listeners.map((listener) => ({
      ...listener,
      addresses: ["127.0.0.1"],
      port: listener.port === 80 ? http : https,
    })),
    backends: model!.backends.map((backend) => ({
      ...backend,
      endpoints: [{ address: "127.0.0.1", port: portOf(backend.name), weight: 1 }],
    })),
  };
  const system = await startSystem(formatConfig(local), ["--processes", "1"]);
  return {
    system,
    httpsPort: https,
    send: (more) => ask({ port: http, host, ...more }),
    sendTls: (more) => ask({ port: https, host, tls: {}, ...more }),
  };
}

const seenBy = ({ body }: Answer): Echo["headers"] => (JSON.parse(body) as Echo).headers;

describe("without a ConfigMap", () => {
  let running: Running;
  beforeAll(async () => (running = await start(manifests())));
  afterAll(() => running?.system.stop());

  test("HTTPS answers have HSTS, the gateway's own too, and HTTP answers have not", async () => {
    const hsts = "max-age=31536000; includeSubDomains";
    const answer = await running.sendTls();
    expect([answer.status, answer.headers["strict-transport-security"]]).toEqual([200, hsts]);
    const unknown = await running.sendTls({ host: "other.example.com" });
    expect([unknown.status, unknown.headers["strict-transport-security"]]).toEqual([404, hsts]);
    const plain = await running.send();
    expect([plain.status, plain.headers["strict-transport-security"]]).toEqual([308, undefined]);
  });

  test("endpoints are told what ingress-nginx tells them, whatever the client says", async () => {
    const forged = {
      "x-real-ip": "6.6.6.6",
      "x-forwarded-port": "1",
      "x-scheme": "gopher",
      "x-forwarded-for": "6.6.6.6",
      "x-original-forwarded-host": "evil",
      proxy: "http://evil",
    };
    const seen = seenBy(await running.sendTls({ headers: forged }));
    expect(seen).toMatchObject({
      host,
      "x-real-ip": "127.0.0.1",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": host,
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      "x-forwarded-scheme": "https",
      "x-scheme": "https",
      "x-original-forwarded-for": "6.6.6.6",
    });
    expect(seen["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect([seen["proxy"], seen["x-original-forwarded-host"]]).toEqual([undefined, undefined]);
  });

  test("clients are not told what the server is", async () => {
    const { headers } = await running.sendTls({ path: "/bare" });
    expect([headers["server"], headers["x-powered-by"]]).toEqual([undefined, "magic"]);
  });

  test("what certificate authorities ask for is not redirected to HTTPS", async () => {
    expect((await running.send({ path: challenge })).status).toBe(200);
    expect((await running.send({ path: "/.well-known/other" })).status).toBe(308);
  });
});

describe("with a ConfigMap", () => {
  let running: Running;
  beforeAll(async () => {
    const settings = {
      "hsts-max-age": "60",
      "hsts-include-subdomains": "false",
      "hsts-preload": "true",
      "hide-headers": "X-Powered-By",
      "allow-backend-server-header": "true",
      "add-headers": "ingress-nginx/told",
      "proxy-set-headers": "ingress-nginx/asked",
      "proxy-add-original-uri-header": "true",
      "http-redirect-code": "301",
      "use-forwarded-headers": "true",
      "proxy-real-ip-cidr": "127.0.0.1",
      "block-cidrs": "10.7.0.0/16",
      "block-user-agents": "Bad Bot, ~*scanner",
      "block-referers": "~evil",
      "global-auth-url": `http://127.0.0.1:${authority.port}/check`,
      "global-auth-response-headers": "X-User",
    };
    const text = manifests(
      object("ConfigMap", "ingress-nginx-controller", "ingress-nginx", { data: settings }),
      object("ConfigMap", "told", "ingress-nginx", { data: { "X-Frame-Options": "DENY" } }),
      object("ConfigMap", "asked", "ingress-nginx", {
        data: { "X-Using-Nginx-Controller": "true", "X-Asked": "$scheme://$host$request_uri" },
      }),
    );
    running = await start(text);
  });
  afterAll(() => running?.system.stop());
  const known = { cookie: "session=known" };

  test("headers are as it says", async () => {
    const { headers } = await running.sendTls({ path: "/bare", headers: known });
    expect(headers).toMatchObject({
      "strict-transport-security": "max-age=60; preload",
      "x-frame-options": "DENY",
      server: "secret/1.2",
    });
    expect(headers["x-powered-by"]).toBeUndefined();
    const seen = seenBy(await running.sendTls({ path: "/a?b=c", headers: known }));
    expect(seen).toMatchObject({
      "x-using-nginx-controller": "true",
      "x-asked": `https://${host}/a?b=c`,
      "x-original-uri": "/a?b=c",
    });
  });

  test("a proxy in front says who the client is, and how it came in", async () => {
    const told = { ...known, "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https" };
    const answer = await running.send({ headers: told });
    expect(answer.status).toBe(200);
    expect(seenBy(answer)).toMatchObject({
      "x-real-ip": "198.51.100.7",
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-proto": "https",
      "x-scheme": "https",
    });
    expect((await running.send({ headers: known })).status).toBe(301);
    const redirected = await running.sendTls({ headers: { ...known, "x-forwarded-proto": "http" } });
    expect([redirected.status, redirected.headers.location]).toEqual([301, `https://${host}/`]);
  });

  test("whoever is blocked is refused on every host", async () => {
    const statusOf = async (headers: Record<string, string>): Promise<number> =>
      (await running.sendTls({ headers: { ...known, ...headers } })).status;
    expect(await statusOf({ "user-agent": "bad bot" })).toBe(403);
    expect(await statusOf({ "user-agent": "a Scanner/2" })).toBe(403);
    expect(await statusOf({ "user-agent": "not a bad bot" })).toBe(200);
    expect(await statusOf({ referer: "https://evil.example/" })).toBe(403);
    expect(await statusOf({ "x-forwarded-for": "10.7.1.1" })).toBe(403);
    expect(await statusOf({ "x-forwarded-for": "10.8.1.1" })).toBe(200);
  });

  test("one authorization server is asked for all Ingresses, but for what certificate authorities ask for", async () => {
    expect((await running.sendTls()).status).toBe(401);
    expect(seenBy(await running.sendTls({ headers: known }))["x-user"]).toBe("ann");
    expect((await running.sendTls({ path: challenge })).status).toBe(200);
  });
});

describe("ssl-passthrough", () => {
  const passedHost = "pod.example.com";
  let secure: TcpPod;
  let running: Running;
  beforeAll(async () => {
    secure = await startTcpPod("secure", { tls: keyPairOf(await selfSignedPem(passedHost)) });
    const backend = { service: { name: "secure", port: { number: 443 } } };
    const passed = {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        name: "secure",
        namespace: "shop",
        annotations: {
          "nginx.ingress.kubernetes.io/ssl-passthrough": "true",
          "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
        },
      },
      spec: {
        tls: [{ hosts: [passedHost] }],
        rules: [{ host: passedHost, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
      },
    };
    running = await start(manifests(passed), (name) => (name.includes("/secure/") ? secure.port : web.port));
  });
  afterAll(() => Promise.all([running?.system.stop(), secure?.stop()]));

  test("TLS of the host goes to its endpoint as it is", async () => {
    const client = tlsClient(running.httpsPort, passedHost);
    expect(await client.until("\n")).toBe("secure\n");
    client.end("bye");
    expect((await client.all)?.toString()).toBe("secure\nbye");
  });

  test("TLS of other hosts ends at the gateway, which has nothing for the host there", async () => {
    expect(seenBy(await running.sendTls()).host).toBe(host);
    const before = secure.connections.length;
    const answer = await ask({ port: running.httpsPort, host: passedHost, tls: { servername: host } });
    expect(answer.status).toBe(404);
    expect(secure.connections.length).toBe(before);
  });

  test("plain HTTP of the host is redirected as for any other", async () => {
    const answer = await running.send({ host: passedHost });
    expect([answer.status, answer.headers["location"]]).toEqual([308, `https://${passedHost}/`]);
  });
});
