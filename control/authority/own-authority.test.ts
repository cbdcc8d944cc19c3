// An authority of the operator's own: what is taken, how it takes over, and how the one before it goes (decision 0016).
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { verifyCertificate } from "#contract/identity/certificate.ts";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { type FixtureCertificate, issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { decodePem } from "#contract/identity/pem.ts";
import type { IssuedCertificate, Trust } from "#contract/sync.ts";
import { admin, internal, joined, newCsr, syncReport, type Answer } from "../control-fixture.ts";
import { type Env, certificateAuthority } from "../env.ts";

const dayMs = 86_400_000;
const years = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + 700 * dayMs };

let root: FixtureCertificate;
let issuing: FixtureCertificate;

beforeEach(async () => {
  await reset();
  root = await issueAuthority("our root", undefined, years);
  issuing = await issueAuthority("our issuing authority", root, { ...years, authority: { pathLength: 0 } });
});

async function bring(
  chain: readonly FixtureCertificate[] = [issuing, root],
  more: { key?: FixtureCertificate; leadSeconds?: number } = {},
): Promise<Answer> {
  const { key = chain[0]!, leadSeconds } = more;
  return admin("POST", "/v1/ca/import", {
    certificatesPem: chain.map(({ pem }) => pem).join(""),
    privateKeyPem: await exportPrivateKeyPem(key.keyPair.privateKey),
    ...(leadSeconds !== undefined && { leadSeconds }),
  });
}

const trustNow = async (): Promise<Trust> => (await internal("/sync", syncReport())).body.trust;
const chainOf = ({ certificateChainPem }: IssuedCertificate): Uint8Array[] =>
  decodePem("CERTIFICATE", certificateChainPem);
const roots = async () => (await admin("GET", "/v1/ca")).body.roots;
/** The time of every authority that waits has come. */
const letSign = (): Promise<void> =>
  runInDurableObject(certificateAuthority(env as unknown as Env), (_object, state) => {
    state.storage.sql.exec("UPDATE roots SET signs_from_ms = min(signs_from_ms, ?)", Date.now());
  });

test("where there is none yet it signs at once; leaves bring the intermediates, and only the root is trusted", async () => {
  expect(await bring()).toMatchObject({ status: 200, body: { rootsPem: [root.pem] } });
  const { body } = await joined();
  const chain = chainOf(body);
  expect(chain.map((der) => parseCertificate(der).serial)).toEqual([
    expect.any(String),
    parseCertificate(issuing.der).serial,
  ]);
  const trust = await trustNow();
  expect(trust.rootsPem).toEqual([root.pem]);
  expect(trust.signer?.keyIdentifier).toBe(parseCertificate(chain[0]!).authorityKeyIdentifier);
  expect(await verifyCertificate(chain, trust, Date.now())).toMatchObject({ tunnel: "production" });
  await expect(verifyCertificate([chain[0]!], trust, Date.now())).rejects.toMatchObject({
    code: "issuer_unknown",
  });
  const names = ["edge.localhost"];
  const server = await admin("POST", "/v1/certificates/server", { csrPem: (await newCsr()).csrPem, names });
  expect(decodePem("CERTIFICATE", server.body.certificateChainPem)).toHaveLength(2);
});

test("a root may sign itself", async () => {
  await bring([root]);
  const { body } = await joined();
  expect(chainOf(body)).toHaveLength(1);
  await verifyCertificate(chainOf(body), await trustNow(), Date.now());
});

test("the same one again changes nothing, also while a rotation waits", async () => {
  const first = await bring();
  await admin("POST", "/v1/ca/rotate", { leadSeconds: 3600 });
  const again = await bring();
  expect([again.status, again.body.version]).toEqual([200, first.body.version + 1]);
  expect(await roots()).toMatchObject([{ imported: true, signing: true }, { imported: false }]);
});

test("from a generated authority: both roots are trusted, the new one signs after the lead", async () => {
  const before = (await joined()).body;
  const { body } = await bring(undefined, { leadSeconds: 3600 });
  expect(body.rootsPem).toHaveLength(2);
  expect(body.signer.fromMs).toBeGreaterThan(Date.now() + 3_000_000);
  const issuedMeanwhile = (await joined()).body;
  expect(chainOf(issuedMeanwhile)).toHaveLength(1);
  expect(await bring([root])).toMatchObject({ status: 409, body: { code: "rotation_pending" } });
  await letSign();
  const after = (await joined()).body;
  for (const issued of [before, issuedMeanwhile, after])
    await verifyCertificate(chainOf(issued), await trustNow(), Date.now());
  expect(chainOf(after)).toHaveLength(2);
});

describe("retirement", () => {
  const retire = (id: string, force = false): Promise<Answer> =>
    admin("POST", `/v1/ca/roots/${id}/retire`, { force });
  const connected = async (issued: IssuedCertificate): Promise<void> => {
    const certificateSerial = parseCertificate(chainOf(issued)[0]!).serial;
    const agent = {
      tunnel: "production",
      shard: 0,
      connection: "c",
      instance: "i",
      spiffeId: issued.spiffeId,
      certificateSerial,
      certificateNotAfterMs: issued.notAfterMs,
      connectedAtMs: 0,
      configVersion: 0,
      streams: 0,
      draining: false,
    };
    expect((await internal("/sync", syncReport({ agents: [agent] }))).status).toBe(200);
  };

  test("not while an agent is connected with its certificate, unless forced", async () => {
    const before: IssuedCertificate = (await joined()).body;
    await bring(undefined, { leadSeconds: 3600 });
    const [{ id: oldId }, { id: newId }] = await roots();
    expect(await retire(oldId)).toMatchObject({ status: 409, body: { code: "root_in_use" } });
    expect(await retire("00")).toMatchObject({ status: 404, body: { code: "root_not_found" } });
    await letSign();
    await connected(before);
    expect(await roots()).toMatchObject([{ inUse: 1, certificates: 1 }, { inUse: 0 }]);
    expect(await retire(oldId)).toMatchObject({ status: 409, body: { code: "root_in_use" } });
    expect(await retire(newId, true)).toMatchObject({ status: 409, body: { code: "root_in_use" } });
    expect(await retire(oldId, true)).toMatchObject({ status: 200, body: { rootsPem: [root.pem] } });
    await expect(verifyCertificate(chainOf(before), await trustNow(), Date.now())).rejects.toMatchObject({
      code: "revoked",
    });
    expect((await internal("/renew", await renewalOf(before))).body.code).toBe("certificate_revoked");
  });

  test("once all have renewed it goes, and nothing but its certificates is refused", async () => {
    const before: IssuedCertificate = (await joined()).body;
    await bring(undefined, { leadSeconds: 3600 });
    await letSign();
    const after: IssuedCertificate = (await internal("/renew", await renewalOf(before))).body;
    await connected(after);
    const [{ id }] = await roots();
    expect((await retire(id)).status).toBe(200);
    await verifyCertificate(chainOf(after), await trustNow(), Date.now());
    expect((await admin("GET", "/v1/audit")).body.entries[0]).toMatchObject({ action: "authority.retire" });
  });

  test("two authorities under one root: the root stays, what the retired one issued does not", async () => {
    await bring();
    const before: IssuedCertificate = (await joined()).body;
    const next = await issueAuthority("our next issuing authority", root, years);
    await bring([next, root], { leadSeconds: 3600 });
    await letSign();
    expect((await trustNow()).rootsPem).toEqual([root.pem]);
    const [{ id }] = await roots();
    expect((await retire(id)).body.rootsPem).toEqual([root.pem]);
    await expect(verifyCertificate(chainOf(before), await trustNow(), Date.now())).rejects.toMatchObject({
      code: "revoked",
    });
  });

  async function renewalOf(issued: IssuedCertificate): Promise<object> {
    const { spiffeId } = issued;
    const certificateSerial = parseCertificate(chainOf(issued)[0]!).serial;
    return { spiffeId, certificateSerial, csrPem: (await newCsr()).csrPem };
  }
});

describe("refused, with what is wrong", () => {
  const cases: [name: string, message: RegExp, attempt: () => Promise<Answer>][] = [
    ["no certificate", /no PEM certificate/, () => bring([], { key: root })],
    [
      "a leaf",
      /issuing certificate \(first\) is not of a certificate authority/,
      async () => bring([await issueLeaf(root, "spiffe://isthmus.local/agent/x", years), root]),
    ],
    ["without the root", /did not sign itself/, () => bring([issuing])],
    [
      "in the wrong order",
      /first\) was not issued by the certificate that follows/,
      () => bring([root, issuing]),
    ],
    [
      "under another root",
      /was not issued by the certificate that follows/,
      async () => bring([issuing, await issueAuthority("our root", undefined, years)]),
    ],
    [
      "a path that is too long",
      /allows 0 authorities below it, and there are 1/,
      async () => {
        const strict = await issueAuthority("strict", undefined, { ...years, authority: { pathLength: 0 } });
        return bring([await issueAuthority("below", strict, years), strict]);
      },
    ],
    [
      "the key of another",
      /not that of the issuing certificate/,
      () => bring([issuing, root], { key: root }),
    ],
    [
      "expired",
      /root \(last certificate\) expired/,
      async () =>
        bring([await issueAuthority("old", undefined, { ...years, notAfterMs: Date.now() - dayMs / 2 })]),
    ],
    [
      "not yet valid",
      /is not valid before/,
      async () =>
        bring([await issueAuthority("soon", undefined, { ...years, notBeforeMs: Date.now() + dayMs })]),
    ],
    [
      "ends before its first certificate would",
      /before a certificate that it would issue/,
      async () =>
        bring([await issueAuthority("brief", undefined, { ...years, notAfterMs: Date.now() + 3_600_000 })]),
    ],
    [
      "for servers only",
      /not for both clients and servers/,
      async () => bring([await issueAuthority("half", undefined, { ...years, purposes: ["serverAuth"] })]),
    ],
    [
      "no key",
      /the key cannot be used/,
      () => admin("POST", "/v1/ca/import", { certificatesPem: root.pem, privateKeyPem: "none" }),
    ],
  ];

  test.each(cases)("%s", async (_name, message, attempt) => {
    const { status, body } = await attempt();
    expect([status, body.code, body.message]).toEqual([
      400,
      "authority_invalid",
      expect.stringMatching(message),
    ]);
    expect(body.remedy).toBeTruthy();
    // Nothing was kept of it.
    expect(await roots()).toMatchObject([{ imported: false, signing: true }]);
  });

  test("more certificates than fit above a leaf", async () => {
    const chain = [root];
    for (let count = 0; count < 4; count += 1)
      chain.unshift(await issueAuthority(`level ${count}`, chain[0], years));
    expect((await bring(chain)).body.message).toMatch(/there are 5 certificates; at most 4/);
  });
});

test("the key is never shown, and not kept in clear", async () => {
  await bring();
  const pem = await exportPrivateKeyPem(issuing.keyPair.privateKey);
  const secret = pem.split("\n")[2]!;
  for (const path of ["/v1/ca", "/v1/trust", "/v1/audit", "/v1/certificates"])
    expect(JSON.stringify((await admin("GET", path)).body)).not.toContain(secret);
  await runInDurableObject(certificateAuthority(env as unknown as Env), (_object, state) => {
    const rows = state.storage.sql.exec("SELECT * FROM roots").toArray();
    expect(JSON.stringify(rows)).not.toContain(secret);
  });
});
