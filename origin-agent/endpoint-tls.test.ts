import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { BackendTls } from "#contract/backend-tls.ts";
import { createAuthority } from "./testing/authority.ts";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, openWebSocket, text } from "./testing/exchange.ts";
import { startSecurePod } from "./testing/pod.ts";

async function tunnelToSecurePod(
  names: { dnsNames?: string[]; ipAddresses?: string[]; uris?: string[] },
  address = "127.0.0.1",
  tls?: BackendTls,
) {
  const fixture = await createFixture();
  const pods = await createAuthority("pods' root");
  const endpointCaFile = join(fixture.dir, "pods.pem");
  await writeFile(endpointCaFile, pods.rootPem);
  let connections = 0;
  const { port, server } = await startSecurePod(await pods.issueServer(names), (request, response) =>
    response.end(request.headers.host),
  );
  server.on("secureConnection", () => (connections += 1));
  const edge = await fixture.startEdge({
    config: podConfig([port], { protocol: "HTTPS", address, ...(tls && { tls }) }),
  });
  const start = async (trusted: boolean) => {
    await fixture.startAgent(edge, {
      tlsDir: [join(fixture.dir, "tls")],
      ...(trusted && { endpointCaFile }),
    });
    return (await configured(edge)).session;
  };
  return { start, key: podKey(port, address), connections: () => connections };
}

test("an HTTPS endpoint is verified against its address, and its connection is kept for every Host", async () => {
  const { start, key, connections } = await tunnelToSecurePod({ ipAddresses: ["127.0.0.1"] });
  const session = await start(true);
  for (const authority of ["a.example.com", "b.example.com"]) {
    const answer = await exchange(session, openHead(key, { authority }));
    expect(await text(answer.body)).toBe(authority);
  }
  expect(connections()).toBe(1);
});

test("an HTTPS endpoint with a host name is verified against that name", async () => {
  const { start, key } = await tunnelToSecurePod({ dnsNames: ["localhost"] }, "localhost");
  const answer = await exchange(await start(true), openHead(key));
  expect(await text(answer.body)).toBe("www.example.com");
});

test.each([
  ["of an unknown authority", { ipAddresses: ["127.0.0.1"] }, false, "certificate_untrusted"],
  ["for another name", { dnsNames: ["other.example.com"] }, true, "certificate_mismatch"],
])("an HTTPS endpoint with a certificate %s is not spoken to", async (_what, names, trusted, code) => {
  const { start, key } = await tunnelToSecurePod(names);
  const session = await start(trusted);
  await expect(exchange(session, openHead(key))).rejects.toMatchObject({
    reset: { code },
  });
  const socket = openWebSocket(session, openHead(key, { kind: "websocket" }));
  await socket.events.find((event) => event.type === "reset" && event.reset.code === code);
});

const other = { dnsNames: ["a.internal.example.com"], uris: ["spiffe://example.com/ns/a/sa/b"] };

test.each<[what: string, tls: BackendTls, reached: boolean]>([
  ["the host name is what is verified", { hostname: "a.internal.example.com" }, true],
  ["another host name", { hostname: "b.internal.example.com" }, false],
  [
    "one of the names",
    {
      hostname: "sni.example.com",
      subjectAltNames: [
        { type: "Hostname", hostname: "x.example.com" },
        { type: "Hostname", hostname: "a.internal.example.com" },
      ],
    },
    true,
  ],
  ["names below", { subjectAltNames: [{ type: "Hostname", hostname: "*.internal.example.com" }] }, true],
  [
    "names, and none of them",
    {
      hostname: "a.internal.example.com",
      subjectAltNames: [{ type: "Hostname", hostname: "internal.example.com" }],
    },
    false,
  ],
  ["a URI", { subjectAltNames: [{ type: "URI", uri: "spiffe://example.com/ns/a/sa/b" }] }, true],
  ["another URI", { subjectAltNames: [{ type: "URI", uri: "spiffe://example.com/ns/a/sa/c" }] }, false],
  ["nothing is verified", { insecureSkipVerify: true }, true],
])("TLS of the backend: %s", async (_what, tls, reached) => {
  const { start, key } = await tunnelToSecurePod(other, "127.0.0.1", tls);
  const answer = exchange(await start(true), openHead(key));
  if (reached) expect(await text((await answer).body)).toBe("www.example.com");
  else await expect(answer).rejects.toMatchObject({ reset: { code: "certificate_mismatch" } });
});

test("authorities are files in the directory that is given, looked at again for each connection", async () => {
  const fixture = await createFixture();
  const pods = await createAuthority("pods' root");
  const { port } = await startSecurePod(
    await pods.issueServer({ ipAddresses: ["127.0.0.1"] }),
    (_request, response) => response.end("reached"),
  );
  const config = podConfig([port], { protocol: "HTTPS", tls: { authorities: { files: ["ca.pem"] } } });
  const edge = await fixture.startEdge({ config });
  await mkdir(join(fixture.dir, "tls"));
  await fixture.startAgent(edge, { tlsDir: [join(fixture.dir, "tls")] });
  const { session } = await configured(edge);
  const reached = async () => text((await exchange(session, openHead(podKey(port)))).body);
  await expect(reached()).rejects.toMatchObject({
    reset: { detail: expect.stringContaining("cannot read ca.pem") },
  });
  await writeFile(join(fixture.dir, "tls/ca.pem"), pods.rootPem);
  expect(await reached()).toBe("reached");
});

test("files outside of the directory are not read", async () => {
  const { start, key } = await tunnelToSecurePod({ ipAddresses: ["127.0.0.1"] }, "127.0.0.1", {
    authorities: { files: ["../pods.pem"] },
  });
  await expect(exchange(await start(true), openHead(key))).rejects.toMatchObject({
    reset: { code: "connect_failed", detail: expect.stringContaining("not in --tls-dir") },
  });
});
