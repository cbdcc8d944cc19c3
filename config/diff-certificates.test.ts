import { expect, test } from "vitest";
import { fixtureNowMs, issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { diffCertificates, servedCertificates, type ServedCertificates } from "./diff-certificates.ts";
import { loadConfig } from "./load.ts";

const dayMs = 86_400_000;
const root = await issueAuthority("root");
const leaf = (...dnsNames: string[]) => issueLeaf(root, "spiffe://isthmus.test/agent/a", { dnsNames });

const inline = (pem: string): string => `{ certificate: ${JSON.stringify(pem)}, privateKey: "" }`;

function served(certificates: readonly string[], port = 443): ServedCertificates {
  const content = `listeners: [{ name: web, protocol: HTTPS, port: ${port}, tls: { certificates: [${certificates.join(", ")}] } }]
`;
  const { model, diagnostics } = loadConfig([{ name: "f", content }]);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return servedCertificates(model!, (file) => (file === "there.pem" ? there.pem : undefined));
}
const there = await leaf("there.test");

test("the same certificates are no change, in whatever order", async () => {
  const [a, b] = [await leaf("a.test"), await leaf("b.test")];
  const before = served([inline(a.pem), inline(b.pem)]);
  expect(diffCertificates(before, served([inline(b.pem), inline(a.pem)]))).toEqual([]);
});

test("other names, another key, another end", async () => {
  const old = await leaf("www.a.test", "a.test");
  const other = await leaf("a.test", "b.test");
  expect(diffCertificates(served([inline(old.pem)]), served([inline(other.pem)]))).toEqual([
    {
      kind: "changed",
      port: 443,
      names: ["a.test", "b.test"],
      details: ["no longer for www.a.test", "also for b.test", "another key"],
    },
  ]);
  const longer = await issueLeaf(root, "spiffe://isthmus.test/agent/a", {
    dnsNames: ["a.test", "www.a.test"],
    notAfterMs: fixtureNowMs + 90 * dayMs,
  });
  const [change] = diffCertificates(served([inline(old.pem)]), served([inline(longer.pem)]));
  expect(change).toMatchObject({
    kind: "changed",
    details: ["another key", expect.stringMatching(/^until 2026-01-0\d -> until 2026-0[34]-\d\d$/)],
  });
});

test("added, removed, and those of other ports are apart", async () => {
  const [a, b] = [await leaf("a.test"), await leaf("b.test")];
  expect(diffCertificates(served([inline(a.pem)]), served([inline(b.pem)]))).toMatchObject([
    { kind: "removed", names: ["a.test"] },
    { kind: "added", names: ["b.test"], details: [expect.stringMatching(/^until 2026-/)] },
  ]);
  expect(diffCertificates(served([inline(a.pem)]), served([inline(a.pem)], 8443))).toMatchObject([
    { kind: "removed", port: 443 },
    { kind: "added", port: 8443 },
  ]);
});

test("certificates in files; of those that cannot be read nothing is said", () => {
  const file = (name: string): string => `{ certFile: ${name}, keyFile: a.key }`;
  expect(diffCertificates(served([file("there.pem")]), served([inline(there.pem)]))).toEqual([]);
  expect(diffCertificates(served([file("there.pem")]), served([file("gone.pem")]))).toEqual([]);
});
