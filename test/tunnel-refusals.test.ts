// Who may open a tunnel: every case that must be refused, against the real front door's TLS and the real hub.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, type RawData } from "ws";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { createCsr } from "#contract/identity/csr.ts";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem, generateKeyPair, type CryptoKeyPair } from "#contract/identity/key-pair.ts";
import { decodePem, encodePem } from "#contract/identity/pem.ts";
import { signProof } from "#contract/identity/proof.ts";
import { issuedCertificateSchema } from "#contract/sync.ts";
import { agentSettings } from "#contract/tunnel/settings.ts";
import { AgentHandshake } from "#traffic/tunnel/agent-handshake.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { ask } from "./system/http.ts";
import { eventually, freePorts } from "./system/process.ts";

interface Identity {
  chain: Uint8Array[];
  keys: CryptoKeyPair;
}

interface Dial {
  tunnel?: string;
  /** Certificate of the TLS connection. */
  transport?: Identity | undefined;
  /** Certificate that the proof speaks of; the transport's unless given. */
  proved?: Identity;
  /** Key that signs the proof; that of the proved certificate unless given. */
  signer?: CryptoKeyPair;
  /** Sent in place of the proof. */
  replay?: Uint8Array;
  headers?: Record<string, string>;
}

interface Outcome {
  /** `ready`, or the code of the refusal. */
  verdict: string;
  proof?: Uint8Array;
  socket?: WebSocket;
}

let system: System;
let ca: string;
let port: number;
let good: Identity;
let thief: Identity;

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: 9 }] }]
`);
  ca = readFileSync(join(system.dataDirectory, "ca.pem"), "utf8");
  good = await joinAs("production");
  thief = await joinAs("thieves");
});

afterAll(() => system?.stop());

async function token(tunnel: string): Promise<string> {
  const made = await system.run("token", "join", "--tunnel", tunnel);
  expect(made.code).toBe(0);
  return made.stdout.trim();
}

async function joinAs(tunnel: string): Promise<Identity> {
  const keys = await generateKeyPair();
  const answer = await post("/.well-known/isthmus/join", {
    token: await token(tunnel),
    tunnel,
    csrPem: await createCsr(keys),
  });
  expect(answer.body).toContain("BEGIN CERTIFICATE");
  const issued = issuedCertificateSchema.parse(JSON.parse(answer.body));
  return { chain: decodePem("CERTIFICATE", issued.certificateChainPem), keys };
}

function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((done, fail) => {
    request(
      { host: "localhost", port: system.tunnelPort, path, method: "POST", ca, agent: false, headers },
      (incoming) => {
        let text = "";
        incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
        incoming.once("end", () => done({ status: incoming.statusCode ?? 0, body: text }));
      },
    )
      .once("error", fail)
      .end(JSON.stringify(body));
  });
}

async function dial({
  tunnel = "production",
  transport,
  proved = transport,
  signer,
  replay,
  headers = {},
}: Dial): Promise<Outcome> {
  const authority = `localhost:${system.tunnelPort}`;
  const path = "/.well-known/isthmus/tunnel";
  const socket = new WebSocket(`wss://${authority}${path}?tunnel=${tunnel}&shard=0`, {
    ca,
    headers,
    perMessageDeflate: false,
    ...(transport && {
      cert: transport.chain.map((der) => encodePem("CERTIFICATE", new Uint8Array(der))).join(""),
      key: await exportPrivateKeyPem(transport.keys.privateKey),
    }),
  });
  const handshake =
    proved &&
    new AgentHandshake({
      authority,
      path,
      certificateChain: proved.chain,
      serial: parseCertificate(new Uint8Array(proved.chain[0]!)).serial,
      sign: (input) => signProof((signer ?? proved.keys).privateKey, input),
      instance: "test",
      settings: agentSettings,
    });
  return new Promise((done, fail) => {
    let proof: Uint8Array | undefined;
    socket.once("unexpected-response", (_request, incoming) => {
      let text = "";
      incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
      incoming.once("end", () => done({ verdict: (JSON.parse(text) as { code: string }).code }));
    });
    socket.once("error", fail);
    socket.once("close", (code) => done({ verdict: `closed ${code}` }));
    socket.on("message", async (data: RawData) => {
      if (!handshake) return done({ verdict: "challenged without a certificate" });
      const step = await handshake.receive(new Uint8Array(data as Buffer), Math.floor(Date.now() / 1000));
      if (step.type === "send") {
        proof = step.message;
        return socket.send(replay ?? step.message);
      }
      socket.removeAllListeners("message");
      if (step.type === "ready") done({ verdict: "ready", socket, ...(proof && { proof }) });
      else done({ verdict: step.refused.code });
    });
  });
}

test("the rightful agent is let in", async () => {
  const { verdict, socket } = await dial({ transport: good });
  expect(verdict).toBe("ready");
  socket?.close();
});

describe("refused", () => {
  const cases: [name: string, verdict: RegExp, attempt: () => Promise<Dial>][] = [
    ["no certificate", /^certificate_missing$/, async () => ({})],
    [
      "no certificate, but headers that claim one",
      /^certificate_missing$/,
      async () => {
        const claimed = `:${Buffer.from(good.chain[0]!).toString("base64")}:`;
        const auth = { certPresented: "1", certVerified: "SUCCESS", certRFC9440: claimed };
        return {
          headers: {
            "client-cert": claimed,
            "cf-client-cert-der-base64": claimed,
            "isthmus-cf": JSON.stringify({ clientIp: "127.0.0.1:1", tlsClientAuth: auth }),
            "cf-blob": JSON.stringify({ tlsClientAuth: auth }),
          },
        };
      },
    ],
    [
      "another authority with the right name in the certificate",
      /^issuer_unknown$/,
      async () => {
        const root = await issueAuthority("Isthmus root");
        const now = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
        const leaf = await issueLeaf(root, "spiffe://isthmus.local/agent/production", now);
        return { transport: { chain: [leaf.der], keys: leaf.keyPair } };
      },
    ],
    ["the certificate of another tunnel", /^tunnel_mismatch$/, async () => ({ transport: thief })],
    [
      "a rightful certificate on another tunnel",
      /^tunnel_mismatch$/,
      async () => ({ tunnel: "other", transport: good }),
    ],
    [
      "a stolen certificate without its key, behind a TLS connection of the thief's own",
      /^(certificate_mismatch|tunnel_mismatch)$/,
      async () => ({ transport: thief, proved: good, signer: thief.keys }),
    ],
    [
      "a proof made with another key",
      /^proof_invalid$/,
      async () => ({ transport: good, signer: thief.keys }),
    ],
    [
      "a proof that was used before",
      /^proof_(invalid|replayed)$/,
      async () => {
        const first = await dial({ transport: good });
        first.socket?.close();
        return { transport: good, replay: first.proof! };
      },
    ],
  ];

  test.each(cases)("%s", async (_name, verdict, attempt) => {
    expect((await dial(await attempt())).verdict).toMatch(verdict);
  });

  test("a join token that was used, is for another tunnel, or was made up", async () => {
    const csrPem = await createCsr(await generateKeyPair());
    const once = await token("production");
    const attempts: [string, string, number][] = [
      [once, "other", 403],
      [once, "production", 200],
      [once, "production", 403],
      ["made-up", "production", 403],
    ];
    for (const [text, tunnel, status] of attempts) {
      const answer = await post("/.well-known/isthmus/join", { token: text, tunnel, csrPem });
      expect([answer.status, answer.body]).toEqual([status, expect.any(String)]);
    }
  });

  test("everything but joining, without a certificate; and tunnels on a listener for clients", async () => {
    for (const path of ["/", "/sync", "/renew", "/.well-known/isthmus/joined"]) {
      expect((await post(path, {})).status).toBe(403);
    }
    const answer = await ask({
      port,
      host: "localhost",
      path: "/.well-known/isthmus/join",
      method: "POST",
      body: "{}",
    });
    expect(answer.status).toBe(404);
  });

  test("a revoked certificate: the open connection is cut and no new one is let in", async () => {
    const { socket } = await dial({ transport: good });
    const cut = new Promise<number>((done) => socket!.once("close", done));
    const serial = parseCertificate(new Uint8Array(good.chain[0]!)).serial;
    const revoked = await system.run("certificate", "revoke", serial, "--reason", "stolen");
    expect([revoked.code, revoked.stderr]).toEqual([0, expect.any(String)]);
    // Within a heartbeat; how long that is on a busy machine is not for this test to say.
    await cut;
    await eventually("refused", async () => (await dial({ transport: good })).verdict === "revoked");
  });
});
