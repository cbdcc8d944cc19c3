import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diagnose } from "./diagnose.ts";
import { edgeConnectError } from "./edge-request.ts";
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

test("an edge of another authority, one without an address, a clock that is wrong: each with what to do", async () => {
  const [fixture, other] = [await createFixture(), await createFixture()];
  const edge = await fixture.startEdge({ config: podConfig([]) });
  const options = optionsFor(fixture, edge.url);
  const findingOf = async (more: Partial<AgentOptions>, check: string, aheadMs = 0) =>
    (await diagnose({ ...options, ...more }, () => Date.now() + aheadMs)).find((it) => it.check === check);

  const untrusted = await findingOf({ caFile: other.caFile }, "edge");
  expect(untrusted?.detail).toMatch(/could not be authenticated: .*\[[A-Z_]+\]$/);
  expect(untrusted?.detail).not.toContain("Node");
  expect(untrusted?.remedy).toContain("--ca-file");
  const nowhere = await findingOf({ edge: "https://edge.invalid:8444" }, "dns");
  expect(nowhere).toMatchObject({ status: "failed", detail: expect.stringContaining("edge.invalid") });
  expect(nowhere?.remedy).toContain("DNS");
  for (const [aheadMs, said] of [
    [-3_600_000, /^3\d{3} s behind the edge's/],
    [3_600_000, /^3\d{3} s ahead of the edge's/],
  ] as const) {
    const clock = await findingOf({}, "clock", aheadMs);
    expect(clock).toMatchObject({ status: "failed", detail: expect.stringMatching(said) });
    expect(clock?.remedy).toContain("NTP");
  }
});

test.each([
  ["CERT_NOT_YET_VALID", "this machine's clock"],
  ["CERT_HAS_EXPIRED", "Renew the edge's certificate"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "--ca-file"],
])("%s: what to do", (code, remedy) => {
  const hint = "; if the root CA is installed locally, try running Node.js with --use-system-ca";
  const error = edgeConnectError("edge:443", Object.assign(new Error(`no good${hint}`), { code }));
  expect(error.code).toBe("edge_untrusted");
  expect(error.message).toMatch(/no good \[[A-Z_]+\]$/);
  expect(error.remedy).toContain(remedy);
});
