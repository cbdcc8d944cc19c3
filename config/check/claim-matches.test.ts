// Matches by claims need a token that is verified.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const content = `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    securityPolicy: { jwt: { optional: true, providers: [{ name: p, remoteJWKS: { uri: "https://issuer/jwks" } }] } }
    rules:
      - { matches: [{ claims: [{ name: sub, value: a }] }], backendRefs: [{ name: b }] }
      - matches: [{ not: [{ claims: [{ name: sub, type: Present }] }] }]
        securityPolicy: { inherit: false }
        backendRefs: [{ name: b }]
`;

test("where neither the rule nor its route verifies tokens, it is an error", () => {
  const { diagnostics } = loadConfig([{ name: "isthmus.yaml", content }]);
  expect(diagnostics.map(formatDiagnostic)).toEqual([
    expect.stringContaining("isthmus.yaml:8:19: error: this match asks for claims"),
  ]);
});

test("with the route's tokens it is none", () => {
  const inherits = content.replace("{ inherit: false }", "{ inherit: true }");
  expect(loadConfig([{ name: "isthmus.yaml", content: inherits }]).diagnostics).toEqual([]);
});
