// Filters that answer, shape or copy requests, through the gateway as `isthmus serve` runs it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

let main: EchoServer;
let shadow: EchoServer;
let system: System;
let port: number;
const shadowed: Echo[] = [];

const config = (ports: Record<"web" | "main" | "shadow" | "closed", number>): string => `
errorPages:
  - name: site
    pages:
      - match: { errorCodes: [route_not_found], statusCodes: [{ type: Value, value: 400 }] }
        response: { contentType: text/html, bodyFrom: [{ text: "<p>lost: " }, { from: Method }], header: { set: [{ name: x-page, value: site }] } }
  - name: down
    pages: [{ match: { errorCodes: [endpoint_connect_failed] }, response: { statusCode: 503 } }]
listeners: [{ name: web, protocol: HTTP, port: ${ports.web}, errorPages: site }]
routes:
  - name: filters
    rules:
      - matches: [{ path: { value: /direct } }]
        filters:
          - type: DirectResponse
            directResponse:
              { statusCode: 418, contentType: text/html, body: { inline: "<p>short and stout" }, header: { set: [{ name: x-pot, value: tea }] } }
      - matches: [{ path: { value: /cors } }]
        filters: [{ type: CORS, cors: { allowOrigins: ["https://app.example.com"], allowMethods: [PUT], allowCredentials: true } }]
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /cors-ref } }]
        backendRefs:
          - name: main
            filters: [{ type: CORS, cors: { allowOrigins: ["*"], allowMethods: ["*"] } }]
      - matches: [{ path: { value: /cors-down } }]
        filters: [{ type: CORS, cors: { allowOrigins: ["*"] } }]
        backendRefs: [{ name: closed }]
      - matches: [{ path: { value: /pages } }]
        filters:
          - type: ResponseOverride
            responseOverride:
              - match: { statusCodes: [{ type: Value, value: 404 }] }
                response: { statusCode: 410, contentType: text/html, body: { inline: gone for good } }
              - match: { statusCodes: [{ type: Range, range: { start: 500, end: 599 } }] }
                response: { body: { inline: we are sorry } }
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /pages-down } }]
        filters:
          - type: ResponseOverride
            responseOverride: [{ match: { statusCodes: [{ type: Value, value: 502 }] }, response: { body: { inline: we are sorry } } }]
        backendRefs: [{ name: closed }]
      - matches: [{ path: { value: /pages-of-backend } }]
        filters:
          - type: ResponseOverride
            responseOverride:
              - match: { statusCodes: [{ type: Value, value: 502 }] }
                response: { backendRef: { name: main }, requestHeaders: [{ name: x-told, value: a }] }
        backendRefs: [{ name: closed }]
      - matches: [{ path: { value: /page-backend-down } }]
        filters:
          - type: ResponseOverride
            responseOverride:
              - { match: { statusCodes: [{ type: Value, value: 502 }] }, response: { backendRef: { name: closed } } }
        backendRefs: [{ name: closed }]
      - { matches: [{ path: { value: /error-pages } }], errorPages: down, backendRefs: [{ name: closed }] }
      - matches: [{ path: { value: /pages-by-source } }]
        filters:
          - type: ResponseOverride
            responseOverride:
              - { match: { statusCodes: [{ type: Value, value: 503 }] }, source: Backend, response: { body: { inline: the backend is sorry } } }
              - { match: { statusCodes: [{ type: Value, value: 502 }] }, source: Local, response: { body: { inline: the gateway is sorry } } }
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /pages-by-source/down } }]
        filters:
          - type: ResponseOverride
            responseOverride:
              - { match: { statusCodes: [{ type: Value, value: 502 }] }, source: Backend, response: { body: { inline: no } } }
              - { match: { statusCodes: [{ type: Value, value: 502 }] }, source: Local, response: { body: { inline: the gateway is sorry } } }
        backendRefs: [{ name: closed }]
      - matches: [{ path: { value: /fault } }]
        filters:
          - type: FaultInjection
            faultInjection:
              { delay: { fixedDelay: 300ms }, abort: { httpStatus: 503, percentage: 100 }, headers: [{ name: x-break, value: please }] }
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /fault-slow } }]
        filters: [{ type: FaultInjection, faultInjection: { delay: { fixedDelay: 60s } } }]
        timeouts: { request: 200ms }
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /mirror } }]
        filters:
          - { type: RequestMirror, requestMirror: { backendRef: { name: shadow } } }
          - { type: RequestMirror, requestMirror: { backendRef: { name: closed } } }
          - { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-copy, value: both }] } }
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /apart } }]
        filters:
          - type: RequestMirror
            requestMirror:
              backendRef: { name: shadow }
              hostname: copies.test
              target: [{ text: "/copy?of=" }, { from: Path }]
        backendRefs: [{ name: main }]
      - matches: [{ path: { value: /half } }]
        filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: shadow }, percent: 0 } }]
        backendRefs: [{ name: main }]
backends:
  - { name: main, endpoints: [{ address: 127.0.0.1, port: ${ports.main} }] }
  - { name: shadow, endpoints: [{ address: 127.0.0.1, port: ${ports.shadow} }] }
  - { name: closed, endpoints: [{ address: 127.0.0.1, port: ${ports.closed} }] }
`;

beforeAll(async () => {
  main = await startEchoServer("main", (request, response) => {
    const status = /status=(\d+)/.exec(request.url ?? "")?.[1];
    if (!status) return false;
    response.writeHead(Number(status), { etag: '"x"', "retry-after": "7" }).end("from the backend");
    return true;
  });
  shadow = await startEchoServer("shadow", (request) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const { method = "", url = "", headers, rawHeaders } = request;
      const body = Buffer.concat(chunks).toString();
      shadowed.push({ name: "shadow", method, url, headers, rawHeaders, body });
    });
    // Never answers: the client must not notice.
    return true;
  });
  const [web, closed] = (await freePorts(2)) as [number, number];
  port = web;
  system = await startSystem(config({ web, main: main.port, shadow: shadow.port, closed }));
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([main.stop(), shadow.stop()]);
});

const host = "example.com";
const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> =>
  ask({ port, host, path, headers, method });

test("a direct response answers instead of a backend", async () => {
  const answer = await get("/direct");
  expect([answer.status, answer.headers["content-type"], answer.headers["x-pot"], answer.body]).toEqual([
    418,
    "text/html",
    "tea",
    "<p>short and stout",
  ]);
});

describe("CORS", () => {
  const preflight = { origin: "https://app.example.com", "access-control-request-method": "PUT" };

  test("the gateway answers preflights, for allowed origins", async () => {
    const before = main.requests();
    const answer = await get("/cors", preflight, "OPTIONS");
    expect(answer.status).toBe(204);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example.com");
    expect(answer.headers["access-control-allow-methods"]).toBe("PUT");
    expect(answer.headers["access-control-allow-credentials"]).toBe("true");
    const refused = await get("/cors", { ...preflight, origin: "https://evil.example" }, "OPTIONS");
    expect(refused.headers["access-control-allow-origin"]).toBeUndefined();
    expect(main.requests()).toBe(before);
  });

  test("responses carry the headers, an OPTIONS that is no preflight goes to the backend", async () => {
    const answer = await get("/cors", { origin: "https://app.example.com" }, "OPTIONS");
    expect([answer.status, answer.headers["x-served-by"]]).toEqual([200, "main"]);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example.com");
    expect(answer.headers["vary"]).toContain("Origin");
  });

  test("errors of the gateway carry them, too", async () => {
    const answer = await get("/cors-down", { origin: "https://any.example" });
    expect(answer.headers["isthmus-error"]).toBe("endpoint_connect_failed");
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
  });

  test("a backendRef may have its own", async () => {
    const answer = await get("/cors-ref", preflight, "OPTIONS");
    expect([answer.status, answer.headers["access-control-allow-methods"]]).toEqual([204, "PUT"]);
    const plain = await get("/cors-ref", { origin: "https://any.example" });
    expect(plain.headers["access-control-allow-origin"]).toBe("*");
  });
});

describe("error pages of a listener and of a rule", () => {
  test("are answered where no rule is found, and for what is malformed", async () => {
    for (const [path, status, code] of [
      ["/no-such-path", 404, "route_not_found"],
      ["/a%2fb", 400, "path_malformed"],
    ] as const) {
      const answer = await get(path, {}, "PUT");
      expect([answer.status, answer.body]).toEqual([status, "<p>lost: PUT"]);
      const { "isthmus-error": error, "x-page": page, "content-type": type } = answer.headers;
      expect([error, page, type]).toEqual([code, "site", "text/html"]);
    }
    expect((await get("/no-such-path", {}, "HEAD")).body).toBe("");
  });

  test("may say another status, and leave the body as it is", async () => {
    const answer = await get("/error-pages");
    expect([answer.status, answer.headers["isthmus-error"]]).toEqual([503, "endpoint_connect_failed"]);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answer.body)).toMatchObject({ status: 503, code: "endpoint_connect_failed" });
  });
});

describe("custom error pages", () => {
  test("replace a backend's response and keep what is not about its body", async () => {
    const gone = await get("/pages?status=404");
    expect([gone.status, gone.body, gone.headers["content-type"]]).toEqual([
      410,
      "gone for good",
      "text/html",
    ]);
    const sorry = await get("/pages?status=503");
    expect([sorry.status, sorry.body, sorry.headers["retry-after"], sorry.headers.etag]).toEqual([
      503,
      "we are sorry",
      "7",
      undefined,
    ]);
    expect((await get("/pages?status=400")).body).toBe("from the backend");
  });

  test("replace the gateway's own errors, whose code stays", async () => {
    const answer = await get("/pages-down");
    expect([answer.status, answer.body, answer.headers["isthmus-error"]]).toEqual([
      502,
      "we are sorry",
      "endpoint_connect_failed",
    ]);
  });

  test("are for what a backend answers, or for what the gateway answers", async () => {
    expect((await get("/pages-by-source?status=503")).body).toBe("the backend is sorry");
    expect((await get("/pages-by-source?status=502")).body).toBe("from the backend");
    expect((await get("/pages-by-source/down")).body).toBe("the gateway is sorry");
  });

  test("a backend has the page, and is told what happened", async () => {
    const answer = await get("/pages-of-backend/x?y=z", { "x-code": "200", accept: "text/html" }, "DELETE");
    expect([answer.status, answer.headers["isthmus-error"]]).toEqual([200, "endpoint_connect_failed"]);
    const { method, url, headers } = JSON.parse(answer.body) as Echo;
    expect([method, url, headers["x-code"], headers["x-told"]]).toEqual(["GET", "/?y=z", "502", "a"]);
    expect(headers["x-original-uri"]).toBe("/pages-of-backend/x?y=z");
  });

  test("the error stays where the backend of the page does not answer", async () => {
    const answer = await get("/page-backend-down");
    expect([answer.status, answer.headers["isthmus-error"]]).toEqual([502, "endpoint_connect_failed"]);
  });
});

describe("fault injection", () => {
  test("delays and aborts the requests that its headers name, and no others", async () => {
    const started = performance.now();
    const broken = await get("/fault", { "x-break": "please" });
    expect(broken.status).toBe(503);
    expect(performance.now() - started).toBeGreaterThanOrEqual(295);
    expect((await get("/fault")).headers["x-served-by"]).toBe("main");
  });

  test("a delay ends with the request's timeout", async () => {
    const answer = await get("/fault-slow");
    expect(answer.headers["isthmus-error"]).toBe("request_timeout");
  });
});

describe("mirrors", () => {
  test("get the request as the endpoint gets it, and neither delay nor fail it", async () => {
    const answer = await ask({ port, host, path: "/mirror/a?b=c", method: "POST", body: "hello" });
    const echo = JSON.parse(answer.body) as Echo;
    expect([answer.status, echo.body, echo.headers["content-length"]]).toEqual([200, "hello", "5"]);
    const copy = await eventually("a mirrored request", async () => shadowed.find((c) => c.body === "hello"));
    expect([copy.method, copy.url, copy.headers["x-copy"], copy.headers["host"]]).toEqual([
      "POST",
      "/mirror/a?b=c",
      "both",
      host,
    ]);
  });

  test("may have a host and a target of their own", async () => {
    const answer = await get("/apart/a");
    expect((JSON.parse(answer.body) as Echo).url).toBe("/apart/a");
    const copy = await eventually("a mirrored request", async () =>
      shadowed.find(({ url }) => url === "/copy?of=/apart/a"),
    );
    expect(copy.headers["host"]).toBe("copies.test");
  });

  test("are left out for a body beyond the bound, which the endpoint gets whole", async () => {
    const body = "x".repeat(300_000);
    const answer = await ask({ port, host, path: "/mirror/large", method: "POST", body });
    expect((JSON.parse(answer.body) as Echo).body.length).toBe(300_000);
    await get("/mirror/after");
    await eventually("a mirrored GET", async () => shadowed.find(({ url }) => url === "/mirror/after"));
    expect(shadowed.some(({ url }) => url === "/mirror/large")).toBe(false);
  });

  test("get their share of the requests", async () => {
    await get("/half");
    await get("/mirror/end");
    await eventually("a mirrored GET", async () => shadowed.find(({ url }) => url === "/mirror/end"));
    expect(shadowed.some(({ url }) => url.startsWith("/half"))).toBe(false);
  });
});
