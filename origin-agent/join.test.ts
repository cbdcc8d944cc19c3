import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAuthority } from "./testing/authority.ts";
import { configured, createFixture, podConfig, token, tunnel } from "./testing/agent-fixture.ts";
import { startPod } from "./testing/pod.ts";

test("an agent joins with its token and connects to every hub", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const agent = await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 2);

  expect(edge.serving().map(({ shard }) => shard)).toEqual(expect.arrayContaining([0, 1]));
  expect(edge.serving()[0]!.identity.spiffeId).toBe(`spiffe://isthmus.test/agent/${tunnel}`);
  await agent.log.find(({ event }) => event === "ready");
});

test("an agent is ready when it has come to every hub", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  edge.shut.add(1);
  const agent = await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 1);
  edge.shut.clear();

  await agent.log.find(({ event }) => event === "ready");
  expect(edge.serving().map(({ shard }) => shard)).toEqual([0, 1]);
});

test("key and certificate are the agent's alone: directory 0700, file 0600, token and key never in the log", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const agent = await fixture.startAgent(edge);
  await agent.log.find(({ event }) => event === "ready");

  const data = join(fixture.dir, "data");
  const mode = async (path: string) => (await stat(path)).mode & 0o777;
  expect(await mode(data)).toBe(0o700);
  expect(await mode(join(data, "identity.json"))).toBe(0o600);
  const logged = JSON.stringify(agent.log.entries);
  expect(logged).not.toContain(token);
  expect(logged).not.toContain("PRIVATE KEY");
});

test("a restart uses the stored certificate and configuration, and needs no token", async () => {
  const fixture = await createFixture();
  const pod = await startPod((_request, response) => response.end("here"));
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const first = await fixture.startAgent(edge);
  const before = await configured(edge);
  await first.log.find(({ event }) => event === "config_accepted");
  await first.drain();

  edge.config = undefined;
  const seen = edge.events.entries.length;
  await writeFile(fixture.tokenFile, "spent");
  const second = await fixture.startAgent(edge);
  const again = await edge.events.find((event) => event.type === "connected", seen);
  expect(again).toMatchObject({ connection: { identity: { serial: before.identity.serial } } });
  await expect(second.log.find(({ event }) => event === "started")).resolves.toMatchObject({
    configVersion: 1,
  });
  expect(edge.events.entries.filter(({ type }) => type === "joined")).toHaveLength(1);
});

test("a spent token is a clear error with the remedy, and a new one is picked up without a restart", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  await writeFile(fixture.tokenFile, "spent");
  const agent = await fixture.startAgent(edge);

  await expect(agent.log.find(({ event }) => event === "join_failed")).resolves.toMatchObject({
    code: "edge_refused",
    reason: "the edge refused (403, join_token_invalid): the token is spent",
    remedy: expect.stringContaining(`isthmus token join --tunnel ${tunnel}`),
  });
  await writeFile(fixture.tokenFile, token);
  await agent.log.find(({ event }) => event === "ready");
});

test("no joining with an edge of another authority: the token never leaves", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ authority: await createAuthority("someone else") });
  const agent = await fixture.startAgent(edge);

  await expect(agent.log.find(({ event }) => event === "join_failed")).resolves.toMatchObject({
    code: "edge_untrusted",
    remedy: expect.stringContaining("--ca-file"),
  });
  expect(edge.events.entries).toEqual([]);
});

test("no joining with an edge whose certificate is for another host", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ names: { dnsNames: ["edge.example.com"] } });
  const agent = await fixture.startAgent(edge);

  await expect(agent.log.find(({ event }) => event === "join_failed")).resolves.toMatchObject({
    code: "edge_untrusted",
    reason: expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID"),
  });
  expect(edge.events.entries).toEqual([]);
});

test("an agent with a certificate refuses an edge of another authority on its tunnel, too", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const first = await fixture.startAgent(edge);
  await first.log.find(({ event }) => event === "ready");
  await first.drain();
  await edge.stop();

  const impostor = await fixture.startEdge({
    authority: await createAuthority("someone else"),
    port: edge.port,
  });
  const agent = await fixture.startAgent(impostor);
  await expect(agent.log.find(({ event }) => event === "connection_failed")).resolves.toMatchObject({
    code: "edge_untrusted",
  });
  expect(impostor.events.entries).toEqual([]);
});

test("the hub's reason for a refusal is in the log, and the agent joins again once a token allows it", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const first = await fixture.startAgent(edge);
  await first.log.find(({ event }) => event === "ready");
  const { serial } = edge.serving()[0]!.identity;
  await first.drain();

  edge.trust = { ...edge.trust, version: 2, revokedSerials: [serial] };
  await writeFile(fixture.tokenFile, "spent");
  const agent = await fixture.startAgent(edge);
  await expect(agent.log.find(({ event }) => event === "connection_failed")).resolves.toMatchObject({
    code: "edge_refused",
    reason: `the hub refused this agent (revoked): the certificate with serial ${serial} is revoked`,
  });
  await agent.log.find(({ event }) => event === "join_failed");
  await writeFile(fixture.tokenFile, token);
  await agent.log.find(({ event }) => event === "ready");
  const stored = await readFile(join(fixture.dir, "data", "identity.json"), "utf8");
  expect(stored).not.toContain(serial);
});

test("a dump tells connections and configuration, and no secret", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([1]) });
  const agent = await fixture.startAgent(edge);
  await configured(edge);
  await agent.dump();
  const path = join(fixture.dir, "data", "dump.json");
  const text = await readFile(path, "utf8");
  const { connections, config } = JSON.parse(text) as { connections: object[]; config: object };
  expect(connections).toContainEqual(
    expect.objectContaining({ state: "serving", streams: 0, connection: expect.any(String) as string }),
  );
  expect(config).toEqual({ version: 1, endpoints: ["pods|127.0.0.1:1"] });
  const identity = JSON.parse(await readFile(join(fixture.dir, "data", "identity.json"), "utf8")) as {
    privateKeyPem: string;
  };
  for (const secret of ["PRIVATE KEY", identity.privateKeyPem.split("\n")[1]!, token, "BEGIN CERTIFICATE"])
    expect(text).not.toContain(secret);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});
