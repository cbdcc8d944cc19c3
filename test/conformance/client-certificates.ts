// Certificates of clients (GEP-91): the suite's tests by name.
import { expect } from "vitest";
import type { ConformanceTest } from "./conformance-test.ts";
import { to, v1 } from "./http-route-manifests.ts";
import { baseServices, gateway, getOverTls, indent, route, secret } from "./world.ts";

function validation(name: string, mode: string, expected: (port: number) => Promise<void>): ConformanceTest {
  return {
    name,
    support: "extended",
    ports: ["https"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: https, port: ${world.ports["https"]}, protocol: HTTPS, tls: { certificateRefs: [{ name: site }] } }`,
      ).replace(
        "  listeners:",
        `  tls: { frontend: { default: { validation: { mode: ${mode}, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }] } } } }\n  listeners:`,
      ) +
      secret(world.namespace, "site", world) +
      `---
apiVersion: v1
kind: ConfigMap
metadata: { name: ca, namespace: ${world.namespace} }
data:
  ca.crt: |
${indent(world.certificate.cert, 4)}
` +
      baseServices(world) +
      route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`),
    run: ({ ports }) => expected(ports["https"]!),
  };
}

export const clientCertificates: readonly ConformanceTest[] = [
  validation("GatewayFrontendClientCertificateValidation", "AllowValidOnly", async (port) => {
    await expect(getOverTls(port, "example.org", "example.org", "/")).rejects.toThrow();
  }),
  validation(
    "GatewayFrontendClientCertificateValidationInsecureFallback",
    "AllowInsecureFallback",
    async (port) => {
      expect(await getOverTls(port, "example.org", "example.org", "/")).toBe(v1);
    },
  ),
];
