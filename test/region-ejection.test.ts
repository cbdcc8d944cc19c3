// Two gateway processes and their region: passive health of one endpoint.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

let good: EchoServer;
let sick: EchoServer;
let system: System;
let port: number;
/** Requests that the sick endpoint has received. */
let reached = 0;

beforeAll(async () => {
  good = await startEchoServer("good");
  sick = await startEchoServer("sick", (_request, response) => {
    reached += 1;
    response.writeHead(503).end();
    return true;
  });
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pair }] }] }]
backends:
  - name: pair
    endpoints: [{ address: 127.0.0.1, port: ${good.port} }, { address: 127.0.0.1, port: ${sick.port} }]
    healthCheck: { passive: { consecutiveGatewayErrors: 4, baseEjectionTime: 10m, maxEjectionTime: 10m } }
`,
    ["--processes", "2"],
  );
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([good.stop(), sick.stop()]);
});

test("with two processes the endpoint is out in both, and once in the region", async () => {
  const get = async (): Promise<number> => (await ask({ port, host: "example.com" })).status;
  // Each process ejects for itself after four failures, or sooner because the other has.
  await eventually("no request reaches the endpoint any more", async () => {
    const before = reached;
    const statuses = await Promise.all(Array.from({ length: 60 }, get));
    return reached === before && statuses.every((status) => status === 200);
  });
  // Requests that were under way to both processes when the first one ejected are the only ones beyond four for each.
  expect(reached).toBeLessThan(60);
  await eventually("the ejection in the status, once", async () => {
    await get();
    const { stdout } = await system.run("status", "--json");
    return stdout.split("ejected: 4 consecutive gateway errors").length === 2;
  });
});
