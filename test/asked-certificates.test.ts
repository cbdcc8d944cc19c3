// What rules ask of the certificate that a client has shown at a listener that lets everyone in.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FixtureCertificate, issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

interface ClientKey {
  readonly cert: string;
  readonly key: string;
}

let origin: EchoServer;
let system: System;
let port: number;
let orders: ClientKey;
let stranger: ClientKey;
let expired: ClientKey;
let named: ClientKey;

const dayMs = 86_400_000;
const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };

async function clientKey(
  issuer: FixtureCertificate,
  changes: Parameters<typeof issueLeaf>[2] = valid,
): Promise<ClientKey> {
  const leaf = await issueLeaf(issuer, "spiffe://example.org/ns/shop/sa/orders", changes);
  return { cert: leaf.pem, key: await exportPrivateKeyPem(leaf.keyPair.privateKey) };
}

beforeAll(async () => {
  const root = await issueAuthority("clients", undefined, valid);
  orders = await clientKey(root);
  stranger = await clientKey(await issueAuthority("other clients", undefined, valid));
  expired = await clientKey(root, { ...valid, notAfterMs: Date.now() - 1000 });
  named = await clientKey(root, { ...valid, commonName: "wéb, shop" });
  origin = await startEchoServer("origin");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(
    `
listeners:
  - name: lenient
    protocol: HTTPS
    port: ${port}
    tls: { frontendValidation: { caFiles: [ca.pem], mode: AllowInsecureFallback } }
routes:
  - name: all
    rules:
      - matches: [{ path: { value: /asked } }]
        securityPolicy: { clientCertificate: { headers: &told { certificate: ssl-client-cert, verification: ssl-client-verify, subject: ssl-client-subject-dn, issuer: ssl-client-issuer-dn } } }
        backendRefs: [{ name: origin }]
      - matches: [{ path: { value: /asked/named } }]
        securityPolicy: { clientCertificate: { subject: ".*CN=w.*shop.*" } }
        filters: [{ type: DirectResponse, directResponse: { statusCode: 200, body: { inline: "{}" } } }]
      - matches: [{ path: { value: /asked/or-none } }]
        securityPolicy: { clientCertificate: { mode: AllowValidOrNone, headers: *told } }
        backendRefs: [{ name: origin }]
      - matches: [{ path: { value: /asked/whoever } }]
        securityPolicy: { clientCertificate: { mode: AllowInsecureFallback, headers: *told } }
        backendRefs: [{ name: origin }]
backends:
  - { name: origin, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }
`,
    ["--dev-tls", "--processes", "1"],
    { files: { "ca.pem": root.pem } },
  );
});
afterAll(() => Promise.all([system?.stop(), origin?.stop()]));

const get = (path: string, client?: ClientKey, headers: Record<string, string> = {}): Promise<Answer> =>
  ask({ port, host: "localhost", path, headers, tls: { ...client } });

describe("what a rule asks of the certificate", () => {
  const status = async (path: string, client?: ClientKey): Promise<number> =>
    (await get(path, client)).status;

  test("400 without a valid one, also in front of an answer", async () => {
    for (const path of ["/asked", "/asked/named"]) {
      for (const client of [undefined, stranger, expired]) expect(await status(path, client)).toBe(400);
    }
    expect(await status("/asked", orders)).toBe(200);
  });

  test("403 for another subject", async () => {
    expect(await status("/asked/named", orders)).toBe(403);
    expect(await status("/asked/named", named)).toBe(200);
  });

  test("none, but not one that is invalid; or whatever there is", async () => {
    expect(await status("/asked/or-none")).toBe(200);
    expect(await status("/asked/or-none", expired)).toBe(400);
    expect(await status("/asked/whoever", expired)).toBe(200);
  });

  const seen = (answer: Answer): Echo["headers"] => (JSON.parse(answer.body) as Echo).headers;

  test("the endpoint hears of it, and nothing that the client says", async () => {
    const forged = {
      "ssl-client-verify": "SUCCESS",
      "ssl-client-subject-dn": "CN=root",
      "ssl-client-cert": "x",
      ssl_client_issuer_dn: "CN=root",
    };
    const told = seen(await get("/asked", named, forged));
    expect(told).toMatchObject({
      "ssl-client-verify": "SUCCESS",
      "ssl-client-subject-dn": "CN=w\\C3\\A9b\\, shop",
      "ssl-client-issuer-dn": "CN=clients",
    });
    expect(told).not.toHaveProperty("ssl_client_issuer_dn");
    expect(decodeURIComponent(String(told["ssl-client-cert"])).trim()).toBe(named.cert.trim());
    const nobody = seen(await get("/asked/or-none", undefined, forged));
    expect(nobody["ssl-client-verify"]).toBe("NONE");
    for (const name of ["ssl-client-subject-dn", "ssl-client-cert", "ssl-client-issuer-dn"]) {
      expect(nobody).not.toHaveProperty(name);
    }
  });
});
