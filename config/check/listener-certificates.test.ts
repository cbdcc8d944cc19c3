import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { fixtureNowMs, issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { loadConfig } from "../load.ts";

const dayMs = 86_400_000;

async function findings(
  dnsNames: readonly string[],
  { days = 90, hosts = ["www.example.com"] }: { days?: number; hosts?: string[] } = {},
): Promise<string[]> {
  const root = await issueAuthority("root");
  const leaf = await issueLeaf(root, "spiffe://isthmus.test/agent/a", {
    dnsNames: [...dnsNames],
    notAfterMs: fixtureNowMs + days * dayMs,
  });
  const content = `listeners: [{ name: web, protocol: HTTPS, port: 443, tls: { certificates: [{ certFile: a.pem, keyFile: a.key }] } }]
routes: [{ name: r, hostnames: [${hosts.map((host) => JSON.stringify(host)).join(", ")}], rules: [{ backendRefs: [{ name: b }] }] }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
`;
  const read = (file: string): string | undefined => (file === "a.pem" ? leaf.pem : undefined);
  const { diagnostics } = loadConfig([{ name: "f", content }], {
    certificates: { nowMs: fixtureNowMs, read },
  });
  return diagnostics.map(formatDiagnostic);
}

test("names, exact and wildcard, in any case", async () => {
  expect(await findings(["WWW.example.com"])).toEqual([]);
  expect(await findings(["*.example.com"])).toEqual([]);
  expect(await findings(["*.example.com"], { hosts: ["*.example.com"] })).toEqual([]);
});

test("a wildcard stands for one label, and a wildcard host needs one", async () => {
  const [deep] = await findings(["*.example.com"], { hosts: ["a.b.example.com", "example.com"] });
  expect(deep).toContain(
    "no certificate of the listener covers a.b.example.com, example.com; they are for *.example.com",
  );
  const [wild] = await findings(["www.example.com"], { hosts: ["*.example.com"] });
  expect(wild).toContain("covers *.example.com");
});

test("what has ended, and what ends soon", async () => {
  expect(await findings(["www.example.com"], { days: 22 })).toEqual([]);
  expect((await findings(["www.example.com"], { days: 20 }))[0]).toMatch(
    /warning: the certificate expires on 2026-01-22 .*\[certificate-expiring\]/,
  );
  expect((await findings(["www.example.com"], { days: -1 / 86_400 }))[0]).toMatch(
    /has expired on 2026-01-02/,
  );
});

test("text that is no certificate", () => {
  const content = `listeners: [{ name: web, protocol: HTTPS, port: 443, tls: { certificates: [{ certFile: a.pem, keyFile: a.key }] } }]\n`;
  for (const pem of ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
    const certificates = { nowMs: fixtureNowMs, read: () => pem };
    const { diagnostics } = loadConfig([{ name: "f", content }], { certificates });
    expect(diagnostics.map(({ code }) => code)).toContain("certificate-unreadable");
  }
});
