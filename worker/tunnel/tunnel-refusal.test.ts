import { beforeAll, expect, test, vi } from "vitest";
import { issueLeaf } from "#contract/identity/identity-fixture.ts";
import type { FixtureCertificate } from "#contract/identity/identity-fixture.ts";
import { signProof } from "#contract/identity/proof.ts";
import { eventually } from "../eventually.fixture.ts";
import type { AgentOptions } from "./testing/simulated-agent.ts";
import {
  dial,
  issueAgent,
  issueRoot,
  push,
  serialOf,
  startAgent,
  trustOf,
  valid,
  verifiedBy,
} from "./testing/simulated-agent.ts";

const tunnel = "production";
let root: FixtureCertificate;
let leaf: FixtureCertificate;

beforeAll(async () => {
  root = await issueRoot();
  leaf = await issueAgent(root, tunnel);
  await push(tunnel, { trust: trustOf(root) });
});

function warnings(): { logged(): string[] } {
  const spy = vi.spyOn(console, "warn").mockImplementation(() => {});
  return { logged: () => spy.mock.calls.map(([line]) => String(line)) };
}

test("an agent with a certificate of this authority and its key is let in", async () => {
  const agent = await startAgent({ tunnel, leaf });
  expect(agent.refused).toBeUndefined();
  expect((await push(tunnel, {})).agents).toMatchObject([
    {
      spiffeId: "spiffe://isthmus.test/agent/production",
      certificateSerial: serialOf(leaf),
      draining: false,
    },
  ]);
  agent.socket.close(1000, "");
  await eventually(async () => expect((await push(tunnel, {})).agents).toEqual([]));
});

const hourMs = 3_600_000;
const cases: [string, string, () => Promise<AgentOptions>][] = [
  [
    "a certificate of another authority with the same name",
    "issuer_unknown",
    async () => ({ tunnel, leaf: await issueAgent(await issueRoot(), tunnel) }),
  ],
  [
    "an expired certificate",
    "expired",
    async () => ({ tunnel, leaf: await issueAgent(root, tunnel, { notAfterMs: Date.now() - 60_000 }) }),
  ],
  [
    "a certificate that is not valid yet",
    "not_yet_valid",
    async () => ({ tunnel, leaf: await issueAgent(root, tunnel, { notBeforeMs: Date.now() + hourMs / 2 }) }),
  ],
  [
    "a certificate of another trust domain",
    "trust_domain_mismatch",
    async () => ({ tunnel, leaf: await issueLeaf(root, `spiffe://evil.test/agent/${tunnel}`, valid()) }),
  ],
  [
    "a certificate that TLS did not see",
    "certificate_mismatch",
    async () => ({ tunnel, leaf, transport: await issueAgent(root, tunnel) }),
  ],
  [
    "a stolen certificate without its key",
    "proof_invalid",
    async () => {
      const thief = await issueAgent(root, tunnel);
      return { tunnel, leaf, handshake: { sign: (input) => signProof(thief.keyPair.privateKey, input) } };
    },
  ],
  [
    "a proof made for another edge",
    "proof_invalid",
    async () => ({ tunnel, leaf, handshake: { authority: "evil.test" } }),
  ],
  [
    "a proof made for another path",
    "proof_invalid",
    async () => ({ tunnel, leaf, handshake: { path: "/elsewhere" } }),
  ],
  [
    "a proof that another connection has used",
    "proof_replayed",
    async () => {
      const first = await startAgent({ tunnel, leaf });
      first.socket.close(1000, "");
      return { tunnel, leaf, replay: first.proof! };
    },
  ],
  [
    "a proof that another connection was refused with",
    "proof_replayed",
    async () => {
      const first = await startAgent({ tunnel, leaf, handshake: { authority: "evil.test" } });
      return { tunnel, leaf, replay: first.proof! };
    },
  ],
];

test.each(cases)("the hub refuses %s: %s", async (_name, code, options) => {
  const { logged } = warnings();
  const agent = await startAgent(await options());
  expect(agent.refused).toMatchObject({ code });
  expect(agent.refused!.message.length).toBeGreaterThan(20);
  expect((await agent.closed).code).toBe(4401);
  const refusals = logged().filter((line) => line.includes('"tunnel_refused"'));
  expect(refusals.at(-1)).toContain(`"code":"${code}"`);
});

test("a revoked certificate is refused, and its open connection is closed at the next push", async () => {
  const name = "revoking";
  const certificate = await issueAgent(root, name);
  await push(name, { trust: trustOf(root) });
  const agent = await startAgent({ tunnel: name, leaf: certificate });
  const revoked = trustOf(root, { version: 2, revokedSerials: [serialOf(certificate)] });
  const report = await push(name, { trust: revoked });
  expect(report).toMatchObject({ trustVersion: 2, agents: [] });
  expect((await agent.closed).code).toBe(4403);
  expect((await startAgent({ tunnel: name, leaf: certificate })).refused).toMatchObject({ code: "revoked" });
  // An older trust changes nothing.
  await push(name, { trust: trustOf(root) });
  expect((await startAgent({ tunnel: name, leaf: certificate })).refused).toMatchObject({ code: "revoked" });
});

test("a root that is taken away takes its connections along", async () => {
  const name = "rotating";
  const certificate = await issueAgent(root, name);
  await push(name, { trust: trustOf(root) });
  const agent = await startAgent({ tunnel: name, leaf: certificate });
  const next = await issueRoot();
  const both = trustOf(next, { version: 2, rootsPem: [root.pem, next.pem] });
  expect((await push(name, { trust: both })).agents).toHaveLength(1);
  expect((await push(name, { trust: trustOf(next, { version: 3 }) })).agents).toEqual([]);
  expect((await agent.closed).code).toBe(4403);
});

test("without a trust bundle nobody is let in", async () => {
  const name = "unknown";
  const agent = await startAgent({ tunnel: name, leaf: await issueAgent(root, name) });
  expect(agent.refused).toMatchObject({ code: "unavailable" });
  expect((await agent.closed).code).toBe(4503);
});

async function atTheDoor(name: string, cf: unknown, headers: HeadersInit = {}) {
  const { logged } = warnings();
  const response = await dial(name, cf, headers);
  expect(response.webSocket).toBeFalsy();
  const error = await response.json<{ code: string; message: string }>();
  return { status: response.status, code: error.code, logged: logged().at(-1) };
}

test("the door refuses who has no verified client certificate", async () => {
  const { tlsClientAuth } = verifiedBy(leaf) as { tlsClientAuth: Record<string, string> };
  const failed = (certVerified: string) => ({ tlsClientAuth: { ...tlsClientAuth, certVerified } });
  for (const [cf, code] of [
    [undefined, "certificate_missing"],
    [{}, "certificate_missing"],
    [{ tlsClientAuth: { certVerified: "NONE" } }, "certificate_missing"],
    [{ tlsClientAuth: { certVerified: "SUCCESS" } }, "certificate_missing"],
    [failed("FAILED:self signed certificate"), "issuer_unknown"],
    [failed("FAILED:certificate has expired"), "expired"],
    [failed("FAILED:certificate is not yet valid"), "not_yet_valid"],
    [failed("FAILED:certificate revoked"), "revoked"],
  ] as const) {
    const refused = await atTheDoor(tunnel, cf);
    expect(refused).toMatchObject({ status: 403, code });
    expect(refused.logged).toContain(`"code":"${code}"`);
  }
});

test("the door does not believe headers, whatever they are called", async () => {
  const { tlsClientAuth } = verifiedBy(leaf) as { tlsClientAuth: { certRFC9440: string } };
  const forged = {
    "client-cert": tlsClientAuth.certRFC9440,
    "client-cert-chain": tlsClientAuth.certRFC9440,
    cf: JSON.stringify({ tlsClientAuth }),
    "cf-client-cert-der-base64": tlsClientAuth.certRFC9440,
    "x-forwarded-client-cert": tlsClientAuth.certRFC9440,
    "isthmus-transport-certificate": tlsClientAuth.certRFC9440.replaceAll(":", ""),
    "isthmus-operation": "connect",
  };
  expect(await atTheDoor(tunnel, undefined, forged)).toMatchObject({
    status: 403,
    code: "certificate_missing",
  });
});

test("the door refuses certificates that are for something else before a hub is made", async () => {
  const other = await issueAgent(root, "staging");
  expect(await atTheDoor(tunnel, verifiedBy(other))).toMatchObject({ status: 403, code: "tunnel_mismatch" });
  const workload = await issueLeaf(root, "spiffe://isthmus.test/ns/default/sa/web", valid());
  expect(await atTheDoor(tunnel, verifiedBy(workload))).toMatchObject({
    status: 403,
    code: "spiffe_id_invalid",
  });
  const nameless = await issueLeaf(root, "x", { ...valid(), uris: [] });
  expect(await atTheDoor(tunnel, verifiedBy(nameless))).toMatchObject({
    status: 403,
    code: "spiffe_id_invalid",
  });
  expect(await atTheDoor("..", verifiedBy(leaf))).toMatchObject({ status: 400, code: "tunnel_invalid" });
});
