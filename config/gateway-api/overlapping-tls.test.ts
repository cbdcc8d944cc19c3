import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

test.each<[what: string, listeners: string[], overlapping: Record<string, string>]>([
  [
    "the example of the standard",
    ["a 443 foo.example.com", "b 443 foo.example.org", "c 443 *.example.com"],
    { a: "c", c: "a" },
  ],
  ["a wildcard below a wildcard", ["a 443 *.example.com", "b 443 *.foo.example.com"], { a: "b", b: "a" }],
  ["every host", ["a 443", "b 443 foo.example.com", "c 443 bar.example.org"], { a: "b", b: "a", c: "a" }],
  ["a wildcard and its own parent", ["a 443 *.example.com", "b 443 example.com"], {}],
  ["names in capitals", ["a 443 *.example.com", "b 443 FOO.example.com"], { a: "b", b: "a" }],
  ["other ports", ["a 443 foo.example.com", "b 8443 *.example.com"], {}],
  ["those in conflict", ["a 443 foo.example.com", "b 443 foo.example.com", "c 443 *.example.com"], {}],
  ["without TLS", ["a 80 foo.example.com HTTP", "b 80 *.example.com HTTP"], {}],
])("listeners that overlap: %s", (_what, listeners, overlapping) => {
  const { statuses = [] } = loadConfig([{ name: "manifests.yaml", content: gateway(listeners) }]);
  const found = statuses
    .flatMap(({ status }) => status.listeners ?? [])
    .flatMap(({ name, conditions }) =>
      conditions.filter(({ type }) => type === "OverlappingTLSConfig").map((one) => ({ name, ...one })),
    );
  expect(found.map(({ name }) => name)).toEqual(Object.keys(overlapping));
  for (const { name, status, reason, message } of found) {
    expect({ status, reason }).toEqual({ status: "True", reason: "OverlappingHostnames" });
    expect(message).toContain(`listener infra/web/${overlapping[name]} has `);
  }
});

/** `name port [hostname [protocol]]`. The Secrets are missing: overlapping does not depend on them. */
function gateway(listeners: readonly string[]): string {
  const items = listeners.map((text) => {
    const [name, port, hostname, protocol = "HTTPS"] = text.split(" ");
    return JSON.stringify({
      name,
      port: Number(port),
      protocol,
      hostname,
      ...(protocol === "HTTPS" && { tls: { certificateRefs: [{ name: "site" }] } }),
    });
  });
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: infra }
spec: { gatewayClassName: isthmus, listeners: [${items.join(", ")}] }
`;
}
