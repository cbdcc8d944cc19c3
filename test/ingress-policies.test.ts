// Annotations of Ingresses whose effect no table of single requests can show, through the running gateway and, where nginx is
// installed, through nginx: limits, the word of another server, CORS, passwords; and cookies, which are Lua's in ingress-nginx.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import { nginxMissing, startCorpusNginx } from "./system/corpus-nginx.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const annotations = "nginx.ingress.kubernetes.io/";

function ingress(name: string, values: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      annotations: Object.fromEntries(
        Object.entries(values).map(([key, value]) => [annotations + key, value]),
      ),
    },
    spec: {
      rules: [
        {
          host: `${name}.example.com`,
          http: {
            paths: [
              { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } },
              {
                path: "/other",
                pathType: "Prefix",
                backend: { service: { name: "web", port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
  });
}

const cors = { origin: "https://app.example.org", "access-control-request-method": "PUT" };

interface Proxy {
  readonly port: number;
  stop(): Promise<unknown>;
}

describe.each([
  { proxy: "the gateway", start: startGateway, missing: undefined },
  { proxy: "real nginx", start: startNginx, missing: nginxMissing() },
])("$proxy", ({ proxy, start, missing }) => {
  const isNginx = proxy === "real nginx";
  let web: EchoServer;
  let authority: EchoServer;
  let pages: EchoServer;
  let asked: Echo["headers"][] = [];
  let running: Proxy;

  beforeAll(async () => {
    if (missing !== undefined) return;
    web = await startEchoServer("ingress/default/web/80", (request, response) => {
      const status = /^\/status\/([0-9]+)/.exec(request.url ?? "")?.[1];
      if (status === undefined) return false;
      request.resume();
      response.writeHead(Number(status), { "x-from": "web", "retry-after": "7" }).end("what web says");
      return true;
    });
    pages = await startEchoServer("ingress/default/pages/80");
    authority = await startEchoServer("authority", (request, response) => {
      asked.push({ ...request.headers, method: request.method });
      const isRenewed = request.headers.cookie === "session=old";
      if (isRenewed) response.setHeader("set-cookie", "session=new");
      const isKnown = isRenewed || request.headers.cookie === "session=known";
      response.statusCode = isKnown ? 200 : request.headers.cookie === "session=banned" ? 403 : 401;
      if (isKnown) response.setHeader("x-user", "ann");
      else response.setHeader("set-cookie", "state=1");
      response.end();
      return true;
    });
    const url = `http://127.0.0.1:${authority.port}/check`;
    const documents = [
      ingress("limited", { "limit-rpm": "2", "limit-burst-multiplier": "1" }),
      ingress("exempt", {
        "limit-rpm": "1",
        "limit-burst-multiplier": "1",
        "limit-whitelist": "127.0.0.0/8",
      }),
      ingress("asked", {
        "auth-url": url,
        "auth-response-headers": "X-User",
        "auth-signin": "https://login.example.org/start?client=1",
      }),
      ingress("told", { "auth-url": url, "auth-method": "POST" }),
      ingress("renewed", {
        "auth-url": url,
        "auth-signin": "http://$host/start?from=$arg_from&rd=$request_uri",
        "auth-proxy-set-headers": "default/asking",
        "auth-snippet": 'proxy_set_header X-Team "blue";',
      }),
      ingress("always", { "auth-url": url, "auth-always-set-cookie": "true" }),
      configMap("asking", { "X-Asked-By": "ingress" }),
      ingress("cors", { "enable-cors": "true", "cors-allow-origin": "https://app.example.org" }),
      ingress("any", { "enable-cors": "true" }),
      ingress("pages", {
        "custom-http-errors": "404,503",
        "default-backend": "pages",
        "denylist-source-range": "192.0.2.0/24",
      }),
      service("web"),
      service("pages"),
    ];
    running = await start(documents.join("\n---\n"), (backend) =>
      backend.includes("/pages/") ? pages.port : web.port,
    );
  });
  afterAll(() => Promise.all([running?.stop(), web?.stop(), authority?.stop(), pages?.stop()]));

  const send = (name: string, more: Partial<Parameters<typeof ask>[0]> = {}): Promise<Answer> =>
    ask({ port: running.port, host: `${name}.example.com`, ...more });

  test.skipIf(missing)("limits by address count all paths of the Ingress; a refusal is 503", async () => {
    const statuses: number[] = [];
    for (const path of ["/", "/other", "/", "/other", "/"])
      statuses.push((await send("limited", { path })).status);
    expect(statuses).toEqual([200, 200, 200, 503, 503]);
  });

  test.skipIf(missing)("exempt addresses are not limited", async () => {
    for (let count = 0; count < 5; count += 1) expect((await send("exempt")).status).toBe(200);
  });

  test.skipIf(missing)("the authorization server lets pass, sends to sign in, and refuses", async () => {
    asked = [];
    const passed = await send("asked", {
      path: "/a?b=c",
      headers: { cookie: "session=known", "x-user": "eve" },
    });
    expect(passed.status).toBe(200);
    expect((JSON.parse(passed.body) as Echo).headers["x-user"]).toBe("ann");
    expect(asked[0]).toMatchObject({
      method: "GET",
      cookie: "session=known",
      "x-original-url": "http://asked.example.com/a?b=c",
      "x-auth-request-redirect": "/a?b=c",
    });
    const unknown = await send("asked", { path: "/a?b=c" });
    expect(unknown.status).toBe(302);
    const location = new URL(unknown.headers.location!);
    expect(location.origin + location.pathname).toBe("https://login.example.org/start");
    expect(location.searchParams.get("client")).toBe("1");
    // nginx of ingress-nginx escapes it; the one of Debian has no word for that.
    if (!isNginx) expect(location.searchParams.get("rd")).toBe("http://asked.example.com/a?b=c");
    expect((await send("asked", { headers: { cookie: "session=banned" } })).status).toBe(403);
  });

  test.skipIf(missing)("sessions are renewed, where the response is no error", async () => {
    asked = [];
    const renewed = { headers: { cookie: "session=old" } };
    const answer = await send("renewed", renewed);
    expect(answer.headers["set-cookie"]).toEqual(["session=new"]);
    expect(asked[0]).toMatchObject({ "x-asked-by": "ingress", "x-team": "blue" });
    const missed = { ...renewed, path: "/status/404" };
    expect((await send("renewed", missed)).headers).not.toHaveProperty("set-cookie");
    expect((await send("always", missed)).headers["set-cookie"]).toEqual(["session=new"]);
    const unknown = await send("renewed", { path: "/a?from=b" });
    expect(unknown.headers.location).toBe("http://renewed.example.com/start?from=b&rd=/a?from=b");
  });

  test.skipIf(missing)(
    "without a page to sign in the client is told; the method is as asked for",
    async () => {
      asked = [];
      expect((await send("told", { method: "PUT", body: "x" })).status).toBe(401);
      expect(asked[0]).toMatchObject({ method: "POST", "x-original-method": "PUT" });
      expect(asked[0]).not.toHaveProperty("content-type");
    },
  );

  test.skipIf(missing)("CORS: preflights are answered, origins told", async () => {
    const preflight = await send("cors", { method: "OPTIONS", headers: cors });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      "access-control-allow-origin": "https://app.example.org",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, PUT, POST, DELETE, PATCH, OPTIONS",
      "access-control-max-age": "1728000",
    });
    const answer = await send("cors", { headers: { origin: "https://app.example.org" } });
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example.org");
    const any = await send("any", { headers: { origin: "https://else.example.org" } });
    expect(any.headers["access-control-allow-origin"]).toBe("*");
    // Browsers take `*` with credentials for a no, so the gateway does not say it.
    if (!isNginx) expect(any.headers).not.toHaveProperty("access-control-allow-credentials");
  });

  test.skipIf(missing)("the default backend has the pages of the errors that are named", async () => {
    const page = await send("pages", {
      method: "POST",
      path: "/status/404/x?a=b",
      headers: { accept: "text/html", "content-type": "text/plain", "x-code": "1", range: "bytes=0-1" },
      body: "the client's own",
    });
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({ "x-served-by": "ingress/default/pages/80" });
    expect(page.headers).not.toHaveProperty("x-from");
    const { url, headers, body } = JSON.parse(page.body) as Echo;
    expect(url).toBe("/?a=b");
    expect(headers).toMatchObject({
      host: "pages.example.com",
      "x-code": "404",
      "x-format": "text/html",
      "x-original-uri": "/status/404/x?a=b",
      "x-namespace": "default",
      "x-ingress-name": "pages",
      "x-service-name": "web",
      "x-service-port": "80",
    });
    // nginx sends the body along, which a page has no use for.
    if (!isNginx) expect(body).toBe("");
  });

  test.skipIf(missing)("errors that are not named, and what is no error, stay as they are", async () => {
    const other = await send("pages", { path: "/status/500" });
    expect(other).toMatchObject({ status: 500, body: "what web says" });
    expect((await send("pages", { path: "/x" })).headers).toMatchObject({
      "x-served-by": "ingress/default/web/80",
    });
  });
});

function configMap(name: string, data: Readonly<Record<string, string>>): string {
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });
}

function service(name: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ports: [{ port: 80 }] },
  });
}

describe("sessions", () => {
  test("the cookie has the attributes that the annotations give it", async () => {
    const web = await startEchoServer("ingress/default/web/80");
    const affinity = {
      affinity: "cookie",
      "session-cookie-name": "route",
      "session-cookie-max-age": "172800",
      "session-cookie-path": "/shop",
      "session-cookie-samesite": "Strict",
      "session-cookie-domain": "example.com",
      "session-cookie-secure": "true",
    };
    const gateway = await startGateway(ingress("sticky", affinity), () => web.port);
    try {
      const { headers } = await ask({ port: gateway.port, host: "sticky.example.com" });
      const [cookie = ""] = headers["set-cookie"] ?? [];
      expect(cookie.split("; ").slice(1).sort()).toEqual(
        [
          "Path=/shop",
          "HttpOnly",
          "SameSite=Strict",
          "Domain=example.com",
          "Secure",
          "Max-Age=172800",
        ].sort(),
      );
      expect(cookie).toMatch(/^route=/);
    } finally {
      await Promise.all([gateway.stop(), web.stop()]);
    }
  });
});

async function startGateway(manifests: string, portOf: (backend: string) => number): Promise<Proxy> {
  const { model, diagnostics } = loadConfig([{ name: "ingress.yaml", content: manifests }]);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const [port] = (await freePorts(1)) as [number];
  const local = {
    ...model!,
    listeners: model!.listeners.map((listener) => ({ ...listener, addresses: ["127.0.0.1"], port })),
    backends: model!.backends.map((backend) => ({
      ...backend,
      endpoints: [{ address: "127.0.0.1", port: portOf(backend.name), weight: 1 }],
    })),
  };
  const system = await startSystem(formatConfig(local), ["--processes", "1"]);
  return { port, stop: () => system.stop() };
}

async function startNginx(manifests: string, portOf: (backend: string) => number): Promise<Proxy> {
  const pem = await selfSignedPem("corpus.test");
  const nginx = await startCorpusNginx(manifests, { portOf, pem });
  return { port: nginx.ports.get(80)!, stop: () => nginx.stop() };
}
