// Policies of rules and backends, through the gateway as `isthmus serve` runs it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

const host = "example.com";
const names = ["a", "b", "c"] as const;
let servers: Record<(typeof names)[number] | "slow" | "sick", EchoServer>;
/** Requests that have been received, by `x-id`. */
const received = new Map<string, number>();
let waiting: (() => void)[] = [];
let system: System;
let port: number;

const endpoint = (port: number): string => `{ address: 127.0.0.1, port: ${port} }`;

function config(weight = 1, extra = ""): string {
  const { a, b, c, slow, sick } = servers;
  const three = [a, b, c].map(({ port }) => endpoint(port)).join(", ");
  return `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: policies
    rules:
      - name: retried
        matches: [{ path: { value: /retry } }]
        retry: { attempts: 3, codes: [503], backoff: 1ms, perRetry: { timeout: 2s } }
        backendRefs: [{ name: half }]
      - name: once
        matches: [{ path: { value: /once } }]
        backendRefs: [{ name: half }]
      - name: budget
        matches: [{ path: { value: /budget } }]
        retry: { attempts: 3, codes: [503], backoff: 1ms }
        backendRefs: [{ name: no-budget }]
      - name: breaker
        matches: [{ path: { value: /breaker } }]
        backendRefs: [{ name: narrow }]
      - name: canary
        matches: [{ path: { value: /canary } }]
        stickySplit: { type: Header, header: { name: x-client } }
        backendRefs: [{ name: stable, weight: ${100 - weight} }, { name: canary, weight: ${weight} }]
      - name: pinned
        matches: [{ path: { value: /canary }, cookies: [{ name: version, value: canary }] }]
        backendRefs: [{ name: canary }]
      - name: given
        matches: [{ path: { value: /given } }]
        stickySplit: { type: Cookie, cookie: { name: group, ttl: 1h } }
        backendRefs: [{ name: stable, weight: 50 }, { name: canary, weight: 50 }]
      - name: session
        matches: [{ path: { value: /session } }]
        sessionPersistence: { sessionName: stay, idleTimeout: 1h }
        backendRefs: [{ name: three }]
      - name: indirect-session
        matches: [{ path: { value: /indirect-session } }]
        sessionPersistence: { sessionName: stay, cookieConfig: { indirect: true, noCache: true } }
        backendRefs: [{ name: three }]
      - name: header-session
        matches: [{ path: { value: /header-session } }]
        sessionPersistence: { sessionName: x-stay, type: Header }
        backendRefs: [{ name: three }]
      - name: hash
        matches: [{ path: { value: /hash } }]
        backendRefs: [{ name: hashed }]
      - name: watched
        matches: [{ path: { value: /watched } }]
        backendRefs: [{ name: watched }]
      - name: latency
        matches: [{ path: { value: /latency } }]
        backendRefs: [{ name: latency }]
      - name: deadline
        matches: [{ path: { value: /deadline } }]
        timeouts: { request: 5s }
        backendRefs: [{ name: stable }]
backends:
  - name: half
    endpoints: [${endpoint(a.port)}, ${endpoint(sick.port)}]
    retryConstraint: { minRetryRate: { count: 1000 } }
  - name: no-budget
    endpoints: [${endpoint(a.port)}, ${endpoint(sick.port)}]
    retryConstraint: { budget: { percent: 0 }, minRetryRate: { count: 0 } }
  - { name: narrow, endpoints: [${endpoint(slow.port)}], circuitBreaker: { maxParallelRequests: 2 } }
  - { name: stable, endpoints: [${endpoint(a.port)}] }
  - { name: canary, endpoints: [${endpoint(b.port)}] }
  - { name: three, endpoints: [${three}] }
  - name: hashed
    endpoints: [${three}]
    loadBalancer: { type: ConsistentHash, consistentHash: { type: Header, header: { name: x-user } } }
  - name: watched
    endpoints: [${endpoint(a.port)}, ${endpoint(sick.port)}]
    healthCheck: { passive: { consecutiveGatewayErrors: 3 } }
  - name: latency
    endpoints: [${three}, ${endpoint(slow.port)}]
    healthCheck: { passive: { interval: 500ms, latency: { requestVolume: 5 } } }
${extra}`;
}

async function startServers(): Promise<void> {
  const note = (id: string | string[] | undefined): void => {
    if (typeof id === "string") received.set(id, (received.get(id) ?? 0) + 1);
  };
  const start = (name: string): Promise<EchoServer> =>
    startEchoServer(name, (request) => {
      note(request.headers["x-id"]);
      return false;
    });
  const [a, b, c] = await Promise.all(names.map(start));
  const slow = await startEchoServer("slow", (request, response) => {
    if (request.url?.startsWith("/latency")) {
      setTimeout(() => response.setHeader("x-served-by", "slow").end(), 150);
    } else waiting.push(() => response.end("done"));
    return true;
  });
  const sick = await startEchoServer("sick", (request, response) => {
    note(request.headers["x-id"]);
    if (request.headers["x-break"]) request.socket.destroy();
    else response.writeHead(503, { "x-served-by": "sick" }).end();
    return true;
  });
  servers = { a: a!, b: b!, c: c!, slow, sick };
}

beforeAll(async () => {
  await startServers();
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(config());
});

afterAll(async () => {
  await system?.stop();
  await Promise.all(Object.values(servers).map((server) => server.stop()));
});

const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> =>
  ask({ port, host, path, headers, method });
const served = (answer: Answer): unknown => answer.headers["x-served-by"];

async function publish(text: string, path: string, probe: (answer: Answer) => boolean): Promise<void> {
  const applied = await system.run("apply", "-f", await system.file("next.yaml", text));
  expect(applied.stderr + applied.stdout, "apply").not.toContain("error");
  await eventually("the new configuration", async () => probe(await get(path)));
}

describe("retries", () => {
  test("a status that the policy names is tried again elsewhere", async () => {
    for (let n = 0; n < 20; n += 1) expect(served(await get("/retry"))).toBe("a");
  });

  test("a PUT is sent again with its whole body", async () => {
    for (let n = 0; n < 4; n += 1) {
      const answer = await ask({ port, host, path: "/retry", method: "PUT", body: "x".repeat(10_000) });
      expect([answer.status, (JSON.parse(answer.body) as { body: string }).body.length]).toEqual([
        200, 10_000,
      ]);
    }
  });

  test("a POST is never sent twice, whatever happened to it", async () => {
    const statuses = new Set<number>();
    for (let n = 0; n < 40; n += 1) {
      const headers: Record<string, string> = { "x-id": `post-${n}` };
      if (n % 3 === 0) headers["x-break"] = "yes";
      const path = n < 20 ? "/retry" : "/once";
      statuses.add((await ask({ port, host, path, method: "POST", headers, body: "once" })).status);
    }
    for (let n = 0; n < 40; n += 1) expect(received.get(`post-${n}`)).toBe(1);
    expect([...statuses].sort()).toEqual([200, 502, 503]);
  });

  test("without a policy statuses pass, with an exhausted budget, too", async () => {
    for (const path of ["/once", "/budget"]) {
      const seen = new Set([served(await get(path)), served(await get(path))]);
      expect(seen).toEqual(new Set(["a", "sick"]));
    }
  });

  test("the endpoint is told how long the answer is waited for", async () => {
    const echo = JSON.parse((await get("/deadline")).body) as { headers: Record<string, string> };
    const leftMs = Number(echo.headers["x-envoy-expected-rq-timeout-ms"]);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(5_000);
  });
});

test("a circuit breaker answers what is too much, and only that", async () => {
  const first = [get("/breaker"), get("/breaker")];
  await eventually("two requests at the endpoint", async () => waiting.length === 2);
  const refused = await get("/breaker");
  expect([refused.status, refused.headers["isthmus-error"]]).toEqual([503, "circuit_open"]);
  for (const finish of waiting) finish();
  waiting = [];
  expect((await Promise.all(first)).map(({ body }) => body)).toEqual(["done", "done"]);
  const next = get("/breaker");
  await eventually("another request at the endpoint", async () => waiting.length === 1);
  waiting[0]!();
  waiting = [];
  expect((await next).status).toBe(200);
});

describe("sticky split", () => {
  const clients = Array.from({ length: 1_000 }, (_, index) => `client-${index}`);
  async function onCanary(): Promise<Set<string>> {
    const canary = new Set<string>();
    for (let start = 0; start < clients.length; start += 50) {
      await Promise.all(
        clients.slice(start, start + 50).map(async (client) => {
          if (served(await get("/canary", { "x-client": client })) === "b") canary.add(client);
        }),
      );
    }
    return canary;
  }

  test("from 1 to 100 % nobody who is on the canary leaves it", async () => {
    let before = await onCanary();
    expect(before.size).toBeLessThan(40);
    for (const weight of [5, 20, 50, 90, 100]) {
      const marker = `  - { name: marker-${weight}, endpoints: [${endpoint(servers.a.port)}] }`;
      const route = `      - { name: m, matches: [{ path: { value: /marker-${weight} } }], backendRefs: [{ name: marker-${weight} }] }\nbackends:`;
      const text = config(weight, marker).replace("backends:", route);
      await publish(text, `/marker-${weight}`, ({ status }) => status === 200);
      const now = await onCanary();
      expect([...before].filter((client) => !now.has(client))).toEqual([]);
      expect(Math.abs(now.size / 10 - weight)).toBeLessThan(6);
      before = now;
    }
    expect(before.size).toBe(1_000);
  }, 120_000);

  test("a tester is pinned by a cookie", async () => {
    for (let n = 0; n < 5; n += 1) {
      expect(served(await get("/canary", { "x-client": `t${n}`, cookie: "version=canary" }))).toBe("b");
    }
  });

  test("the gateway gives a cookie to clients without one, and it binds", async () => {
    const first = await get("/given");
    const [cookie] = first.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^group=[0-9a-f-]{36}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    for (let n = 0; n < 10; n += 1) {
      const again = await get("/given", { cookie: cookie!.split(";")[0]! });
      expect(served(again)).toBe(served(first));
      expect(again.headers["set-cookie"]).toBeUndefined();
    }
  });
});

describe("session persistence", () => {
  test("a cookie binds a client to its endpoint, also after the configuration has changed", async () => {
    const first = await get("/session");
    const cookie = first.headers["set-cookie"]?.[0]?.split(";")[0];
    expect(cookie).toMatch(/^stay=[\w-]{55}$/);
    expect(first.headers["set-cookie"]?.[0]).toContain("Path=/session");
    const stays = async (): Promise<void> => {
      for (let n = 0; n < 6; n += 1) {
        const again = await get("/session", { cookie: cookie! });
        expect(served(again)).toBe(served(first));
        expect(again.headers["set-cookie"]).toBeUndefined();
      }
    };
    await stays();
    const text = config(100).replace(
      "backends:",
      "      - { name: m, matches: [{ path: { value: /changed } }], backendRefs: [{ name: stable }] }\nbackends:",
    );
    await publish(text, "/changed", ({ status }) => status === 200);
    await stays();
  });

  test("the endpoint need not see the cookie, and no cache keeps it", async () => {
    const first = await get("/indirect-session");
    const cookie = first.headers["set-cookie"]?.[0]?.split(";")[0];
    expect(first.headers["cache-control"]).toBe("private");
    const seen = async (cookies: string): Promise<unknown> => {
      const answer = await get("/indirect-session", { cookie: cookies });
      expect(served(answer)).toBe(served(first));
      expect(answer.headers["cache-control"]).toBeUndefined();
      return (JSON.parse(answer.body) as Echo).headers["cookie"];
    };
    expect(await seen(`a=1; ${cookie}; b=2`)).toBe("a=1; b=2");
    expect(await seen(cookie!)).toBeUndefined();
  });

  test("a header does, too; a forged one does not", async () => {
    const first = await get("/header-session");
    const token = String(first.headers["x-stay"]);
    for (let n = 0; n < 6; n += 1) {
      expect(served(await get("/header-session", { "x-stay": token }))).toBe(served(first));
    }
    const forged = token.replace(/^..../, "AAAA");
    const seen = new Set<unknown>();
    for (let n = 0; n < 6; n += 1) seen.add(served(await get("/header-session", { "x-stay": forged })));
    expect(seen.size).toBe(3);
  });
});

test("consistent hashing binds what the policy names", async () => {
  const seen = new Set<unknown>();
  for (let user = 0; user < 20; user += 1) {
    const first = served(await get("/hash", { "x-user": `u${user}` }));
    seen.add(first);
    expect(served(await get("/hash", { "x-user": `u${user}` }))).toBe(first);
  }
  expect(seen).toEqual(new Set(["a", "b", "c"]));
});

describe("outlier detection", () => {
  test("an endpoint that fails is ejected, and the status says why", async () => {
    const seen: unknown[] = [];
    for (let n = 0; n < 40; n += 1) seen.push(served(await get("/watched")));
    expect(seen.filter((name) => name === "sick")).toHaveLength(3);
    const key = `watched|127.0.0.1:${servers.sick.port}`;
    await eventually("the ejection in the status", async () => {
      await get("/watched");
      const { stdout } = await system.run("status", "--json");
      return stdout.includes(key) && stdout.includes("ejected: 3 consecutive gateway errors");
    });
  });

  test("so is one that is slow against the others", async () => {
    await eventually("no more answers of the slow endpoint", async () => {
      const seen = await Promise.all(Array.from({ length: 40 }, () => get("/latency")));
      return !seen.some((answer) => served(answer) === "slow");
    });
  });
});
