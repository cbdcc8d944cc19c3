// Regular expressions that are exponential in a backtracking engine, with inputs made for them, through the running gateway.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

const patterns = [
  "/(a+)+b",
  "/(a|aa)+b",
  "/(a*)*b",
  "/([a-z]+)*[0-9]",
  "/(.*)*(.*)*(.*)*x",
  "/(a?){60}a{60}b",
];

let origin: EchoServer;
let system: System;
let port: number;

beforeAll(async () => {
  origin = await startEchoServer("origin");
  [port] = (await freePorts(1)) as [number];
  const rules = patterns.map(
    (pattern) => `
      - matches: [{ path: { type: RegularExpression, value: ${JSON.stringify(pattern)} } }, { headers: [{ type: RegularExpression, name: x-text, value: ${JSON.stringify(pattern)} }] }]
        filters: [{ type: DirectResponse, directResponse: { statusCode: 200 } }]`,
  );
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes:
  - name: all
    rules:${rules.join("")}
      - backendRefs: [{ name: origin }]
backends: [{ name: origin, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
`,
    ["--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await origin?.stop();
});

test("a hostile pattern does not hold up its neighbours, whatever the input", async () => {
  const text = `/${"a".repeat(8_000)}`;
  const hostile = Array.from({ length: 40 }, (_, index) =>
    index % 2 === 0
      ? ask({ port, host: "a.test", path: text })
      : ask({ port, host: "a.test", headers: { "x-text": text } }),
  );
  // One backtracking match of the first pattern would take 2^8000 steps: none of these would be answered, ever.
  const answers = await Promise.all([...hostile, ask({ port, host: "a.test", path: "/neighbour" })]);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.at(-1)!.headers["x-served-by"]).toBe("origin");
  expect((await ask({ port, host: "a.test", path: `${text}b` })).headers["x-served-by"]).toBeUndefined();
});
