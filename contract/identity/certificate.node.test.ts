// Node's own X.509 (OpenSSL) as the second opinion on what we write.
import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { parseCertificate } from "./certificate-fields.ts";
import { issueAuthority, issueLeaf } from "./identity-fixture.ts";

test("OpenSSL reads our certificates as we do, and verifies them", async () => {
  const root = await issueAuthority("test root", undefined, { authority: { pathLength: 1 } });
  const leaf = await issueLeaf(root, "spiffe://isthmus.test/agent/a", {
    dnsNames: ["edge.localhost"],
    ipAddresses: ["127.0.0.1", "::1"],
    purposes: ["clientAuth", "serverAuth"],
  });
  const [openRoot, openLeaf] = [new X509Certificate(root.pem), new X509Certificate(leaf.pem)];
  expect(openRoot.ca).toBe(true);
  expect(openLeaf.ca).toBe(false);
  expect(openLeaf.checkIssued(openRoot)).toBe(true);
  expect(openLeaf.verify(openRoot.publicKey)).toBe(true);
  const fields = parseCertificate(leaf.der);
  expect(openLeaf.serialNumber.toLowerCase().replace(/^0+/, "")).toBe(fields.serial);
  expect(new Date(openLeaf.validTo).getTime()).toBe(fields.notAfterMs);
  expect(openLeaf.subjectAltName).toBe(
    "URI:spiffe://isthmus.test/agent/a, DNS:edge.localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
  );
  expect(openLeaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
});
