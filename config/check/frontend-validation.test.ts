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

test("the listeners of a port validate alike", () => {
  expect(findings(listener("a", ca), listener("b", ca))).toEqual([]);
  expect(findings(listener("a", ca), listener("b", ca, "protocol: HTTPS, port: 444"))).toEqual([]);
  expect(findings(listener("a", ca), listener("b", "mode: Terminate"))).toEqual([
    expect.stringContaining(
      'error: port 443 validates certificates of clients otherwise for listener "a" (at listeners[1].tls) [listener-conflict]',
    ),
  ]);
});

test("only where requests are seen", () => {
  expect(findings(listener("a", ca, "protocol: TLS, port: 443"))).toContainEqual(
    expect.stringMatching(
      /certificates of clients are validated on HTTPS listeners only .*\[listener-tls-unexpected\]$/,
    ),
  );
});

test("authorities from files, or as text: one of them", () => {
  for (const validation of ["{}", "{ caFiles: [a], caCertificates: '-----BEGIN CERTIFICATE-----' }"]) {
    expect(findings(listener("a", `frontendValidation: ${validation}`))).toEqual([
      expect.stringContaining("expected caFiles or caCertificates"),
    ]);
  }
});
