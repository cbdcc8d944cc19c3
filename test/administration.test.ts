// Runtime administration and observation of a running system, as an operator does it: state and weight from the command
// line, statistics, metrics.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPrometheus } from "#contract/prometheus-reader.fixture.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import {
  haproxyExporterMissing,
  haproxyMissing,
  startHaproxy,
  startHaproxyExporter,
} from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program, startProgram } from "./system/process.ts";

let one: EchoServer;
let two: EchoServer;
let system: System;
let port: number;
let restarted: Program | undefined;

const config = (): string => `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: shop, rules: [{ backendRefs: [{ name: orders }] }] }]
backends:
  - name: orders
    endpoints: [{ address: 127.0.0.1, port: ${one.port} }, { address: 127.0.0.1, port: ${two.port} }]
`;

beforeAll(async () => {
  one = await startEchoServer("one");
  two = await startEchoServer("two");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(config());
});

afterAll(async () => {
  await restarted?.stop();
  await system?.stop();
  await Promise.all([one.stop(), two.stop()]);
});

/** Who served each of `count` requests. */
async function servedBy(count: number): Promise<Set<unknown>> {
  const served = new Set<unknown>();
  for (let index = 0; index < count; index += 1) {
    served.add((await ask({ port, host: "shop.example.com" })).headers["x-served-by"]);
  }
  return served;
}

async function set(endpointPort: number, ...flags: string[]): Promise<void> {
  const result = await system.run("endpoint", "set", "orders", `127.0.0.1:${endpointPort}`, ...flags);
  expect(result.stderr).toBe("");
  expect(result.code).toBe(0);
}

/** Requests until both isolates know, then none may go astray. */
async function servedOnlyBy(...names: string[]): Promise<void> {
  await eventually(
    `requests are served by ${names.join(" and ")} alone`,
    async () => [...(await servedBy(20))].toSorted().join() === names.join(),
  );
  expect(await servedBy(20)).toEqual(new Set(names));
}

describe("endpoint set", () => {
  test("maintenance, drain and weight 0 keep requests away within heartbeats; ready brings them back", async () => {
    await servedOnlyBy("one", "two");
    await set(two.port, "--state", "maint", "--reason", "new kernel");
    await servedOnlyBy("one");
    await set(two.port, "--state", "ready");
    await servedOnlyBy("one", "two");
    await set(one.port, "--state", "drain");
    await servedOnlyBy("two");
    await set(one.port, "--state", "ready", "--weight", "0");
    await servedOnlyBy("two");
    await set(one.port, "--weight", "configured");
    await servedOnlyBy("one", "two");
  });

  test("who and why are in the list and in the audit log", async () => {
    await set(two.port, "--state", "drain", "--weight", "7", "--reason", "disk is full");
    const list = JSON.parse((await system.run("endpoint", "list", "--json")).stdout) as unknown[];
    expect(list).toMatchObject([
      { backend: "orders", state: "ready", weight: 1 },
      { backend: "orders", state: "drain", weight: 7, administered: { reason: "disk is full" } },
    ]);
    expect((await system.run("endpoint", "list")).stdout).toMatch(/drain\s+7 \(configured: 1\)/);
    expect((await system.run("audit")).stdout).toMatch(
      /endpoint\.administer.*state drain, weight 7 disk is full/,
    );
  });

  test("it is kept across a publish and a restart", async () => {
    await servedOnlyBy("one");
    const changed = await system.file("isthmus.yaml", config().replace("name: shop", "name: shop2"));
    expect((await system.run("apply", "-f", changed)).code).toBe(0);
    await servedOnlyBy("one");
    await system.program.stop();
    restarted = startProgram(system.program.child.spawnargs.slice(1));
    await restarted.printed(/^ready$/m, 60_000);
    expect(await servedBy(20)).toEqual(new Set(["one"]));
    await set(two.port, "--state", "ready", "--weight", "configured");
  });

  test("what does not exist is refused with what does", async () => {
    const wrong = await system.run("endpoint", "set", "orders", "10.0.0.1:1", "--state", "drain");
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toContain(`127.0.0.1:${one.port}`);
    expect((await system.run("endpoint", "set", "orders", "10.0.0.1:1", "--state", "off")).code).toBe(2);
  });
});

describe("observation", () => {
  let basic: string;

  beforeAll(async () => {
    const created = await system.run("token", "create", "exporter", "--role", "reader");
    basic = `Basic ${Buffer.from(`exporter:${created.stdout.trim()}`).toString("base64")}`;
    await servedOnlyBy("one", "two");
  });

  const observe = async (path: string): Promise<string> => {
    const authorization = basic;
    const answer = await ask({ port: system.controlPort, host: "control", path, headers: { authorization } });
    expect(answer.status).toBe(200);
    return answer.body;
  };

  test("metrics are valid and count what was asked", async () => {
    const marked = await ask({ port, host: "nobody.example.com", path: "/" });
    expect(marked.status).toBe(200);
    const total = async (name: string, label: string): Promise<number> => {
      const samples =
        readPrometheus(await observe("/metrics")).get(name)?.samples ?? new Map<string, number>();
      return [...samples].filter(([key]) => key.includes(label)).reduce((sum, [, value]) => sum + value, 0);
    };
    await eventually("both endpoints, the listener and the histograms are counted", async () => {
      // Isolates report while there are requests.
      await ask({ port, host: "shop.example.com" });
      const [first, second, listener, histogram] = await Promise.all([
        total("isthmus_endpoint_requests_total", `127.0.0.1:${one.port}`),
        total("isthmus_endpoint_requests_total", `127.0.0.1:${two.port}`),
        total("isthmus_listener_requests_total", 'listener="web"'),
        total("isthmus_request_duration_seconds", 'le="+Inf"'),
      ]);
      return first > 10 && second > 10 && listener >= 40 && histogram >= 40;
    });
  });

  test("stat, the page and the CSV tell the same endpoints", async () => {
    const stat = await system.run("stat");
    const [page, csv] = [await observe("/stats"), await observe("/stats;csv")];
    for (const text of [stat.stdout, page, csv]) {
      expect(text).toContain(`127.0.0.1:${one.port}`);
      expect(text).toContain("orders");
    }
    expect(csv).toMatch(/^web,FRONTEND,/m);
    expect(csv).toMatch(/^orders,BACKEND,/m);
  });

  test("an exporter for HAProxy reads the CSV", async ({ skip }) => {
    const missing = haproxyExporterMissing();
    if (missing) skip(missing);
    const [exporterPort] = (await freePorts(1)) as [number];
    const credentials = Buffer.from(basic.slice("Basic ".length), "base64").toString();
    const scrapeUri = `http://${credentials}@127.0.0.1:${system.controlPort}/stats;csv`;
    const exporter = startHaproxyExporter(scrapeUri, exporterPort);
    try {
      await ask({ port, host: "shop.example.com" });
      const value = async (name: string, label: string): Promise<number> => {
        const { body } = await ask({ port: exporterPort, host: "localhost", path: "/metrics" });
        const line = body.split("\n").find((one) => one.startsWith(name) && one.includes(label));
        return Number(line?.split(" ").at(-1));
      };
      await eventually(
        "the request is counted",
        async () => (await value("haproxy_frontend_http_requests_total", "web")) > 0,
      );
      expect(await value("haproxy_up", "")).toBe(1);
      expect(await value("haproxy_server_up", `127.0.0.1:${one.port}`)).toBe(1);
      expect(await value("haproxy_exporter_csv_parse_failures_total", "")).toBe(0);
    } finally {
      await exporter.stop();
    }
  });

  test("the CSV has the columns of the real HAProxy", async ({ skip }) => {
    const missing = haproxyMissing();
    if (missing) skip(missing);
    const [statsPort] = (await freePorts(1)) as [number];
    const haproxy = await startHaproxy(`
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
listen stats
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri /stats
`);
    try {
      const heading = await eventually("HAProxy answers", async () => {
        const answer = await ask({ port: statsPort, host: "localhost", path: "/stats;csv" });
        return answer.body.split("\n")[0];
      });
      const [ours] = (await observe("/stats;csv")).split("\n");
      expect(ours).toContain("pxname,svname");
      // Its optional modules, such as that of TLS, begin after the column "-".
      expect(heading.split("-,")[0]).toBe(ours);
    } finally {
      await haproxy.stop();
    }
  });
});
