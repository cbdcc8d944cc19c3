// The access log in HAProxy's format, compared with the lines of the real HAProxy for the same requests.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing, startHaproxy } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

let origin: EchoServer;
let system: System;
let port: number;

beforeAll(async () => {
  origin = await startEchoServer("origin");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: shop, hostnames: [shop.example.com], rules: [{ backendRefs: [{ name: orders }] }] }]
backends: [{ name: orders, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
accessLog: { mode: all, format: HTTPLog }
`);
});

afterAll(async () => {
  await system?.stop();
  await origin.stop();
});

/** HAProxy's configuration manual, §8.2.3; a group per field that is compared. */
const httpLog =
  /(?<client>[0-9a-f.:]+):\d+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] (?<frontend>\S+) (?<backend>[^\s/]+)\/(?<server>\S+) -?\d+\/-?\d+\/-?\d+\/-?\d+\/\+?\d+ (?<status>\d{3}) \+?\d+ - - (?<ended>\S{4}) \d+\/\d+\/\d+\/\d+\/\+?\d+ \d+\/\d+ "(?<request>[^"]*)"/;

function linesIn(output: string): Record<string, string>[] {
  return output.split("\n").flatMap((line) => {
    const fields = httpLog.exec(line)?.groups;
    return fields ? [{ ...fields }] : [];
  });
}

test("the same requests give the same fields as in the log of the real HAProxy", async ({ skip }) => {
  const missing = haproxyMissing();
  if (missing) skip(missing);
  const [haproxyPort] = (await freePorts(1)) as [number];
  const haproxy = await startHaproxy(`
global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend web
  bind 127.0.0.1:${haproxyPort}
  use_backend orders if { hdr(host) -i shop.example.com }
  http-request deny deny_status 404 unless { hdr(host) -i shop.example.com }
backend orders
  server 127.0.0.1:${origin.port} 127.0.0.1:${origin.port}
`);
  try {
    await eventually("HAProxy listens", async () => ask({ port: haproxyPort, host: "nobody.example.com" }));
    for (const to of [haproxyPort, port]) {
      await ask({ port: to, host: "shop.example.com", path: "/orders/7" });
      await ask({ port: to, host: "shop.example.com", path: "/%E2%82%AC%22", method: "POST", body: "x" });
    }
    const ofShop = (output: string): Record<string, string>[] =>
      linesIn(output).filter(({ backend }) => backend === "orders");
    const both = await eventually("both have logged two requests", async () => {
      const [theirs, ours] = [ofShop(haproxy.output()), ofShop(system.program.output())];
      return theirs.length === 2 && ours.length === 2 && { theirs, ours };
    });
    expect(both.ours).toEqual(both.theirs);
    const refusedBy = (output: string): Record<string, string> | undefined =>
      linesIn(output).find(({ status }) => status === "404");
    await ask({ port, host: "nobody.example.com" });
    const refused = await eventually("the refusal is logged", async () => refusedBy(system.program.output()));
    expect(refused).toEqual(refusedBy(haproxy.output()));
  } finally {
    await haproxy.stop();
  }
});
