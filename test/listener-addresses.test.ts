// Listeners of one port at addresses of their own, through `isthmus serve`, and as a haproxy.cfg beside the real HAProxy.
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, httpDefaults, startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { runIsthmus, startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

/** Linux has all of 127.0.0.0/8; elsewhere there may be 127.0.0.1 alone. */
const isMissing = !(await hasAddress("127.0.0.2"));

function hasAddress(host: string): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen({ host, port: 0 }, () => server.close(() => done(true)));
  });
}

describe.skipIf(isMissing)("frontends of one port at addresses of their own", () => {
  let running: BesideHaproxy<"port">;

  beforeAll(async () => {
    const answering = (name: string, bind: string): string => `
frontend ${name}
  bind ${bind}
  http-request return status 200 content-type text/plain string "${name}"
`;
    running = await startBesideHaproxy({
      ports: ["port"],
      config: ({ port }) =>
        httpDefaults +
        answering("one", `127.0.0.1:${port}`) +
        answering("two", `127.0.0.2:${port}`) +
        answering("rest", `:${port}`),
    });
  });

  afterAll(() => running.stop());

  const answersOf = (port: number): Promise<string[]> =>
    Promise.all(addresses.map(async (address) => (await ask({ address, port, host: "a.test" })).body));

  test("the frontend of the address answers, where there is none the one of every address", async () => {
    expect(await answersOf(running.ours.port)).toEqual(["one", "two", "rest"]);
  });

  test.skipIf(haproxyMissing())("as HAProxy has it", async () => {
    expect(await answersOf(running.theirs.port)).toEqual(["one", "two", "rest"]);
  });
});

describe.skipIf(isMissing)("TLS and hosts at addresses of their own", () => {
  let system: System;
  let port: number;
  const answer = (name: string): string =>
    `{ name: ${name}, listeners: [${name}], rules: [{ filters: [{ type: DirectResponse, directResponse: { body: { inline: ${name} } } }] }] }`;

  beforeAll(async () => {
    [port] = (await freePorts(1)) as [number];
    const names = ["own", "all", "shop"];
    const config = `
listeners:
  - { name: own, protocol: HTTPS, port: ${port}, addresses: [127.0.0.1], hostnames: [a.test] }
  - { name: all, protocol: HTTPS, port: ${port} }
  - { name: shop, protocol: HTTPS, port: ${port}, hostnames: [a.test] }
routes:
  - ${names.map(answer).join("\n  - ")}
`;
    system = await startSystem(config, ["--processes", "2", "--dev-tls"], { tunnel: false });
  });

  afterAll(() => system.stop());

  test.each([
    ["127.0.0.1", "a.test", "own"],
    ["127.0.0.1", "b.test", "all"],
    ["127.0.0.2", "a.test", "shop"],
    ["127.0.0.2", "b.test", "all"],
  ])("at %s %s is for listener %s, and explain says so", async (address, host, listener) => {
    expect(await ask({ address, port, host, tls: {} })).toMatchObject({ status: 200, body: listener });
    const url = `https://${host}:${port}/`;
    const { stdout } = await system.run("explain", "GET", url, "--address", address, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ listener });
  });

  test("--host has no place for two that differ by address alone", async () => {
    const file = await system.file(
      "two.yaml",
      `
listeners:
  - { name: one, protocol: HTTP, port: ${port}, addresses: [127.0.0.1] }
  - { name: two, protocol: HTTP, port: ${port}, addresses: [127.0.0.2] }
routes: [${["one", "two"].map(answer).join(", ")}]
`,
    );
    const { code, stderr } = await runIsthmus([
      "serve",
      "-f",
      file,
      "--host",
      "127.0.0.2",
      "--data",
      `${file}.data`,
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("nothing is left of it for listener one");
  });
});
