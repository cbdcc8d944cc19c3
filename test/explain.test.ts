// `isthmus explain` against what the running gateway does: for every request the rule, backend and redirect it names are
// those that answer.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { runIsthmus, startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let one: EchoServer;
let two: EchoServer;
let system: System;
let port: number;
let tcpPort: number;
let file: string;

interface Explained {
  refusal?: string;
  rule?: string;
  filters: { type: string; effect: string; answers: boolean }[];
  backends: {
    backend: string;
    share: number;
    endpoints: { endpoint: string; share: number; picked: boolean }[];
  }[];
}

beforeAll(async () => {
  one = await startEchoServer("one");
  two = await startEchoServer("two");
  [port, tcpPort] = (await freePorts(2)) as [number, number];
  const config = `
listeners: [{ name: web, protocol: HTTP, port: ${port} }, { name: db, protocol: TCP, port: ${tcpPort} }]
tcpRoutes:
  - name: db
    listeners: [db]
    securityPolicy: { clientCIDRs: { deny: [192.0.2.0/24] } }
    rules: [{ backendRefs: [{ name: db }] }]
routes:
  - name: api
    hostnames: [api.example.com]
    rules:
      - matches: [{ path: { type: PathPrefix, value: /orders }, method: GET }]
        backendRefs: [{ name: two }]
      - matches: [{ headers: [{ name: x-tester, value: "yes" }] }]
        backendRefs: [{ name: two }]
      - matches: [{ path: { type: PathPrefix, value: /old } }]
        filters:
          - type: RequestRedirect
            requestRedirect: { statusCode: 301, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } }
      - backendRefs: [{ name: one }]
backends:
  - { name: one, endpoints: [{ address: 127.0.0.1, port: ${one.port} }] }
  - { name: two, endpoints: [{ address: 127.0.0.1, port: ${two.port} }] }
  - { name: db, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${two.port} }] }
`;
  system = await startSystem(config);
  file = await system.file("explained.yaml", config);
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([one.stop(), two.stop()]);
});

async function explain(method: string, host: string, path: string, headers: string[], ...more: string[]) {
  const flags = headers.flatMap((header) => ["-H", header]);
  const url = `http://${host}:${port}${path}`;
  const result = await runIsthmus(["explain", method, url, ...flags, "--json", ...more]);
  expect(result.stderr).toBe("");
  return JSON.parse(result.stdout) as Explained;
}

test.each([
  ["GET", "api.example.com", "/orders/7?x=1", []],
  ["POST", "api.example.com", "/orders", []],
  ["POST", "api.example.com", "/orders", ["x-tester: yes"]],
  ["GET", "API.example.com", "/old/a?b=c", []],
  ["GET", "api.example.com", "/%2e%2e/orders", []],
  ["GET", "nobody.example.com", "/", []],
])("%s %s%s %j: as the gateway answers", async (method, host, path, headers) => {
  const explained = await explain(method, host, path, headers, "--data", system.dataDirectory);
  const sent = Object.fromEntries(headers.map((header) => header.split(": ") as [string, string]));
  const answer = await ask({ port, host: `${host}:${port}`, path, method, headers: sent });
  const [first] = explained.filters;
  if (explained.refusal)
    expect(explained.refusal).toMatch(new RegExp(`^${String(answer.headers["isthmus-error"])}`));
  else if (first?.answers) expect(first.effect).toBe(`${answer.status} to ${answer.headers.location}`);
  else expect(explained.backends[0]?.backend).toBe(answer.headers["x-served-by"]);
  const fromFile = await explain(method, host, path, headers, "-f", file);
  expect(fromFile.rule).toBe(explained.rule);
});

test("the text names the rule, the endpoint, and why no other candidate", async () => {
  const { stdout } = await runIsthmus([
    "explain",
    "GET",
    `http://api.example.com:${port}/orders`,
    "-f",
    file,
  ]);
  expect(stdout).toMatch(/rule\s+api\/0/);
  expect(stdout).toContain(`127.0.0.1:${two.port}`);
  expect(stdout).toContain("this request");
  expect(stdout).toMatch(/api\/1 match 0 .*x-tester should be Exact "yes", is absent/);
  expect(stdout).toMatch(/api\/3 match 0 .*another one goes first/);
});

test("a connection: the endpoint that answers, and who is turned away", async () => {
  const explained = await system.run("explain", `tcp://db.example.com:${tcpPort}`);
  expect(explained.stdout).toMatch(/rule\s+db\/0/);
  expect(explained.stdout).toMatch(new RegExp(`127\\.0\\.0\\.1:${two.port}\\s+100 %\\s+this connection`));
  // The endpoint happens to speak HTTP.
  expect((await ask({ port: tcpPort, host: "db.example.com" })).headers["x-served-by"]).toBe("two");
  const target = `tcp://db.example.com:${tcpPort}`;
  const denied = await system.run("explain", target, "--client-ip", "192.0.2.7");
  expect(denied.stdout).toMatch(/refused\s+forbidden/);
});

test("an administered endpoint is told with its reason, by the running system", async () => {
  await system.run("endpoint", "set", "one", `127.0.0.1:${one.port}`, "--state", "maint");
  const { stdout } = await system.run("explain", "GET", `http://api.example.com:${port}/x`);
  expect(stdout).toMatch(/0 %\s+maintenance/);
});

test("what is no request is refused with what is expected", async () => {
  expect((await runIsthmus(["explain", "GET", "shop/orders", "-f", file])).stderr).toContain(
    "expected a URL",
  );
  expect((await runIsthmus(["explain", "tcp://db.example.com", "-f", file])).stderr).toContain(
    "a connection such as tcp://",
  );
  expect((await runIsthmus(["explain", "GET", "http://a/", "-H", "nonsense", "-f", file])).code).toBe(2);
});

test("the running gateway says what it decided, to whoever holds a debug token", async () => {
  const token = (await runIsthmus(["debug-token", "--data", system.dataDirectory])).stdout.trim();
  const headers = { "isthmus-debug": token };
  const answer = await ask({ port, host: "api.example.com", path: "/orders", headers });
  expect(answer.headers["isthmus-decision"]).toContain(
    `rule="api/0", backend="two", endpoint="127.0.0.1:${two.port}"`,
  );
  expect(answer.body).not.toContain(token);
});
