// Bodies pass whole under every combination of policies that look at them: each alone had been tested, and two of them at
// once held every response beyond 64 KiB for ever.
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

const host = "a.test";
const largeBytes = 300_000;

const concurrency = "rateLimit: { concurrency: { rules: [{ name: wide, maxParallelRequests: 10000 }] } }";
const ruleFields: Record<string, string> = {
  none: "",
  concurrency,
  timeout: "timeouts: { request: 20s }",
  idle: "timeouts: { streamIdle: 20s }",
  timeouts: "timeouts: { request: 20s, streamIdle: 20s }",
  retry: "retry: { attempts: 2, codes: [503], perRetry: { timeout: 10s } }",
  page: "filters: [{ type: ResponseOverride, responseOverride: [{ match: { statusCodes: [{ type: Value, value: 404 }] }, response: { body: { inline: gone } } }] }]",
  header:
    "filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-a, value: b }] } }]",
  mirror: "filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: plain } } }]",
  size: "securityPolicy: { requestLimits: { bodyBytes: 1000000 } }",
  many: `${concurrency}, timeouts: { request: 20s, streamIdle: 20s }, securityPolicy: { requestLimits: { bodyBytes: 1000000 } }, filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: plain } } }]`,
};
const backendFields: Record<string, string> = {
  plain: "",
  least: "loadBalancer: { type: LeastRequest }",
  breaker: "circuitBreaker: { maxParallelRequests: 10000 }",
  shedding: "loadShedding: { capacity: 10000 }",
  hedging: "hedging: { delay: 5s }",
  all: "loadBalancer: { type: LeastRequest }, circuitBreaker: { maxParallelRequests: 10000 }, loadShedding: { capacity: 10000 }",
};

let origin: EchoServer;
let system: System;
let port: number;

beforeAll(async () => {
  origin = await startEchoServer("origin", (request, response) => {
    if (request.method !== "GET") return false;
    // Without a length, so in chunks.
    response.setHeader("x-served-by", "origin");
    for (let sent = 0; sent < largeBytes; sent += 10_000) response.write("y".repeat(10_000));
    response.end();
    return true;
  });
  [port] = (await freePorts(1)) as [number];
  const routes = Object.keys(backendFields).map(
    (backend) => `
  - name: ${backend}
    rules:
${Object.entries(ruleFields)
  .map(
    ([rule, fields]) =>
      `      - { matches: [{ path: { value: /${rule}-${backend} } }], backendRefs: [{ name: ${backend} }]${fields === "" ? "" : `, ${fields}`} }`,
  )
  .join("\n")}`,
  );
  const endpoints = `endpoints: [{ address: 127.0.0.1, port: ${origin.port} }]`;
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${port}, timeouts: { requestReceived: 20s } }]
routes:${routes.join("")}
backends:
${Object.entries(backendFields)
  .map(([name, fields]) => `  - { name: ${name}, ${endpoints}${fields === "" ? "" : `, ${fields}`} }`)
  .join("\n")}
`,
    ["--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await origin?.stop();
});

/** Status and length of the answer's body; `body`: sent with its length, or in chunks. */
function bytesOf(path: string, body?: { bytes: number; chunked: boolean }): Promise<[number, number]> {
  return new Promise((done, fail) => {
    const headers: Record<string, string | number> = { host };
    if (body && !body.chunked) headers["content-length"] = body.bytes;
    const outgoing = httpRequest(
      { host: "127.0.0.1", port, path, method: body ? "POST" : "GET", headers, agent: false },
      (incoming) => {
        let bytes = 0;
        incoming.on("data", (chunk: Buffer) => (bytes += chunk.length));
        incoming.once("end", () => done([incoming.statusCode ?? 0, bytes]));
        incoming.once("error", fail);
      },
    );
    outgoing.once("error", fail);
    if (!body) return void outgoing.end();
    outgoing.write("x".repeat(body.bytes / 2));
    outgoing.end("x".repeat(body.bytes / 2));
  });
}

describe.each(Object.keys(backendFields))("backend: %s", (backend) => {
  test.each(Object.keys(ruleFields))("rule: %s", async (rule) => {
    const path = `/${rule}-${backend}`;
    expect(await bytesOf(path)).toEqual([200, largeBytes]);
    for (const bytes of [100, largeBytes]) {
      for (const chunked of [false, true]) {
        const [status, echoed] = await bytesOf(path, { bytes, chunked });
        expect(status).toBe(200);
        expect(echoed).toBeGreaterThan(bytes);
      }
    }
  });
});
