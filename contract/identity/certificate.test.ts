import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { verifyCertificate } from "./certificate.ts";
import { parseCertificate } from "./certificate-fields.ts";
import type { IdentityErrorCode } from "./identity-error.ts";
import { IdentityError } from "./identity-error.ts";
import {
  type FixtureCertificate,
  fixtureNowMs as nowMs,
  fixtureTrust,
  issueAuthority,
  issueLeaf,
} from "./identity-fixture.ts";

const id = "spiffe://isthmus.test/agent/production";
let root: FixtureCertificate;
let leaf: FixtureCertificate;

beforeAll(async () => {
  root = await issueAuthority("test root");
  leaf = await issueLeaf(root, id);
});

async function refusal(promise: Promise<unknown>): Promise<IdentityErrorCode | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(IdentityError);
    return (error as IdentityError).code;
  }
}

describe("accepts", () => {
  test("a leaf of a trusted root, and says who it is", async () => {
    const identity = await verifyCertificate([leaf.der], fixtureTrust(root), nowMs);
    expect(identity).toMatchObject({
      spiffeId: id,
      tunnel: "production",
      notAfterMs: nowMs + 86_400_000 - (nowMs % 1000),
    });
    expect(identity.serial).toMatch(/^[1-9a-f][0-9a-f]{0,39}$/);
    expect(identity.leafDer).toEqual(leaf.der);
  });

  test("the root sent along", async () => {
    await verifyCertificate([leaf.der, root.der], fixtureTrust(root), nowMs);
  });

  test("a chain over an intermediate", async () => {
    const intermediate = await issueAuthority("intermediate", root, { authority: { pathLength: 0 } });
    const below = await issueLeaf(intermediate, id);
    await verifyCertificate([below.der, intermediate.der], fixtureTrust(root), nowMs);
  });

  test("any of several roots, while a root is rotated", async () => {
    const next = await issueAuthority("test root");
    const trust = fixtureTrust(root, { rootsPem: [next.pem, root.pem] });
    await verifyCertificate([leaf.der], trust, nowMs);
    await verifyCertificate([(await issueLeaf(next, id)).der], trust, nowMs);
  });

  test("the first and the last instant of the validity period", async () => {
    const { notBeforeMs, notAfterMs } = parseCertificate(leaf.der);
    await verifyCertificate([leaf.der], fixtureTrust(root), notBeforeMs);
    await verifyCertificate([leaf.der], fixtureTrust(root), notAfterMs);
    expect(await refusal(verifyCertificate([leaf.der], fixtureTrust(root), notBeforeMs - 1))).toBe(
      "not_yet_valid",
    );
    expect(await refusal(verifyCertificate([leaf.der], fixtureTrust(root), notAfterMs + 1))).toBe("expired");
  });
});

type Case = [string, IdentityErrorCode, () => Promise<Uint8Array[]>];
const one = async (promise: Promise<FixtureCertificate>): Promise<Uint8Array[]> => [(await promise).der];
const cases: Case[] = [
  ["no certificate", "certificate_missing", async () => []],
  ["five certificates", "certificate_malformed", async () => Array.from({ length: 5 }, () => leaf.der)],
  ["bytes that are no certificate", "certificate_malformed", async () => [new Uint8Array([1, 2, 3])]],
  ["a byte after the certificate", "certificate_malformed", async () => [Uint8Array.from([...leaf.der, 0])]],
  ["a certificate over the size bound", "certificate_malformed", async () => [new Uint8Array(16_385)]],
  [
    "another authority of the same name",
    "issuer_unknown",
    async () => one(issueLeaf(await issueAuthority("test root"), id)),
  ],
  ["a self-signed leaf", "issuer_unknown", () => one(issueLeaf({ ...leaf, commonName: "" }, id))],
  [
    "a leaf that issued a leaf",
    "issuer_unknown",
    async () => {
      const below = await issueLeaf({ ...leaf, commonName: "" }, id);
      return [below.der, leaf.der];
    },
  ],
  [
    "an intermediate below a path length of 0",
    "issuer_unknown",
    async () => {
      const first = await issueAuthority("first", root, { authority: { pathLength: 0 } });
      const second = await issueAuthority("second", first);
      return [(await issueLeaf(second, id)).der, second.der, first.der];
    },
  ],
  [
    "an intermediate that has expired",
    "expired",
    async () => {
      const old = await issueAuthority("old", root, { notAfterMs: nowMs - 1000 });
      return [(await issueLeaf(old, id)).der, old.der];
    },
  ],
  ["an expired leaf", "expired", () => one(issueLeaf(root, id, { notAfterMs: nowMs - 1000 }))],
  [
    "a leaf that is not valid yet",
    "not_yet_valid",
    () => one(issueLeaf(root, id, { notBeforeMs: nowMs + 2000 })),
  ],
  [
    "an authority's certificate as a leaf",
    "certificate_malformed",
    () => one(issueLeaf(root, id, { authority: {} })),
  ],
  [
    "a server's certificate",
    "certificate_malformed",
    () => one(issueLeaf(root, id, { purposes: ["serverAuth"] })),
  ],
  ["no URI name", "spiffe_id_invalid", () => one(issueLeaf(root, id, { uris: [] }))],
  ["two URI names", "spiffe_id_invalid", () => one(issueLeaf(root, id, { uris: [id, id] }))],
  [
    "the id of a workload that is no agent",
    "spiffe_id_invalid",
    () => one(issueLeaf(root, "spiffe://isthmus.test/ns/a/sa/b")),
  ],
  [
    "another trust domain",
    "trust_domain_mismatch",
    () => one(issueLeaf(root, "spiffe://evil.test/agent/production")),
  ],
];

test.each(cases)("refuses %s: %s", async (_name, code, chain) => {
  expect(await refusal(verifyCertificate(await chain(), fixtureTrust(root), nowMs))).toBe(code);
});

test("refuses a revoked serial", async () => {
  const trust = fixtureTrust(root, { revokedSerials: [parseCertificate(leaf.der).serial] });
  expect(await refusal(verifyCertificate([leaf.der], trust, nowMs))).toBe("revoked");
});

test("refuses an expired root", async () => {
  const old = await issueAuthority("old root", undefined, { notAfterMs: nowMs - 1000 });
  const chain = [(await issueLeaf(old, id)).der];
  expect(await refusal(verifyCertificate(chain, fixtureTrust(old), nowMs))).toBe("expired");
});

test("no change of any byte passes, and no bytes throw anything but IdentityError", async () => {
  const mutation = fc.record({ at: fc.nat(leaf.der.length - 1), to: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(mutation, async ({ at, to }) => {
      if (leaf.der[at] === to) return;
      const mutant = Uint8Array.from(leaf.der);
      mutant[at] = to;
      expect(await refusal(verifyCertificate([mutant], fixtureTrust(root), nowMs))).toBeDefined();
    }),
    { seed: 20_261_102, numRuns: 400 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await refusal(verifyCertificate([bytes], fixtureTrust(root), nowMs))).toBe(
        "certificate_malformed",
      );
    }),
    { seed: 20_261_103, numRuns: 200 },
  );
});
