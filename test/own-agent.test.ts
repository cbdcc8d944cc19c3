// Endpoints that the Workers runtime cannot dial, under `isthmus serve` alone: its own agent reaches them (decision 0013).
// Real servers with certificates of their own authority, HTTP/2, gRPC, and one that answers no SYN.
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect as connectHttp2, createSecureServer, type Http2SecureServer } from "node:http2";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { Client, credentials, Metadata, Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Status } from "#contract/admin.ts";
import type { Stats } from "#contract/stats.ts";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { createAuthority, type TestAuthority } from "../origin-agent/testing/authority.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { runIsthmus, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";
import { startUnanswered, type Unanswered } from "./system/unanswered.ts";

const host = "app.example.com";
const name = "pod.internal";
const identity = { dnsNames: [name], uris: ["spiffe://example.com/ns/a/sa/pod"] };

let house: TestAuthority;
let system: System;
let port: number;
let unanswered: Unanswered;
/** Speaks no TLS. */
let cleartext: EchoServer;
let client: { cert: string; key: string };
let grpc: { server: GrpcServer; port: number };
/** Servers of HTTPS, by what is special about them. */
const pods = new Map<string, Server>();
let pod2: Http2SecureServer;

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** Tells what it has seen of the connection. */
async function startPod(
  what: string,
  certificate: { key: string; cert: string },
  clientCa?: string,
): Promise<void> {
  const server = createServer(
    { ...certificate, ...(clientCa !== undefined && { ca: clientCa, requestCert: true }) },
    (request, response) => {
      const { servername } = request.socket as TLSSocket;
      const subject = (request.socket as TLSSocket).getPeerCertificate().subjectaltname;
      response.end(JSON.stringify({ servername, host: request.headers.host, client: subject }));
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  pods.set(what, server);
}

async function startHttp2Pod(): Promise<void> {
  pod2 = createSecureServer({ ...(await house.issueServer(identity)), allowHTTP1: false });
  pod2.on("stream", (stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "x-trailer": "there" }));
    stream.end("over HTTP/2");
  });
  pod2.listen(0, "127.0.0.1");
  await once(pod2, "listening");
}

const asIs = (bytes: Buffer): Buffer => bytes;
const unary = {
  path: "/test.Echo/Unary",
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

/** Takes nobody without a certificate of the clients' authority. */
async function startGrpcPod(clientCa: string): Promise<void> {
  const { key, cert } = await house.issueServer(identity);
  const server = new GrpcServer();
  server.addService(
    { unary },
    {
      unary(call: { request: Buffer }, done: (error: null, answer: Buffer, trailer: Metadata) => void) {
        const trailer = new Metadata();
        trailer.set("x-trailer", "2");
        done(null, Buffer.from(`echo ${call.request.toString()}`), trailer);
      },
    },
  );
  const secure = ServerCredentials.createSsl(
    Buffer.from(clientCa),
    [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }],
    true,
  );
  const bound = await new Promise<number>((done, fail) =>
    server.bindAsync("127.0.0.1:0", secure, (error, at) => (error ? fail(error) : done(at))),
  );
  grpc = { server, port: bound };
}

const backend = (what: string, protocol: string, at: number, more: object = {}): string =>
  `  - ${JSON.stringify({ name: what, protocol, endpoints: [{ address: "127.0.0.1", port: at }], ...more })}\n`;

beforeAll(async () => {
  house = await createAuthority("house");
  const stranger = await createAuthority("stranger");
  const valid = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const clients = await issueAuthority("clients", undefined, valid);
  const leaf = await issueLeaf(clients, "spiffe://example.com/ns/edge/sa/gateway", valid);
  client = { cert: leaf.pem, key: await exportPrivateKeyPem(leaf.keyPair.privateKey) };
  await startPod("plain", await house.issueServer(identity));
  await startPod("stranger", await stranger.issueServer(identity));
  await startPod("other name", await house.issueServer({ dnsNames: ["other.internal"] }));
  await startPod("expired", await house.issueServer({ ...identity, notAfterMs: Date.now() - 30_000 }));
  cleartext = await startEchoServer("cleartext");
  await startPod("mutual", await house.issueServer(identity), clients.pem);
  await startHttp2Pod();
  await startGrpcPod(clients.pem);
  unanswered = await startUnanswered();
  [port] = (await freePorts(1)) as [number];
  const at = (what: string): number => portOf(pods.get(what)!);
  const tls = { hostname: name, caFiles: ["house.pem"] };
  const clientCertificate = { certFile: "client.crt", keyFile: "client.key" };
  const backends = [
    backend("verified", "HTTPS", at("plain"), { tls }),
    backend("inline", "HTTPS", at("plain"), { tls: { hostname: name, caCertificates: house.rootPem } }),
    backend("by-uri", "HTTPS", at("plain"), {
      tls: {
        ...tls,
        hostname: "sni.internal",
        subjectAltNames: [{ type: "URI", uri: "spiffe://example.com/ns/a/sa/pod" }],
      },
    }),
    backend("untrusted", "HTTPS", at("stranger"), { tls }),
    backend("unverified", "HTTPS", at("stranger"), { tls: { insecureSkipVerify: true } }),
    backend("misnamed", "HTTPS", at("other name"), { tls }),
    backend("expired", "HTTPS", at("expired"), { tls }),
    backend("cleartext", "HTTPS", cleartext.port, { tls }),
    backend("shown", "HTTPS", at("mutual"), { tls: { ...tls, clientCertificate } }),
    backend("shown-inline", "HTTPS", at("mutual"), {
      tls: { ...tls, clientCertificate: { certificate: client.cert, privateKey: client.key } },
    }),
    backend("withheld", "HTTPS", at("mutual"), { tls }),
    backend("h2", "H2", portOf(pod2), { tls }),
    backend("grpc", "GRPCS", grpc.port, { tls: { ...tls, clientCertificate } }),
    backend("unanswered", "HTTPS", unanswered.port, { tls, timeout: { tcp: { connectTimeout: "200ms" } } }),
    `  - ${JSON.stringify({
      name: "checked",
      protocol: "HTTPS",
      tls,
      endpoints: ["plain", "stranger"].map((what) => ({ address: "127.0.0.1", port: at(what) })),
      healthCheck: {
        active: {
          type: "HTTP",
          interval: "2s",
          fastInterval: "200ms",
          timeout: "1900ms",
          http: { path: "/" },
        },
      },
    })}\n`,
  ];
  const names = backends.map((line) => /"name":"([^"]+)"/.exec(line)![1]!);
  const rules = names.map((one) =>
    one === "grpc"
      ? `      - { matches: [{ path: { value: /test.Echo } }], backendRefs: [{ name: grpc }] }\n`
      : `      - { matches: [{ path: { value: /${one} } }], backendRefs: [{ name: ${one} }] }\n`,
  );
  system = await startSystem(
    `listeners: [{ name: web, protocol: HTTP, port: ${port}, http2: true }]
routes:
  - name: all
    rules:
${rules.join("")}backends:
${backends.join("")}`,
    ["--processes", "1"],
    {
      tunnel: false,
      files: { "house.pem": house.rootPem, "client.crt": client.cert, "client.key": client.key },
    },
  );
});
afterAll(async () => {
  await system?.stop();
  for (const server of pods.values()) server.closeAllConnections();
  for (const server of pods.values()) server.close();
  pod2?.close();
  grpc?.server.forceShutdown();
  unanswered?.stop();
  await cleartext?.stop();
});

const get = (path: string): Promise<Answer> => ask({ port, host, path });
const seen = ({ body }: Answer): unknown => JSON.parse(body);

describe("TLS to endpoints", () => {
  test.each(["/verified", "/inline"])(
    "%s: the authority of the house, under the backend's name",
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(seen(answer)).toEqual({ servername: name, host });
    },
  );

  test("a name of the certificate in place of the host name, which is asked for all the same", async () => {
    expect(seen(await get("/by-uri"))).toEqual({ servername: "sni.internal", host });
  });

  test("nobody is verified where that is said", async () => {
    expect((await get("/unverified")).status).toBe(200);
  });

  test.each([
    ["/untrusted", "endpoint_certificate_untrusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["/misnamed", "endpoint_certificate_mismatch", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["/expired", "endpoint_certificate_expired", "CERT_HAS_EXPIRED"],
    ["/cleartext", "endpoint_tls_failed", "ERR_SSL_|EPROTO"],
  ])(
    "%s: the request does not go out, and the client and the log are told why",
    async (path, code, reason) => {
      const answer = await get(path);
      expect([answer.status, answer.headers["isthmus-error"]]).toEqual([502, code]);
      await system.program.printed(new RegExp(`${path.slice(1)}\\|.*(?:${reason})`));
    },
  );

  test.each(["/shown", "/shown-inline"])("%s: a client certificate", async (path) => {
    expect(seen(await get(path))).toMatchObject({ client: "URI:spiffe://example.com/ns/edge/sa/gateway" });
  });

  test("without one, the endpoint that demands it refuses", async () => {
    expect((await get("/withheld")).status).toBe(502);
  });
});

test("HTTP/2 in TLS, with trailers", async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":path": "/h2", ":authority": host, te: "trailers" });
  const trailers = once(stream, "trailers");
  let body = "";
  for await (const chunk of stream.setEncoding("utf8")) body += chunk as string;
  expect(body).toBe("over HTTP/2");
  expect((await trailers)[0]).toMatchObject({ "x-trailer": "there" });
  session.close();
});

test("gRPC in TLS with a client certificate, with trailers", async () => {
  const caller = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const trailers = Promise.withResolvers<Metadata>();
  const answer = await new Promise<Buffer>((done, fail) => {
    const call = caller.makeUnaryRequest(unary.path, asIs, asIs, Buffer.from("hello"), (error, value) =>
      error ? fail(error) : done(value!),
    );
    call.on("status", ({ metadata }) => trailers.resolve(metadata));
  });
  expect(answer.toString()).toBe("echo hello");
  expect((await trailers.promise).get("x-trailer")).toEqual(["2"]);
  caller.close();
});

test("an endpoint that answers no SYN is given up on after the connect timeout", async () => {
  const answer = await get("/unanswered");
  expect([answer.status, answer.headers["isthmus-error"]]).toEqual([502, "endpoint_connect_failed"]);
  await system.program.printed(/unanswered\|.*connect timed out after 200 ms/);
});

test("health, retries, explain and statistics are those of any backend", async () => {
  // Before the checks have found it, the retry on the other endpoint hides that one is not trusted.
  for (let index = 0; index < 6; index += 1) expect((await get("/checked")).status).toBe(200);
  const down = `checked|127.0.0.1:${portOf(pods.get("stranger")!)}`;
  const found = await eventually("the check finds it", async () => {
    const { stdout } = await system.run("status", "--json");
    const { regions } = JSON.parse(stdout) as Status;
    return regions[0]!.endpoints.find(({ key, healthy }) => key === down && !healthy);
  });
  expect(found.reason).toContain("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const explained = await system.run("explain", "GET", `http://${host}:${port}/checked`);
  expect(explained.stdout).toContain("through the tunnel isthmus-serve");
  await eventually("the statistics count it", async () => {
    // Counts go with the heartbeat, which goes with requests.
    await get("/verified");
    const { stdout } = await system.run("stat", "--json");
    const { backends } = JSON.parse(stdout) as Stats;
    return backends.some(({ name: one, requests }) => one === "checked" && requests >= 6);
  });
});

test("no key leaves this machine's files: not in versions, not in the control's and the region's state", async () => {
  const secret = client.key.split("\n")[1]!;
  const shown = await system.run("show", "1");
  expect(shown.stdout).toContain("shown-inline");
  expect(shown.stdout + system.program.output()).not.toContain(secret);
  for (const part of ["control", "state", "snapshots", "agent"]) {
    const directory = join(system.dataDirectory, part);
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      expect(await readFile(join(entry.parentPath, entry.name), "latin1")).not.toContain(secret);
    }
  }
});

test("the agent is replaced without a failed request, and comes back when it is killed", async () => {
  const reloading = new AbortController();
  const statuses = new Map<number, number>();
  const asked = (async () => {
    while (!reloading.signal.aborted) {
      const { status } = await get("/verified");
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  })();
  const reloaded = await system.run("reload", "--process", "agent");
  reloading.abort();
  await asked;
  expect(reloaded.code, reloaded.stderr).toBe(0);
  expect([...statuses.keys()]).toEqual([200]);

  const starts = [...system.program.output().matchAll(/^agent pid=(\d+) started/gm)];
  process.kill(Number(starts.at(-1)![1]), "SIGKILL");
  await eventually("another agent serves", async () => {
    const now = [...system.program.output().matchAll(/^agent pid=(\d+) started/gm)].length;
    return now > starts.length && (await get("/verified")).status === 200;
  });
});

test("a version that brings the first such backend starts the agent; edge deployments refuse it", async () => {
  const [web] = (await freePorts(1)) as [number];
  const config = (
    protocol: string,
    at: number,
    more = {},
  ): string => `listeners: [{ name: web, protocol: HTTP, port: ${web} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pods }] }] }]
backends:
${backend("pods", protocol, at, more)}`;
  const tls = { hostname: name, caCertificates: house.rootPem };
  const origin = await startEchoServer("plain");
  const plain = await startSystem(config("HTTP", origin.port), ["--processes", "1"], { tunnel: false });
  try {
    expect((await ask({ port: web, host })).status).toBe(200);
    expect(plain.program.output()).not.toMatch(/^(agent|hub-0|tunnel-door) pid/m);
    const next = await plain.file("next.yaml", config("H2", portOf(pod2), { tls }));
    const edge = await runIsthmus(["validate", "--target", "edge", next]);
    expect(edge.code).toBe(2);
    expect(edge.stdout + edge.stderr).toContain("only agents can dial its endpoints");
    expect((await plain.run("apply", "-f", next)).code).toBe(0);
    // Requests that come before the agent is connected wait for it.
    const statuses = new Set<number>();
    await eventually("the agent serves", async () => {
      const { status, body } = await ask({ port: web, host });
      statuses.add(status);
      return body === "over HTTP/2";
    });
    expect([...statuses]).toEqual([200]);
  } finally {
    await plain.stop();
    await origin.stop();
  }
});
