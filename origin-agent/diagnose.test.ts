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

test("an edge of another authority, one without an address: each with what to do", async () => {
  const [fixture, other] = [await createFixture(), await createFixture()];
  const edge = await fixture.startEdge({ config: podConfig([]) });
  const options = optionsFor(fixture, edge.url);
  const findingOf = async (more: Partial<AgentOptions>, check: string) =>
    (await diagnose({ ...options, ...more }, Date.now)).find((it) => it.check === check);

  const untrusted = await findingOf({ caFile: other.caFile }, "edge");
  expect(untrusted?.detail).toMatch(/could not be authenticated: .*\[[A-Z_]+\]$/);
  expect(untrusted?.detail).not.toContain("Node");
  expect(untrusted?.remedy).toContain("--ca-file");
  const nowhere = await findingOf({ edge: "https://edge.invalid:8444" }, "dns");
  expect(nowhere).toMatchObject({ status: "failed", detail: expect.stringContaining("edge.invalid") });
  expect(nowhere?.remedy).toContain("DNS");
});

const hourMs = 3_600_000;

test.each([
  [hourMs, "failed", /^3[56]\d\d s behind the edge's: more than 120 s are refused$/],
  [-hourMs, "failed", /^3[56]\d\d s ahead of the edge's: more than 120 s are refused$/],
  [60_000, "warning", /^\d\d s behind the edge's$/],
] as const)("an edge whose clock is %i ms ahead: %s", async (aheadMs, status, said) => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ aheadMs });
  const findings = await diagnose(optionsFor(fixture, edge.url), Date.now);
  expect(findings.find(({ check }) => check === "clock")).toEqual({
    check: "clock",
    status,
    detail: expect.stringMatching(said) as string,
    remedy: "Set this machine's clock (NTP).",
  });
});

test.each([
  ["CERT_HAS_EXPIRED", { notBeforeMs: -2 * hourMs, notAfterMs: -hourMs }, "Renew the edge's certificate"],
  ["CERT_NOT_YET_VALID", { notBeforeMs: hourMs, notAfterMs: 2 * hourMs }, "this machine's clock"],
])("an edge's certificate, %s: an agent says so, and diag what to do", async (code, validity, remedy) => {
  const fixture = await createFixture();
  const [notBeforeMs, notAfterMs] = [Date.now() + validity.notBeforeMs, Date.now() + validity.notAfterMs];
  const edge = await fixture.startEdge({ names: { ipAddresses: ["127.0.0.1"], notBeforeMs, notAfterMs } });
  const findings = await diagnose(optionsFor(fixture, edge.url), Date.now);
  const found = findings.find(({ check }) => check === "edge");
  expect(found?.detail).toMatch(
    new RegExp(`^the edge 127\\.0\\.0\\.1:\\d+ could not be authenticated: .*\\[${code}\\]$`),
  );
  expect(found?.remedy).toContain(remedy);
  const agent = await fixture.startAgent(edge);
  const line = await agent.log.find(({ code: said }) => said === "edge_untrusted");
  expect(line).toMatchObject({ reason: expect.stringContaining(code) as string });
});

test.each([
  ["expired", -2 * hourMs, /: expired$/, "isthmus token join"],
  ["not_yet_valid", hourMs, /: not valid yet by this machine's clock$/, "Set the clock."],
])(
  "an agent's own certificate, %s: the hub refuses it, and diag says why",
  async (code, fromMs, said, remedy) => {
    const fixture = await createFixture();
    const certificates = { lifetimeMs: hourMs, notBeforeMs: Date.now() + fromMs };
    const edge = await fixture.startEdge({ certificates });
    const agent = await fixture.startAgent(edge);
    await edge.events.find((event) => event.type === "refused" && event.code === code);
    await agent.drain();
    const findings = await diagnose(optionsFor(fixture, edge.url), Date.now);
    const found = findings.find(({ check }) => check === "certificate");
    expect(found).toMatchObject({ status: "failed", detail: expect.stringMatching(said) as string });
    expect(found?.remedy).toContain(remedy);
  },
);

test("an authority that nobody knows: what to do", () => {
  const hint = "; if the root CA is installed locally, try running Node.js with --use-system-ca";
  const thrown = Object.assign(new Error(`no good${hint}`), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
  const error = edgeConnectError("edge:443", thrown);
  expect(error.code).toBe("edge_untrusted");
  expect(error.message).toMatch(/no good \[[A-Z_]+\]$/);
  expect(error.remedy).toContain("--ca-file");
});
