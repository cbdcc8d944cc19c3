import { expect, test } from "vitest";
import { issueAuthority } from "#contract/identity/identity-fixture.ts";
import { loadConfig, type LoadOptions } from "../load.ts";

const times = { notBeforeMs: 0, notAfterMs: 4_000_000_000_000 };
const { pem } = await issueAuthority("root", undefined, times);

const load = (backend: object, options: LoadOptions = {}) => {
  const endpoints = [{ address: "pod.internal", port: 1 }];
  const config = {
    listeners: [{ name: "web", protocol: "HTTP", port: 80 }],
    backends: [{ name: "b", endpoints, ...backend }],
  };
  return loadConfig([{ name: "f", content: JSON.stringify(config) }], options);
};
const codes = (backend: object, options?: LoadOptions): string[] =>
  load(backend, options)
    .diagnostics.filter(({ severity }) => severity === "error")
    .map(({ code, path }) => `${code} ${path}`);

test.each([
  ["TLS without TLS", { protocol: "GRPC", tls: {} }, "backend-tls-unexpected backends[0].tls"],
  [
    "two kinds of authorities",
    { protocol: "HTTPS", tls: { caFiles: ["a"], wellKnownCACertificates: "System" } },
    "field-value backends[0].tls",
  ],
  [
    "names that nobody verifies",
    {
      protocol: "HTTPS",
      tls: { insecureSkipVerify: true, subjectAltNames: [{ type: "Hostname", hostname: "a" }] },
    },
    "field-value backends[0].tls",
  ],
  [
    "text without a certificate",
    {
      protocol: "HTTPS",
      tls: { caCertificates: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
    },
    "backend-tls-certificate backends[0].tls.caCertificates",
  ],
  [
    "a key that would have to travel",
    {
      protocol: "HTTPS",
      tunnel: "t",
      tls: { clientCertificate: { certificate: pem, privateKey: "-----BEGIN PRIVATE KEY-----" } },
    },
    "backend-tls-key backends[0].tls.clientCertificate",
  ],
])("%s is an error", (_what, backend, expected) => {
  expect(codes(backend)).toEqual([expected]);
});

test.each([{ protocol: "GRPC" }, { protocol: "H2" }, { protocol: "HTTPS", tls: {} }])(
  "what the runtime cannot dial is the agent's of serve, and an error at the edge: %j",
  (backend) => {
    expect(load(backend).snapshot?.backends[0]?.tunnel).toBe("isthmus-serve");
    expect(codes(backend, { target: "edge" })).toEqual(["backend-tunnel-missing backends[0]"]);
    expect(load({ ...backend, tunnel: "t" }, { target: "edge" }).snapshot?.backends[0]?.tunnel).toBe("t");
  },
);

test.each([{}, { protocol: "HTTPS" }, { timeout: {} }, { timeout: { tcp: { connectTimeout: "1s" } } }])(
  "what it can dial stays direct: %j",
  (backend) => {
    expect(load(backend).snapshot?.backends[0]?.tunnel).toBeUndefined();
    expect(codes(backend, { target: "edge" })).toEqual([]);
  },
);

test("the snapshot has all of it but the key", () => {
  const tls = {
    hostname: "Orders.Internal",
    subjectAltNames: [{ type: "URI", uri: "spiffe://a/b" }],
    caCertificates: pem,
    clientCertificate: { certificate: pem, privateKey: "-----BEGIN PRIVATE KEY-----\nsecret" },
  };
  const { snapshot } = load({ protocol: "HTTPS", tls, timeout: { tcp: { connectTimeout: "250ms" } } });
  expect(snapshot?.backends[0]).toMatchObject({
    connectTimeoutMs: 250,
    tls: {
      hostname: "orders.internal",
      subjectAltNames: [{ type: "URI", uri: "spiffe://a/b" }],
      authorities: { pem },
      clientCertificate: { certificate: pem },
    },
  });
  expect(JSON.stringify(snapshot)).not.toContain("secret");
});
