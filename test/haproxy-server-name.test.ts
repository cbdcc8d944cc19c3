// `ssl_fc_sni` of a haproxy.cfg in mode http, beside real HAProxy: what the client asked for in the handshake decides, whatever
// its request says as Host.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { runIsthmus } from "./system/isthmus.ts";
import { selfSignedPem } from "./system/self-signed.ts";
import { sendBytes } from "./system/wire-client.ts";

const config = ({ web }: { web: number }, folder: string): string => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web} ssl crt ${folder}/site.pem
  http-request set-var(txn.host) req.hdr(host)
  http-request return status 200 content-type text/plain lf-string "%[ssl_fc_protocol] %[ssl_fc_cipher] %[req.ver] %HV %[ssl_fc_sni]" if { path /facts }
  http-request deny deny_status 421 if { path /alike } !{ ssl_fc_sni,strcmp(txn.host) eq 0 }
  acl one ssl_fc_sni -i one.test
  http-request deny deny_status 403 if { ssl_fc_sni -m end .closed.test }
  http-request return status 200 content-type text/plain lf-string "one %[ssl_fc_sni]" if one
  http-request return status 200 content-type text/plain string "named" if { ssl_fc_sni -m found }
  http-request return status 200 content-type text/plain string "other"
`;

const missing = haproxyMissing();
let running: BesideHaproxy<"web">;

beforeAll(async () => {
  const files = { "site.pem": await selfSignedPem("one.test") };
  running = await startBesideHaproxy({ ports: ["web"], files, config });
});
afterAll(() => running?.stop());

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
  const { ours, theirs } = running;
  expect(await ask(ours.web, serverName, host)).toBe(expected);
  if (missing === undefined) expect(await ask(theirs.web, serverName, host)).toBe(expected);
});

test.skipIf(missing !== undefined)("what is known of the handshake is what HAProxy says", async () => {
  const { ours, theirs } = running;
  const answer = async (port: number, path: string, host: string): Promise<string> => {
    const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const text = await sendBytes({ port, serverName: "one.test" }, head);
    return `${text.slice(9, 12)} ${/TLSv.*one.test/.exec(text)?.[0]}`;
  };
  expect(await answer(ours.web, "/facts", "one.test")).toMatch(
    /^200 TLSv1[.]3 \w+ 1[.]1 HTTP\/1[.]1 one[.]test$/,
  );
  for (const [path, host] of [
    ["/facts", "one.test"],
    ["/alike", "one.test"],
    ["/alike", "two.test"],
  ] as const) {
    expect(await answer(ours.web, path, host)).toBe(await answer(theirs.web, path, host));
  }
});

test("explain takes the host of an https URL for the server name", async () => {
  const { system, text, ours } = running;
  const file = await system.file("haproxy.cfg", text);
  const explain = async (url: string): Promise<string> =>
    (await runIsthmus(["explain", "GET", url, "-f", file])).stdout;
  expect(await explain(`https://a.closed.test:${ours.web}/`)).toContain("answers 403");
  expect(await explain(`https://one.test:${ours.web}/`)).toContain("answers 200");
});
