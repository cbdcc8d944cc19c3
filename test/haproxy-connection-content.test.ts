// Connections of `mode tcp` that are told apart by the bytes that they begin with, beside the real HAProxy.
import { afterAll, beforeAll, expect, test } from "vitest";
import { helloMessage, records, type HelloParts } from "#traffic/connection/client-hello.fixture.ts";
import { type BesideHaproxy, startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { startTcpPod, tcpClient, type TcpPod } from "./system/tcp.ts";

const backends = ["ssh", "vpn", "web", "http", "mail", "desktop", "other"] as const;
const ports = ["mixed", "names", "chosen", "refused", "quiet", "desktop"] as const;
let pods: Record<(typeof backends)[number], TcpPod>;
let beside: BesideHaproxy<(typeof ports)[number]>;

beforeAll(async () => {
  const started = await Promise.all(backends.map(async (name) => [name, await startTcpPod(name)] as const));
  pods = Object.fromEntries(started) as typeof pods;
  beside = await startBesideHaproxy({ ports, files, config });
}, 60_000);

afterAll(async () => {
  await beside?.stop();
  await Promise.all(Object.values(pods ?? {}).map((pod) => pod.stop()));
});

const files = {
  "names.lst": "listed.example.com\n",
  "names.map": "a.map.example.com ssh\nb.map.example.com web\nc.map.example.com nowhere\n",
};

function config(port: Record<(typeof ports)[number], number>, folder: string): string {
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s

# What shares a port with HTTPS.
frontend mixed
  bind 127.0.0.1:${port.mixed}
  tcp-request inspect-delay 1s
  tcp-request content accept if { req.ssl_hello_type 1 }
  tcp-request content accept if { req.len gt 6 }
  acl is_ssh req.payload(0,7) -m bin 5353482d322e30
  use_backend ssh if is_ssh
  use_backend web if { req.ssl_alpn h2 }
  use_backend http if HTTP
  use_backend vpn if !{ req.ssl_hello_type 1 } !{ req.len 0 } { req.payload_lv(0,2) -m beg VPN }
  use_backend mail if { req.payload(0,4) -m str -i HELO EHLO }
  use_backend vpn if { req.payload(0,0),hex -m sub 766F }
  use_backend desktop if { req.ssl_ver 3.4:4.0 } or { req.ssl_ver lt 3.2 }
  default_backend other

frontend names
  bind 127.0.0.1:${port.names}
  tcp-request inspect-delay 1s
  tcp-request content reject if { req.ssl_sni -i bad.example.com }
  tcp-request content accept if { req.ssl_hello_type 1 }
  tcp-request content reject if WAIT_END
  use_backend ssh if { req.ssl_sni -m reg ^s[0-9]+[.] }
  use_backend web if { req.ssl_sni -m sub shop } !{ req.ssl_sni -m beg no }
  use_backend mail if { req.ssl_sni -i -f ${folder}/names.lst }
  use_backend http if { req.ssl_sni -i only-local.example.com } { src 127.0.0.0/8 }
  use_backend %[req.ssl_sni,lower,map(${folder}/names.map)] if { req.ssl_sni -m dom map }
  default_backend other

listen chosen
  bind 127.0.0.1:${port.chosen}
  tcp-request inspect-delay 1s
  tcp-request content accept if { req.ssl_hello_type 1 }
  use-server ssh if { req.ssl_sni -i ssh.example.com }
  use-server web if { req.ssl_sni -i web.example.com }
  server ssh 127.0.0.1:${pods.ssh.port} weight 0
  server web 127.0.0.1:${pods.web.port} weight 0
  server other 127.0.0.1:${pods.other.port}

listen refused
  bind 127.0.0.1:${port.refused}
  tcp-request inspect-delay 1s
  tcp-request content reject unless { req.payload(0,3) -m str abc }
  server other 127.0.0.1:${pods.other.port}

# Who says nothing is for whom speaks first.
frontend quiet
  bind 127.0.0.1:${port.quiet}
  tcp-request inspect-delay 300ms
  tcp-request content accept if REQ_CONTENT
  use_backend http if REQ_CONTENT
  default_backend mail

frontend desktop
  bind 127.0.0.1:${port.desktop}
  tcp-request inspect-delay 1s
  tcp-request content accept if RDP_COOKIE
  use_backend desktop if { req.rdp_cookie(mstshash) -m beg -i admin }
  use_backend ssh if RDP_COOKIE
  default_backend other

${backends.map((name) => `backend ${name}\n  server s 127.0.0.1:${pods[name].port}\n`).join("")}`;
}

/** Who greets; `closed` without a greeting. */
async function greeting(port: number, ...pieces: (string | Uint8Array)[]): Promise<string> {
  const client = tcpClient(port);
  for (const piece of pieces) {
    client.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    // So that it comes in a packet of its own, most often.
    await new Promise((done) => setImmediate(done));
  }
  const text = await client.until("\n").catch(() => "closed");
  client.socket.destroy();
  return text.split("\n")[0]!;
}

const hello = (parts: HelloParts): Uint8Array => records(helloMessage(parts));
const named = (serverName: string): Uint8Array => hello({ serverName });
const desktop = (cookie: string): string =>
  `\x03\0\0\x2f\x2a\xe0\0\0\0\0\0${cookie}\r\n\x01\0\x08\0\x03\0\0\0`;

const cases: [port: (typeof ports)[number], expected: string, ...pieces: (string | Uint8Array)[]][] = [
  ["mixed", "ssh", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["mixed", "ssh", "SSH", "-2.", "0-x\r\n"],
  ["mixed", "web", hello({ serverName: "a.com", protocols: ["http/1.1", "h2"] })],
  ["mixed", "other", hello({ serverName: "a.com", protocols: ["http/1.1"] })],
  ["mixed", "http", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["mixed", "other", "GET no request at all\r\n\r\n"],
  ["mixed", "vpn", "\0\x05VPN-1 and more"],
  ["mixed", "mail", "EHLO me\r\n"],
  ["mixed", "vpn", "----vo----"],
  ["mixed", "other", "something else"],
  ["names", "closed", named("bad.example.com")],
  ["names", "closed", "plain text"],
  ["names", "ssh", named("s12.example.com")],
  ["names", "web", named("myshop.example.com")],
  ["names", "other", named("noshop.example.com")],
  ["names", "mail", named("listed.example.com")],
  ["names", "http", named("only-local.example.com")],
  ["names", "ssh", named("a.map.example.com")],
  ["names", "web", named("b.map.example.com")],
  ["names", "other", named("c.map.example.com")],
  ["names", "other", named("d.map.example.com")],
  ["names", "other", hello({})],
  ["chosen", "ssh", named("ssh.example.com")],
  ["chosen", "web", named("web.example.com")],
  ["chosen", "other", named("x.example.com")],
  ["refused", "other", "abcdef"],
  ["refused", "closed", "abdcef"],
  ["quiet", "mail"],
  ["quiet", "http", "x"],
  ["desktop", "desktop", desktop("Cookie: mstshash=Administrator")],
  ["desktop", "ssh", desktop("Cookie: mstshash=someone")],
  ["desktop", "ssh", desktop("Cookie: msts=1.2.3")],
  ["desktop", "other", "nothing of a desktop"],
];

test.each(cases)("%s: %s greets", async (port, expected, ...pieces) => {
  expect(await greeting(beside.ours[port], ...pieces)).toBe(expected);
  if (haproxyMissing() === undefined) expect(await greeting(beside.theirs[port], ...pieces)).toBe(expected);
});

test("what was read while it was judged, and what comes later, reaches the endpoint in order", async () => {
  for (const first of ["", "SSH-2.0-"]) {
    const client = tcpClient(beside.ours.mixed);
    if (first !== "") client.write(first);
    await client.until("\n");
    client.write("later");
    client.end("end");
    const all = await client.all;
    expect(all?.toString()).toBe(`${first === "" ? "other" : "ssh"}\n${first}laterend`);
  }
});
