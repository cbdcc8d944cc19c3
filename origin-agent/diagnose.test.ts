import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diagnose } from "./diagnose.ts";
import type { AgentOptions } from "./options.ts";
import { configured, createFixture, podConfig, tunnel } from "./testing/agent-fixture.ts";
import type { Fixture } from "./testing/agent-fixture.ts";
import { startPod } from "./testing/pod.ts";

const optionsFor = ({ dir, caFile, tokenFile }: Fixture, edge: string): AgentOptions => ({
  edge,
  tunnel,
  joinTokenFile: tokenFile,
  caFile,
  allow: ["127.0.0.0/8"],
  data: join(dir, "data"),
  instance: "agent-1",
  drainTimeoutMs: 5_000,
  tlsDir: [],
  logStreams: false,
  connectTo: [],
});

const byCheck = (findings: Awaited<ReturnType<typeof diagnose>>) =>
  Object.fromEntries(findings.map(({ check, status, detail }) => [check, `${status}: ${detail}`]));

test("an agent that has joined: certificate, trust, edge and its endpoints, one of them dead", async () => {
  const fixture = await createFixture();
  const pod = await startPod((_request, response) => response.end("hello"));
  const edge = await fixture.startEdge({ config: podConfig([pod.port, 1]) });
  const agent = await fixture.startAgent(edge);
  await configured(edge);
  await agent.drain();
  const found = byCheck(await diagnose(optionsFor(fixture, edge.url), Date.now));
  expect(found["certificate"]).toMatch(/^ok: spiffe:/);
  expect(found["trust"]).toMatch(/^ok: 1 roots/);
  expect(found["dns"]).toMatch(/^ok/);
  expect(found["tls"]).toMatch(/TLSv1.3/);
  expect(found["clock"]).toBe("ok: as the edge's");
  expect(found["edge"]).toBe("ok: accepts this agent's certificate");
  expect(found[`endpoint pods|127.0.0.1:${pod.port}`]).toBe("ok: accepts connections");
  expect(found["endpoint pods|127.0.0.1:1"]).toMatch(/^failed: .*ECONNREFUSED/);
  await chmod(join(fixture.dir, "data", "identity.json"), 0o644);
  const open = byCheck(await diagnose(optionsFor(fixture, edge.url), Date.now));
  expect(open["certificate"]).toMatch(/^failed: .*open to others \(mode 644\)/);
});

test("an edge that is not there, no certificate, no configuration: each is said, with what to do", async () => {
  const fixture = await createFixture();
  const findings = await diagnose(optionsFor(fixture, "https://127.0.0.1:1"), Date.now);
  const found = byCheck(findings);
  expect(found["certificate"]).toBe("warning: there is none yet");
  expect(found["edge"]).toMatch(/^failed: no connection to the edge/);
  expect(found["endpoints"]).toMatch(/^warning: no configuration/);
  expect(findings.find(({ check }) => check === "edge")?.remedy).toContain("firewalls");
});
