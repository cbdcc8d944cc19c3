// Gateway processes to which clients talk directly are replaced under load, and no request fails for it: neither on a
// connection that is kept, nor on a new one. `npm run soak -- plain-replacements` does so for as long as one likes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { startPlainLoad } from "./system/plain-load.ts";
import { eventually, freePorts } from "./system/process.ts";

const replacements = 3;
let origin: EchoServer;
let system: System;
let port: number;

beforeAll(async () => {
  origin = await startEchoServer("origin");
  // An endpoint that closes a connection just as it is used again is another matter.
  origin.server.keepAliveTimeout = 60_000;
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: b }] }] }]
backends: [{ name: b, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
`);
});

afterAll(async () => {
  await system?.stop();
  await origin?.stop();
});

test(`${replacements} replacements under load fail no request, on kept and on new connections`, async () => {
  const load = startPlainLoad(port);
  try {
    for (let round = 0; round < replacements; round += 1) {
      const before = load.answers();
      await eventually("load is on", async () =>
        load.answers().every((count, kind) => count > before[kind]! + 20),
      );
      expect(await system.run("reload", "--process", "gateway-1")).toMatchObject({ code: 0, stderr: "" });
      await eventually("the old process has ended", async () => ended() === round + 1);
    }
  } finally {
    expect(await load.stop()).toEqual([]);
  }
}, 300_000);

/** Gateway processes that have started and are no more. */
function ended(): number {
  const pids = [...system.program.output().matchAll(/^gateway-1 pid=(\d+) started/gm)].map(([, pid]) => pid);
  return pids.filter((pid) => {
    try {
      return !process.kill(Number(pid), 0);
    } catch {
      return true;
    }
  }).length;
}
