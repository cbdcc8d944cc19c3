// `ssl_c_used` and the names of `ssl_c_s_dn` and `ssl_c_i_dn` of a haproxy.cfg, beside real HAProxy: rules that ask who the
// client's certificate says it is, and headers that tell.
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const config = ({ web }: { web: number }, folder: string): string => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web} ssl crt ${folder}/site.pem ca-file ${folder}/clients.pem verify optional
  http-request deny deny_status 403 unless { ssl_c_used }
  http-request deny deny_status 404 if { path_beg /admin } !{ ssl_c_s_dn(cn) -m str alice }
  http-request deny deny_status 405 if { ssl_c_s_dn(CN) -m beg mal } or !{ ssl_c_verify 0 }
  http-request deny deny_status 410 if { ssl_c_s_dn(ou) -m found }
  http-request return status 200 content-type text/plain lf-string "%[ssl_c_used] %{+Q}[ssl_c_s_dn(cn)] %[ssl_c_i_dn(cn)] %[ssl_c_s_dn(ou)]. %[ssl_c_s_dn] %[ssl_c_i_dn(,0,rfc2253)] %[ssl_c_sha1,hex]"
`;

interface ClientKey {
  readonly cert: string;
  readonly key: string;
}

let running: BesideHaproxy<"web">;
const clients = new Map<string, ClientKey>();

beforeAll(async () => {
  const dayMs = 86_400_000;
  const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
  const root = await issueAuthority("clients", undefined, valid);
  for (const commonName of ["alice", "bob", "mallory"]) {
    const leaf = await issueLeaf(root, `spiffe://example.org/${commonName}`, { ...valid, commonName });
    clients.set(commonName, { cert: leaf.pem, key: await exportPrivateKeyPem(leaf.keyPair.privateKey) });
  }
  const files = { "site.pem": await selfSignedPem("site.test"), "clients.pem": root.pem };
  running = await startBesideHaproxy({ ports: ["web"], files, config });
});
afterAll(() => running?.stop());

/** Status and body. */
function ask(port: number, path: string, client: ClientKey | undefined): Promise<string> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...client }, () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n`),
    );
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => void (text += chunk));
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      const status = text.slice(9, 12);
      done(status === "200" ? `200 ${text.slice(text.indexOf("\r\n\r\n") + 4)}` : status);
    });
  });
}

test.each([
  ["nobody", "/", "403"],
  ["alice", "/", "200 1 alice clients . /CN=alice CN=clients"],
  ["alice", "/admin", "200 1 alice clients . /CN=alice CN=clients"],
  ["bob", "/", "200 1 bob clients . /CN=bob CN=clients"],
  ["bob", "/admin", "404"],
  ["mallory", "/", "405"],
])("%s asks for %s: %s", async (name, path, expected) => {
  const { ours, theirs } = running;
  const client = clients.get(name);
  const digest = client && new X509Certificate(client.cert).fingerprint.replaceAll(":", "");
  const answer = expected.startsWith("200") ? `${expected} ${digest}` : expected;
  if (haproxyMissing() === undefined) expect(await ask(theirs.web, path, client)).toBe(answer);
  expect(await ask(ours.web, path, client)).toBe(answer);
});
