// Certificates of clients: listeners that contradict each other, or that have no use for them.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const ca = "frontendValidation: { caFiles: [ca.pem] }";
const listener = (name: string, tls: string, more = "protocol: HTTPS, port: 443"): string =>
  `  - { name: ${name}, ${more}, hostnames: [${name}.test], tls: { certificates: [{ certFile: a, keyFile: a }], ${tls} } }`;

function findings(...listeners: string[]): string[] {
  const content = `listeners:\n${listeners.join("\n")}\n`;
  const { diagnostics } = loadConfig([{ name: "isthmus.yaml", content }]);
  return diagnostics.map((one) =>
    formatDiagnostic(one)
      .split("\n")[0]!
      .replace(/^isthmus.yaml:/, ""),
  );
}

test("HTTPS listeners of a port may validate each in its own way, TLS listeners may not", () => {
  expect(findings(listener("a", ca), listener("b", "mode: Terminate"))).toEqual([]);
  const tls = "protocol: TLS, port: 443";
  expect(findings(listener("a", ca, tls), listener("b", "mode: Terminate", tls))).toContainEqual(
    expect.stringContaining(
      'error: port 443 validates certificates of clients otherwise for listener "a" (at listeners[1].tls) [listener-conflict]',
    ),
  );
});

test("only where TLS ends", () => {
  expect(findings(listener("a", ca, "protocol: TLS, port: 443"))).toEqual([
    expect.stringContaining("[listener-unrouted]"),
  ]);
  const passed =
    "  - { name: a, protocol: TLS, port: 443, tls: { mode: Passthrough, frontendValidation: { caFiles: [ca.pem] } } }";
  expect(findings(passed)).toContainEqual(
    expect.stringMatching(/only its endpoints see certificates of clients .*\[listener-tls-unexpected\]$/),
  );
});

test("lists of revoked certificates from files, or as text: one of them", () => {
  const list = "crls: '-----BEGIN X509 CRL-----'";
  expect(findings(listener("a", `frontendValidation: { caFiles: [a], ${list} }`))).toEqual([]);
  expect(findings(listener("a", `frontendValidation: { caFiles: [a], crlFiles: [b], ${list} }`))).toEqual([
    expect.stringContaining("expected crlFiles or crls, not both"),
  ]);
});

test("authorities from files, or as text: one of them", () => {
  for (const validation of ["{}", "{ caFiles: [a], caCertificates: '-----BEGIN CERTIFICATE-----' }"]) {
    expect(findings(listener("a", `frontendValidation: ${validation}`))).toEqual([
      expect.stringContaining("expected caFiles or caCertificates"),
    ]);
  }
});
