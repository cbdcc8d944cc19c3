// Files and bodies that are made to cost a running system something: whatever comes through whichever door is refused with
// its reason, and what is served stays what it is.
import { randomBytes } from "node:crypto";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "./system/http.ts";
import { runIsthmus, startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let system: System;
let port: number;
let token: string;

const config = (body: string): string => `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: a, rules: [{ filters: [{ type: DirectResponse, directResponse: { statusCode: 200, body: { inline: ${body} } } }] }] }]
`;

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(config("before"), [], { tunnel: false });
  token = (await readFile(join(system.dataDirectory, "admin-token"), "utf8")).trim();
});
afterAll(() => system?.stop());

const url = (path: string): string => `http://127.0.0.1:${system.controlPort}${path}`;
const authorization = (): { authorization: string } => ({ authorization: `Bearer ${token}` });

async function post(body: string | Uint8Array<ArrayBuffer>): Promise<[status: number, code: string]> {
  const headers = { ...authorization(), "content-type": "application/json" };
  const response = await fetch(url("/v1/versions"), { method: "POST", headers, body });
  const { code } = (await response.json()) as { code: string };
  return [response.status, code];
}

/** Asks for what only a whole answer of the control says, so that a broken one would show. */
async function expectNothingChanged(): Promise<void> {
  const response = await fetch(url("/v1/versions"), { headers: authorization() });
  const { versions } = (await response.json()) as { versions: { version: number }[] };
  expect(versions.map(({ version }) => version)).toEqual([1]);
  const { status, body } = await ask({ port, host: "a.test" });
  expect([status, body]).toEqual([200, "before"]);
}

const bomb = Array.from({ length: 12 }, (_, level) => {
  const item = level === 0 ? "x" : `*a${level - 1}`;
  return `a${level}: &a${level} [${Array(10).fill(item).join(", ")}]\n`;
}).join("");
const ones = "1, ".repeat(100_000);

/** What no reader may take for a configuration. */
const contents: Record<string, string> = {
  nothing: "",
  "a document cut off": "listeners: [{ name: web, protocol",
  "JSON cut off": `{"listeners":[{"name":"web"`,
  "a NUL": "listeners: []\0\n",
  "a byte that is not UTF-8": "listeners: [] # \uFFFD\n",
  "an alias bomb": bomb,
  "open brackets": "[".repeat(1_000_000),
  "nested maps": "{a: ".repeat(200_000),
  "twenty lists of 100,000 values": Array.from({ length: 20 }, (_, key) => `k${key}: [${ones}1]\n`).join(""),
  "a key twice": "routes: []\nroutes: []\n",
  "a version of the future":
    "apiVersion: gateway.networking.k8s.io/v9\nkind: HTTPRoute\nmetadata: { name: a }\n",
  "a haproxy.cfg with a NUL": "frontend a\n  bind :80\0\n",
  "a haproxy.cfg of one line": `frontend ${"a ".repeat(1_000_000)}`,
};

describe("the control's API", () => {
  test.each(Object.entries(contents))("a configuration that is %s", async (_name, content) => {
    const name = content.startsWith("frontend") ? "haproxy.cfg" : "isthmus.yaml";
    expect(await post(JSON.stringify({ files: [{ name, content }] }))).toEqual([422, "config_invalid"]);
  });

  test.each<[string, () => string | Uint8Array<ArrayBuffer>]>([
    ["no JSON", () => "listeners: []"],
    ["JSON cut off", () => `{"files":[{"name":"a","content":"`],
    ["JSON nested deep", () => "[".repeat(1_000_000)],
    ["random bytes", () => randomBytes(100_000)],
    ["a list", () => "[]"],
    ["no files", () => `{"files":[]}`],
    ["files that are numbers", () => `{"files":[${"1,".repeat(1_000_000)}1]}`],
  ])("a body that is %s", async (_name, body) => {
    const [status, code] = await post(body());
    expect([400, 422]).toContain(status);
    expect(code).toMatch(/^[a-z_]+$/);
  });

  test("has changed nothing by then", expectNothingChanged);
});

describe("the command line", () => {
  /** Each command that reads configurations, and how it ends where one is wrong. */
  const doors: [string, (path: string) => string[]][] = [
    ["validate", (path) => ["validate", path]],
    ["convert", (path) => ["convert", path]],
    ["diff", (path) => ["diff", join(system.directory, "isthmus.yaml"), path]],
    ["explain", (path) => ["explain", "GET", "http://a.test/", "-f", path]],
    ["apply", (path) => ["apply", "-f", path, "--data", system.dataDirectory]],
    ["serve", (path) => ["serve", "-f", path, "--data", join(system.directory, "other")]],
  ];

  test.each(doors)("%s says what is wrong with a file, and where", async (_name, args) => {
    const broken = join(system.directory, "broken.yaml");
    await writeFile(broken, bomb);
    const { code, stdout, stderr } = await runIsthmus(args(broken));
    expect(code).toBe(2);
    expect(stdout + stderr).toMatch(/broken\.yaml:\d+:\d+: error: aliases add more than/);
  });

  const others = doors.filter(([name]) => name === "apply" || name === "serve");
  test.each(others)("%s says why it cannot read one", async (name, args) => {
    const loop = join(system.directory, `${name}-loop.yaml`);
    await symlink(loop, loop);
    const { code, stderr } = await runIsthmus(args(loop));
    expect([code, stderr]).toEqual([2, expect.stringContaining("its links lead in a circle")]);
  });

  test("has changed nothing by then", expectNothingChanged);
});

test("what is right is published as if nothing had been", async () => {
  const { code } = await system.run("apply", "-f", await system.file("after.yaml", config("after")));
  expect(code).toBe(0);
  const [status] = await post(JSON.stringify({ files: [{ name: "isthmus.yaml", content: config("last") }] }));
  expect(status).toBe(200);
});
