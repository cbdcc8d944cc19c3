import { expect, test } from "vitest";
import { redactKeys } from "./redact-keys.ts";

const redact = (content: string): string => redactKeys([{ name: "f", content }])[0]!.content;

test("keys of Secrets, whatever they are written as; lines keep their numbers", () => {
  const text = `apiVersion: v1
kind: Secret
metadata: { name: a }
type: kubernetes.io/tls
data:
  tls.crt: Y2VydA==
  tls.key: >-
    c2Vjc
    mV0
after: 1
---
{ apiVersion: v1, kind: List, items: [ { kind: Secret, stringData: { "tls.key": "secret", other: x } } ] }
`;
  const redacted = redact(text);
  expect(redacted).not.toMatch(/c2Vjc|mV0|"secret"/);
  expect(redacted).toContain("tls.crt: Y2VydA==");
  expect(redacted.split("\n").indexOf("after: 1")).toBe(text.split("\n").indexOf("after: 1"));
  expect(redact(redacted)).toBe(redacted);
});

test("keys of a native listener; nothing else that is named like one", () => {
  const text = `listeners:
  - name: secure
    tls:
      certificates:
        - certificate: |
            -----BEGIN CERTIFICATE-----
          privateKey: |
            -----BEGIN PRIVATE KEY-----
            abc
routes: [{ privateKey: stays }]
`;
  expect(redact(text)).toBe(`listeners:
  - name: secure
    tls:
      certificates:
        - certificate: |
            -----BEGIN CERTIFICATE-----
          privateKey: ""


routes: [{ privateKey: stays }]
`);
});

test("the key of a backend's client certificate, and that of a Secret as Istio names it", () => {
  const backend = `backends: [{ name: b, tls: { clientCertificate: { certificate: c, privateKey: "secret" } } }]`;
  expect(redact(backend)).toBe(backend.replace('"secret"', '""'));
  const secret = "kind: Secret\nstringData: { cert: c, key: secret, cacert: a }\n";
  expect(redact(secret)).toBe(secret.replace("key: secret", 'key: ""'));
  // Where names are anybody's, `key` is one of them.
  const users = "kind: Secret\nstringData: { key: hash, other: hash }\n";
  expect(redact(users)).toBe(users);
});

test("a ConfigMap and files without keys stay as they are", () => {
  const text = "kind: ConfigMap\ndata: { tls.key: x }\n";
  expect(redact(text)).toBe(text);
});
