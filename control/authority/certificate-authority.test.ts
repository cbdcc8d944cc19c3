import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { verifyCertificate } from "#contract/identity/certificate.ts";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { decodePem, encodePem } from "#contract/identity/pem.ts";
import type { IssuedCertificate, Trust } from "#contract/sync.ts";
import { admin, internal, joined, newCsr, syncReport } from "../control-fixture.ts";
import { type Env, certificateAuthority } from "../env.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";

const spiffeId = "spiffe://isthmus.local/agent/production";
const authority = (): DurableObjectStub<CertificateAuthority> => certificateAuthority(env as unknown as Env);

beforeEach(async () => {
  await reset();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function syncTrust(trustVersion = 0): Promise<Trust | undefined> {
  return (await internal("/sync", syncReport({ trustVersion }))).body.trust;
}

const leafOf = (issued: IssuedCertificate): Uint8Array =>
  decodePem("CERTIFICATE", issued.certificateChainPem)[0]!;
const serialOf = (issued: IssuedCertificate): string => parseCertificate(leafOf(issued)).serial;

async function renew(issued: IssuedCertificate, more: Record<string, unknown> = {}) {
  return internal("/renew", {
    spiffeId,
    certificateSerial: serialOf(issued),
    csrPem: (await newCsr()).csrPem,
    ...more,
  });
}

describe("joining", () => {
  test("a token becomes a certificate that the trust document accepts", async () => {
    const { status, body } = await joined();
    expect(status).toBe(200);
    expect(body.spiffeId).toBe(spiffeId);
    const trust = await syncTrust();
    const identity = await verifyCertificate([leafOf(body)], trust!, Date.now());
    expect(identity).toMatchObject({ spiffeId, tunnel: "production", notAfterMs: body.notAfterMs });
    expect(body.notAfterMs).toBeLessThanOrEqual(Date.now() + 86_400_000);
    expect(body.trustBundlePem).toBe(trust!.rootsPem.join(""));
  });

  test("a token works once, also when two try at the same time", async () => {
    const { body } = await admin("POST", "/v1/join-tokens", { tunnel: "production" });
    const tries = await Promise.all(
      Array.from({ length: 4 }, async () =>
        internal("/join", { token: body.token, tunnel: "production", csrPem: (await newCsr()).csrPem }),
      ),
    );
    expect(tries.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403]);
    expect((await admin("GET", "/v1/certificates")).body.certificates).toHaveLength(1);
  });

  test.each([
    ["another tunnel", "join_token_wrong_tunnel", { tunnel: "staging" }],
    ["a token of nobody", "join_token_invalid", { token: `istj_0123456789abcdef_${"A".repeat(43)}` }],
    ["an admin token", "join_token_invalid", { token: "bootstrap-admin-token-of-the-tests" }],
    ["an empty token", "join_token_invalid", { token: "" }],
  ])("%s is refused: %s", async (_name, code, change) => {
    const { body } = await admin("POST", "/v1/join-tokens", { tunnel: "production" });
    const request = { token: body.token, tunnel: "production", csrPem: (await newCsr()).csrPem };
    const refused = await internal("/join", { ...request, ...change });
    expect(refused).toMatchObject({ status: 403, body: { code, remedy: expect.any(String) } });
    // The token itself is not used up by what was refused.
    expect((await internal("/join", request)).status).toBe(200);
  });

  test("a token with a changed secret is refused", async () => {
    const { body } = await admin("POST", "/v1/join-tokens", { tunnel: "production" });
    const token = `${body.token.slice(0, -1)}${body.token.endsWith("A") ? "B" : "A"}`;
    const refused = await internal("/join", { token, tunnel: "production", csrPem: (await newCsr()).csrPem });
    expect(refused.body.code).toBe("join_token_invalid");
  });

  test("an expired token is refused", async () => {
    const { body } = await admin("POST", "/v1/join-tokens", { tunnel: "production", expiresInSeconds: 1 });
    await runInDurableObject(authority(), (_object, state) => {
      state.storage.sql.exec("UPDATE join_tokens SET expires_at_ms = ?", Date.now() - 1);
    });
    const refused = await internal("/join", {
      token: body.token,
      tunnel: "production",
      csrPem: (await newCsr()).csrPem,
    });
    expect(refused.body.code).toBe("join_token_expired");
  });

  test("a request that was tampered with is refused and does not use up the token", async () => {
    const { body } = await admin("POST", "/v1/join-tokens", { tunnel: "production" });
    const { csrPem } = await newCsr();
    const der = decodePem("CERTIFICATE REQUEST", csrPem)[0]!;
    der[der.length - 1]! ^= 1;
    const tampered = encodePem("CERTIFICATE REQUEST", der);
    const join = (csr: string) => internal("/join", { token: body.token, tunnel: "production", csrPem: csr });
    expect(await join(tampered)).toMatchObject({ status: 400, body: { code: "csr_invalid" } });
    expect(await join("hello")).toMatchObject({ status: 400, body: { code: "csr_invalid" } });
    expect((await join(csrPem)).status).toBe(200);
  });

  test("no secret is stored", async () => {
    const { body } = await admin("POST", "/v1/join-tokens", { tunnel: "production" });
    const secret = body.token.split("_").at(-1)!;
    await runInDurableObject(authority(), (_object, state) => {
      const rows = JSON.stringify(state.storage.sql.exec("SELECT * FROM join_tokens").toArray());
      expect(rows).not.toContain(secret);
    });
  });
});

describe("renewing", () => {
  test("a valid certificate gets a successor and stays valid", async () => {
    const { body: first } = await joined();
    const { status, body: second } = await renew(first);
    expect(status).toBe(200);
    expect(serialOf(second)).not.toBe(serialOf(first));
    const trust = (await syncTrust())!;
    await verifyCertificate([leafOf(first)], trust, Date.now());
    await verifyCertificate([leafOf(second)], trust, Date.now());
  });

  test.each([
    ["an unknown serial", { certificateSerial: "abc" }],
    ["another id", { spiffeId: "spiffe://isthmus.local/agent/staging" }],
    ["a server's certificate", { spiffeId: "" }],
  ])("%s is refused", async (_name, change) => {
    const { body } = await joined();
    expect(await renew(body, change)).toMatchObject({ status: 403, body: { code: "certificate_unknown" } });
  });

  test("a revoked and an expired certificate are refused", async () => {
    const { body } = await joined();
    await runInDurableObject(authority(), (_object, state) => {
      state.storage.sql.exec("UPDATE certificates SET not_after_ms = ?", Date.now() - 1);
    });
    expect((await renew(body)).body.code).toBe("certificate_expired");
    await admin("POST", `/v1/certificates/${serialOf(body)}/revoke`, {});
    expect((await renew(body)).body.code).toBe("certificate_revoked");
  });
});

describe("revoking", () => {
  test("shows in the trust document of the next heartbeat, once", async () => {
    const { body } = await joined();
    const before = (await syncTrust())!;
    expect(await syncTrust(before.version)).toBeUndefined();
    const serial = serialOf(body);
    const revoked = await admin("POST", `/v1/certificates/${serial}/revoke`, { reason: "stolen" });
    expect(revoked.body).toMatchObject({ serial, revokedAtMs: expect.any(Number) });
    const after = (await syncTrust(before.version))!;
    expect(after.version).toBe(before.version + 1);
    expect(after.revokedSerials).toEqual([serial]);
    await expect(verifyCertificate([leafOf(body)], after, Date.now())).rejects.toMatchObject({
      code: "revoked",
    });
    await admin("POST", `/v1/certificates/${serial}/revoke`, {});
    expect(await syncTrust(after.version)).toBeUndefined();
  });

  test("a serial that nobody has is not found", async () => {
    expect(await admin("POST", "/v1/certificates/abc/revoke", {})).toMatchObject({
      status: 404,
      body: { code: "certificate_not_found" },
    });
  });

  test("the serial leaves the trust document after the certificate has expired", async () => {
    const { body } = await joined();
    await admin("POST", `/v1/certificates/${serialOf(body)}/revoke`, {});
    const revoked = (await syncTrust())!;
    await runDurableObjectAlarm(authority());
    expect(await syncTrust(revoked.version)).toBeUndefined();
    // Eleven minutes later than its end, seen from a last pruning before that.
    await runInDurableObject(authority(), (_object, state) => {
      state.storage.sql.exec("UPDATE certificates SET not_after_ms = ?", Date.now() - 11 * 60_000);
      state.storage.sql.exec("UPDATE trust SET pruned_to_ms = 0");
    });
    await runDurableObjectAlarm(authority());
    expect(await syncTrust(revoked.version)).toMatchObject({
      version: revoked.version + 1,
      revokedSerials: [],
    });
  });
});

describe("roots", () => {
  test("concurrent first uses make one root", async () => {
    const trusts = await Promise.all(Array.from({ length: 4 }, () => syncTrust()));
    expect(new Set(trusts.map((trust) => trust!.rootsPem.join())).size).toBe(1);
    expect(trusts[0]).toMatchObject({ version: 1, trustDomain: "isthmus.local", revokedSerials: [] });
  });

  test("the key is encrypted at rest and opens only with its secret", async () => {
    await joined();
    await evictDurableObject(authority());
    expect((await joined()).status).toBe(200);
    const vault = await import("./key-vault.ts");
    await runInDurableObject(authority(), async (_object, state) => {
      const { id, sealed_key: sealed } = state.storage.sql
        .exec<{ id: string; sealed_key: ArrayBuffer }>("SELECT id, sealed_key FROM roots")
        .one();
      const bytes = new Uint8Array(sealed);
      const open = (secret: string | undefined, root = id) => vault.openKey(bytes, root, secret);
      await open("key-secret-of-the-tests");
      await expect(open("another-secret-of-the-tests")).rejects.toMatchObject({
        body: { code: "ca_key_secret_wrong" },
      });
      await expect(open("key-secret-of-the-tests", "other")).rejects.toMatchObject({
        body: { code: "ca_key_secret_wrong" },
      });
      await expect(open(undefined)).rejects.toMatchObject({ body: { code: "ca_key_secret_missing" } });
      await expect(open("short")).rejects.toMatchObject({ body: { code: "ca_key_secret_missing" } });
    });
  });

  test("rotation: both roots are trusted, the new one signs after the lead, the old one goes with its last certificate", async () => {
    const { body: old } = await joined();
    const rotated = await admin("POST", "/v1/ca/rotate", { leadSeconds: 3600 });
    expect(rotated.body.rootsPem).toHaveLength(2);
    const shown = await admin("GET", "/v1/ca");
    expect(shown.body.roots).toMatchObject([{ signing: true }, { signing: false, certificates: 0 }]);
    expect(JSON.stringify(shown.body)).not.toMatch(/sealed|PRIVATE/i);
    const [oldRoot, newRoot] = rotated.body.rootsPem as [string, string];
    const rootOf = async (): Promise<string> => {
      const trust = (await syncTrust())!;
      const { body } = await joined();
      const only = (rootPem: string): Promise<string> =>
        verifyCertificate([leafOf(body)], { ...trust, rootsPem: [rootPem] }, Date.now()).then(() => rootPem);
      return Promise.any([only(oldRoot), only(newRoot)]);
    };
    expect(await rootOf()).toBe(oldRoot);
    expect(await admin("POST", "/v1/ca/rotate", {})).toMatchObject({ status: 409 });
    await runInDurableObject(authority(), (_object, state) => {
      state.storage.sql.exec("UPDATE roots SET signs_from_ms = min(signs_from_ms, ?)", Date.now());
    });
    expect(await rootOf()).toBe(newRoot);
    const both = (await syncTrust())!;
    await verifyCertificate([leafOf(old)], both, Date.now());
    await runDurableObjectAlarm(authority());
    expect(await syncTrust(both.version)).toBeUndefined();
    await runInDurableObject(authority(), (_object, state) => {
      const [{ id }] = state.storage.sql
        .exec<{ id: string }>("SELECT id FROM roots ORDER BY signs_from_ms")
        .toArray() as [{ id: string }];
      state.storage.sql.exec("UPDATE certificates SET not_after_ms = 0 WHERE root_id = ?", id);
    });
    await runDurableObjectAlarm(authority());
    expect((await syncTrust(both.version))!.rootsPem).toEqual([newRoot]);
  });
});

describe("server certificates", () => {
  test("name hosts and addresses, and are no agent's", async () => {
    const { csrPem } = await newCsr();
    const names = ["edge.localhost", "127.0.0.1", "::1"];
    const { status, body } = await admin("POST", "/v1/certificates/server", { csrPem, names });
    expect(status).toBe(200);
    const leaf = decodePem("CERTIFICATE", body.certificateChainPem)[0]!;
    expect(parseCertificate(leaf)).toMatchObject({
      dnsNames: ["edge.localhost"],
      ipAddresses: ["127.0.0.1", "::1"],
      uris: [],
      extendedKeyUsage: ["1.3.6.1.5.5.7.3.1"],
      isCa: false,
    });
    await expect(verifyCertificate([leaf], (await syncTrust())!, Date.now())).rejects.toMatchObject({
      code: "certificate_malformed",
    });
  });

  test.each([["spiffe://isthmus.local/agent/x"], ["a b"], [""], ["https://x"]])(
    "%j is no name",
    async (name) => {
      const { csrPem } = await newCsr();
      const refused = await admin("POST", "/v1/certificates/server", { csrPem, names: [name] });
      expect(refused).toMatchObject({ status: 400, body: { code: "request_invalid" } });
      expect(refused.body.message).toContain("body.names[0]");
    },
  );
});

test("every change is in the audit log, without secrets", async () => {
  const { body: token } = await admin("POST", "/v1/join-tokens", { tunnel: "production" });
  const { body } = await internal("/join", {
    token: token.token,
    tunnel: "production",
    csrPem: (await newCsr()).csrPem,
  });
  await admin("POST", `/v1/certificates/${serialOf(body)}/revoke`, { reason: "stolen" });
  const { entries } = (await admin("GET", "/v1/audit")).body;
  expect(entries.map((entry: { action: string }) => entry.action)).toEqual([
    "certificate.revoke",
    "certificate.issue",
    "authority.create",
    "join-token.create",
  ]);
  expect(entries[0]).toMatchObject({ log: "identity", actor: "bootstrap-admin", detail: /stolen/ });
  expect(JSON.stringify(entries)).not.toContain(token.token.split("_").at(-1));
});
