// `ssl_fc_sni` of a haproxy.cfg in mode http, beside real HAProxy: what the client asked for in the handshake decides, whatever
// its request says as Host.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { haproxyMissing, startHaproxy, type Haproxy } from "./system/haproxy.ts";
import { runIsthmus, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";
import { accepts } from "./system/tcp.ts";
import { sendBytes } from "./system/wire-client.ts";

const config = (folder: string, port: number): string => `
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${port} ssl crt ${folder}/site.pem
  acl one ssl_fc_sni -i one.test
  http-request deny deny_status 403 if { ssl_fc_sni -m end .closed.test }
  http-request return status 200 content-type text/plain lf-string "one %[ssl_fc_sni]" if one
  http-request return status 200 content-type text/plain string "named" if { ssl_fc_sni -m found }
  http-request return status 200 content-type text/plain string "other"
`;

const missing = haproxyMissing();
let folder: string;
let system: System;
let haproxy: Haproxy | undefined;
let ours: number;
let theirs: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-sni-"));
  await writeFile(join(folder, "site.pem"), await selfSignedPem("one.test"));
  [ours, theirs] = (await freePorts(2)) as [number, number];
  system = await startSystem(config(folder, ours), ["--processes", "1"], { tunnel: false });
  if (missing === undefined) {
    haproxy = await startHaproxy(config(folder, theirs));
    await eventually("HAProxy", () => accepts(theirs));
  }
});
afterAll(async () => {
  await system?.stop();
  await haproxy?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ask(port: number, serverName: string, host: string): Promise<string> {
  const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const text = await sendBytes({ port, serverName }, head);
  const status = text.slice(9, 12);
  return status === "200"
    ? `200 ${/(?:one [a-z.]*|named|other)/i.exec(text.slice(text.indexOf("\r\n\r\n")))?.[0]}`
    : status;
}

test.each([
  ["one.test", "one.test", "200 one one.test"],
  ["one.test", "two.test", "200 one one.test"],
  ["two.test", "one.test", "200 named"],
  ["a.closed.test", "one.test", "403"],
  ["", "one.test", "200 other"],
])("server name %j, Host %s: %s", async (serverName, host, expected) => {
  expect(await ask(ours, serverName, host)).toBe(expected);
  if (haproxy) expect(await ask(theirs, serverName, host)).toBe(expected);
});

test("explain takes the host of an https URL for the server name", async () => {
  const file = await system.file("haproxy.cfg", config(folder, ours));
  const explain = async (url: string): Promise<string> =>
    (await runIsthmus(["explain", "GET", url, "-f", file])).stdout;
  expect(await explain(`https://a.closed.test:${ours}/`)).toContain("403");
  expect(await explain(`https://one.test:${ours}/`)).not.toContain("403");
});
