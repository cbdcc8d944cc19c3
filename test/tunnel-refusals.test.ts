// Who may open a tunnel: every case that must be refused, against the real front door's TLS and the real hub, and that both
// ends' logs say why. The authority is the test's own, so that there are certificates that no authority should issue.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { createCsr } from "#contract/identity/csr.ts";
import { type FixtureCertificate, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem, generateKeyPair } from "#contract/identity/key-pair.ts";
import { decodePem } from "#contract/identity/pem.ts";
import { issuedCertificateSchema } from "#contract/sync.ts";
import { dialledProtocols } from "#contract/tunnel/target.ts";
import { TunnelConnection } from "../origin-agent/connection.ts";
import { createLog } from "../origin-agent/log.ts";
import { chainPem, type Dial, dialTunnel, type Identity, type Outcome } from "./system/dial-tunnel.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { ownAuthority, type OwnAuthority } from "./system/own-authority.ts";
import { eventually, freePorts } from "./system/process.ts";

const spiffeId = "spiffe://isthmus.local/agent/production";
let scratch: string;
let authority: OwnAuthority;
let system: System;
let ca: string;
let port: number;
let good: Identity;
let thief: Identity;

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  scratch = await mkdtemp(join(tmpdir(), "isthmus-refusals-"));
  authority = await ownAuthority("refusals");
  const files = { cert: join(scratch, "chain.pem"), key: join(scratch, "issuing.key") };
  await writeFile(files.cert, authority.chainPem);
  await writeFile(files.key, authority.keyPem, { mode: 0o600 });
  system = await startSystem(
    `
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: 9 }] }]
`,
    ["--ca-cert", files.cert, "--ca-key", files.key],
  );
  ca = await readFile(join(system.dataDirectory, "ca.pem"), "utf8");
  good = await joinAs("production");
  thief = await joinAs("thieves");
});

afterAll(async () => {
  await system?.stop();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

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

const dial = (attempt: Dial): Promise<Outcome> => dialTunnel({ port: system.tunnelPort, ca }, attempt);

const hourMs = 3_600_000;
const now = () => ({ notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + hourMs });

/** As the authority would issue it, but for `changes`. */
async function issued(
  changes: Parameters<typeof issueLeaf>[2] = {},
  id = spiffeId,
  issuer = authority.issuing,
  above: readonly FixtureCertificate[] = [authority.issuing],
): Promise<Identity> {
  const leaf = await issueLeaf(issuer, id, { ...now(), ...changes });
  return { chain: [leaf.der, ...above.map(({ der }) => der)], keys: leaf.keyPair };
}

/** What the agent itself makes of an identity: the line of its log with which it gives up. */
async function agentSays(identity: Identity): Promise<string> {
  const lines: string[] = [];
  const leaf = parseCertificate(new Uint8Array(identity.chain[0]!));
  const connection = new TunnelConnection({
    edge: `https://localhost:${system.tunnelPort}`,
    edgeSocket: undefined,
    tunnel: "production",
    shard: 0,
    instance: "test",
    identity: {
      format: 1,
      tunnel: "production",
      spiffeId,
      serial: leaf.serial,
      notBeforeMs: leaf.notBeforeMs,
      notAfterMs: leaf.notAfterMs,
      privateKeyPem: await exportPrivateKeyPem(identity.keys.privateKey),
      certificateChainPem: chainPem(identity),
      trustBundlePem: ca,
    },
    log: createLog((line) => void lines.push(line), Date.now),
    routeStream: () => "refused",
    readEdgeRoots: async () => ca,
    onMessage: () => undefined,
    onRefused: () => undefined,
  });
  const ready = await connection.ready;
  connection.terminate();
  await connection.closed;
  return ready ? "ready" : (lines.find((line) => line.includes("connection_failed")) ?? "nothing");
}

/** Waits for a line of the edge's log from `mark` on. */
async function edgeSays(mark: number, pattern: RegExp): Promise<void> {
  const since = (): string => system.program.output().slice(mark);
  await eventually(`the edge's log has ${pattern}`, async () => pattern.test(since()));
}

function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  named?: number,
): Promise<{ status: number; body: string }> {
  return new Promise((done, fail) => {
    request(
      {
        host: "localhost",
        port: system.tunnelPort,
        path,
        method: "POST",
        ca,
        agent: false,
        headers,
        ...(named !== undefined && { ALPNProtocols: dialledProtocols(named) }),
      },
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

test("the rightful agent is let in, and so is any certificate that the authority could have issued", async () => {
  expect(await agentSays(await issued())).toBe("ready");
  for (const named of [0, undefined]) {
    const { verdict, socket } = await dial({ transport: good, named });
    expect(verdict).toBe("ready");
    socket?.close();
  }
});

test("the shard of the handshake is the shard of the request, and one that there is", async () => {
  expect((await dial({ transport: good, named: 1, shard: 0 })).verdict).toBe("shard_mismatch");
  const { verdict, socket } = await dial({ transport: good, named: 1, shard: 1 });
  expect(verdict).toBe("ready");
  socket?.close();
  // Its TLS ends where that of an agent ends which names none.
  expect((await dial({ transport: good, named: 999, shard: 999 })).verdict).toBe("tunnel_invalid");
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

  describe.each([
    ["where the hub ends TLS", 0],
    ["where the front door ends TLS", undefined],
  ])("%s", (_where, named) => {
    test.each(cases)("%s", async (_name, verdict, attempt) => {
      const dialled = await attempt();
      const mark = system.program.output().length;
      const { verdict: told } = await dial({ ...dialled, named });
      expect(told).toMatch(verdict);
      await edgeSays(mark, new RegExp(`refused.*${told}`));
    });

    test("everything else without a certificate, but joining", async () => {
      const who = named === undefined ? "tunnel-door" : "hub-0";
      for (const path of ["/", "/sync", "/renew", "/.well-known/isthmus/joined"]) {
        const mark = system.program.output().length;
        expect(await post(path, {}, {}, named)).toMatchObject({ status: 403 });
        await edgeSays(mark, new RegExp(`^${who}: refused POST ${path} .*certificate_missing$`, "m"));
      }
      const joining = await post("/.well-known/isthmus/join", {}, {}, named);
      expect([joining.status, joining.body]).toEqual([400, expect.stringContaining("join_request_invalid")]);
    });
  });

  const certificates: [name: string, code: string, make: () => Promise<Identity>][] = [
    [
      "of another authority, with the right name",
      "issuer_unknown",
      async () => {
        const other = await ownAuthority("refusals");
        return issued({}, spiffeId, other.issuing, [other.issuing]);
      },
    ],
    [
      "of another authority that sends its root along",
      "issuer_unknown",
      async () => {
        const other = await ownAuthority("refusals");
        return issued({}, spiffeId, other.issuing, [other.issuing, other.root]);
      },
    ],
    ["without the intermediate", "issuer_unknown", () => issued({}, spiffeId, authority.issuing, [])],
    ["expired", "expired", () => issued({ notAfterMs: Date.now() - 1_000 })],
    ["not yet valid", "not_yet_valid", () => issued({ notBeforeMs: Date.now() + hourMs / 2 })],
    ["for servers", "issuer_unknown", () => issued({ purposes: ["serverAuth"] })],
    [
      "of a workload that is no agent",
      "spiffe_id_invalid",
      () => issued({}, "spiffe://isthmus.local/ns/default/sa/web"),
    ],
    [
      "with a URI of another scheme",
      "spiffe_id_invalid",
      () => issued({}, "https://isthmus.local/agent/production"),
    ],
    ["with two names", "spiffe_id_invalid", () => issued({ uris: [spiffeId, `${spiffeId}2`] })],
    ["without a name", "spiffe_id_invalid", () => issued({ uris: [] })],
    ["of another tunnel", "tunnel_mismatch", () => issued({}, "spiffe://isthmus.local/agent/staging")],
    [
      "of another trust domain",
      "trust_domain_mismatch",
      () => issued({}, "spiffe://elsewhere.example/agent/production"),
    ],
  ];

  test.each(certificates)(
    "a certificate %s: %s, in the edge's log and in the agent's",
    async (_name, code, make) => {
      const mark = system.program.output().length;
      const line = await agentSays(await make());
      expect(line).toMatch(new RegExp(`the (edge|hub) refused .*\\b${code}\\b`));
      await edgeSays(mark, new RegExp(`"event":"tunnel_refused".*"code":"${code}".*"reason":".+"`));
    },
  );

  test("a join token that was used, has expired, is for another tunnel, or was made up", async () => {
    const csrPem = await createCsr(await generateKeyPair());
    const once = await token("production");
    const brief = await system.run("token", "join", "--tunnel", "production", "--expires", "1s", "--json");
    const { token: late, expiresAtMs } = JSON.parse(brief.stdout) as { token: string; expiresAtMs: number };
    await sleep(Math.max(0, expiresAtMs - Date.now() + 1));
    const attempts: [string, string, number, string][] = [
      [once, "other", 403, "join_token_wrong_tunnel"],
      [once, "production", 200, "certificateChainPem"],
      [once, "production", 403, "join_token_invalid"],
      [late, "production", 403, "join_token_expired"],
      ["made-up", "production", 403, "join_token_invalid"],
    ];
    for (const [text, tunnel, status, word] of attempts) {
      const mark = system.program.output().length;
      const answer = await post("/.well-known/isthmus/join", { token: text, tunnel, csrPem });
      expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(word)]);
      if (status === 403) await edgeSays(mark, new RegExp(`"event":"join_refused".*"code":"${word}"`));
    }
  });

  test("tunnels on a listener for clients", async () => {
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
