import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAuthority } from "./testing/authority.ts";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, openWebSocket, text } from "./testing/exchange.ts";
import { startSecurePod } from "./testing/pod.ts";

async function tunnelToSecurePod(
  names: { dnsNames?: string[]; ipAddresses?: string[] },
  address = "127.0.0.1",
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
  const edge = await fixture.startEdge({ config: podConfig([port], { protocol: "HTTPS", address }) });
  const start = async (trusted: boolean) => {
    await fixture.startAgent(edge, trusted ? { endpointCaFile } : {});
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
  ["of an unknown authority", { ipAddresses: ["127.0.0.1"] }, false, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ["for another name", { dnsNames: ["other.example.com"] }, true, "ERR_TLS_CERT_ALTNAME_INVALID"],
])("an HTTPS endpoint with a certificate %s is not spoken to", async (_what, names, trusted, code) => {
  const { start, key } = await tunnelToSecurePod(names);
  const session = await start(trusted);
  await expect(exchange(session, openHead(key))).rejects.toMatchObject({
    reset: { code: "connect_failed", detail: expect.stringContaining(code) },
  });
  const socket = openWebSocket(session, openHead(key, { kind: "websocket" }));
  await socket.events.find((event) => event.type === "reset" && event.reset.code === "connect_failed");
});
