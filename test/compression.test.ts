// Responses that are compressed on their way: what arrives is what was sent, piece by piece, on plain and TLS listeners, from endpoints that the gateway dials and from those behind an agent.
import { once } from "node:events";
import { request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { Transform } from "node:stream";
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { answers, get as ask, giveAnswer, short, type Asked, type Got } from "./system/encoded-answers.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

let origin: EchoServer;
let system: System;
let agent: Program;
let ports: { plain: number; secure: number };
/** Responses that have begun, and end when the test says so. */
const begun = new Map<string, ServerResponse>();

function answerOf(request: IncomingMessage, response: ServerResponse): boolean {
  const { url = "" } = request;
  if (url.startsWith("/pieces")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
    begun.set(url, response);
    return true;
  }
  return giveAnswer(request, response);
}

beforeAll(async () => {
  origin = await startEchoServer("origin", answerOf);
  const [plain, secure] = (await freePorts(2)) as [number, number];
  ports = { plain, secure };
  const endpoint = `endpoints: [{ address: 127.0.0.1, port: ${origin.port} }]`;
  const types = "contentTypes: [text/*]";
  const all =
    "compressors: [{ type: Brotli }, { type: Zstd, level: 5 }, { type: Gzip, level: 6 }, { type: Deflate }]";
  system = await startSystem(
    `
listeners:
  - { name: plain, protocol: HTTP, port: ${plain} }
  - { name: secure, protocol: HTTPS, port: ${secure} }
routes:
  - { name: dialled, hostnames: [dialled.test], rules: [{ compression: { ${all}, ${types} }, backendRefs: [{ name: dialled }] }] }
  - { name: tunnelled, hostnames: [tunnelled.test], rules: [{ compression: { ${all}, ${types} }, backendRefs: [{ name: tunnelled }] }] }
  - name: raw
    hostnames: [raw.test]
    rules:
      - compression: { compressors: [{ type: RawDeflate }], ${types}, removeAcceptEncodingHeader: true }
        timeouts: { request: 30s }
        backendRefs: [{ name: dialled }]
  - { name: as-is, hostnames: [as-is.test], rules: [{ backendRefs: [{ name: dialled }] }] }
backends:
  - { name: dialled, ${endpoint} }
  - { name: tunnelled, tunnel: production, ${endpoint} }
`,
    ["--dev-tls", "--processes", "1"],
  );
  agent = await startAgent(system, "production");
  await eventually("the tunnel serves", async () => (await get("/html", "tunnelled.test")).status === 200);
});
afterAll(async () => {
  for (const response of begun.values()) response.destroy();
  await agent?.stop();
  await system?.stop();
  await origin?.stop();
});

function get(path: string, host: string, asked: Omit<Asked, "port"> = {}): Promise<Got> {
  return ask(path, host, { ...asked, port: asked.secure ? ports.secure : ports.plain });
}

const whole: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  deflate: inflateSync,
};
const inPieces: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
  deflate: createInflate,
};

describe.each(["dialled.test", "tunnelled.test"])("%s", (host) => {
  test.each(Object.keys(whole))("what arrives is what was sent, %s", async (accepts) => {
    for (const secure of [false, true]) {
      for (const path of ["/html", "/length", "/long", "/long-length"]) {
        const { fields, body } = await get(path, host, { accepts, secure });
        const sent = answers[path]!.body ?? short;
        expect([path, fields["content-encoding"], fields["vary"]]).toEqual([
          path,
          accepts,
          "Accept-Encoding",
        ]);
        expect(body.length).toBeLessThan(sent.length);
        expect(whole[accepts]!(body).toString()).toBe(sent);
        expect(fields["accept-ranges"]).toBeUndefined();
        if (path === "/html") expect(fields["etag"]).toBe('W/"one"');
      }
    }
  });

  test.each(Object.keys(inPieces))("a piece arrives before the next one is there, %s", async (accepts) => {
    const path = `/pieces-${host}-${accepts}`;
    const headers = { host, "accept-encoding": accepts };
    const asking = send({ port: ports.plain, path, headers }).end();
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    expect(response.headers["content-encoding"]).toBe(accepts);
    const decoded = response.pipe(inPieces[accepts]!());
    const pieces = decoded[Symbol.asyncIterator]();
    expect(String((await pieces.next()).value)).toBe("data: 1\n\n");
    begun.get(path)!.write("data: 2\n\n");
    expect(String((await pieces.next()).value)).toBe("data: 2\n\n");
    begun.get(path)!.end();
    expect((await pieces.next()).done).toBe(true);
  });

  test("the endpoint learns of a client that has left, the client of an endpoint that has broken off", async () => {
    const path = `/pieces-${host}-left`;
    const asking = send({ port: ports.plain, path, headers: { host, "accept-encoding": "gzip" } }).end();
    await once(asking, "response");
    const left = once(begun.get(path)!, "close");
    asking.on("error", () => undefined).destroy();
    // Who writes nothing learns nothing.
    const writing = setInterval(() => begun.get(path)!.write("data: more\n\n"), 20);
    await left.finally(() => clearInterval(writing));
    const broken = send({ port: ports.plain, path, headers: { host, "accept-encoding": "gzip" } }).end();
    const [response] = (await once(broken, "response")) as [IncomingMessage];
    const failed = once(response.resume(), "error");
    begun.get(path)!.destroy();
    expect(await failed).toMatchObject([{ code: "ECONNRESET" }]);
  });

  test("an answer without a body, and one that is encoded already, pass as they are", async () => {
    const head = await get("/length", host, { method: "HEAD" });
    expect([head.status, head.fields["content-encoding"], head.body.length]).toEqual([200, undefined, 0]);
    const encoded = await get("/encoded", host);
    expect([encoded.fields["content-encoding"], encoded.body.toString()]).toEqual(["br", short]);
    const refused = await get("/length", host, { accepts: "identity" });
    expect(refused.fields).toMatchObject({
      "content-length": String(short.length),
      vary: "Accept-Encoding",
    });
    expect(refused.body.toString()).toBe(short);
  });
});

test("raw deflate, under a deadline; the endpoint is not told what the client takes", async () => {
  for (const path of ["/html", "/long", "/length"]) {
    const { fields, body } = await get(path, "raw.test", { accepts: "deflate" });
    expect([path, fields["content-encoding"]]).toEqual([path, "deflate"]);
    expect(inflateRawSync(body).toString()).toBe(answers[path]!.body ?? short);
  }
  const { body } = await get("/echo", "raw.test");
  const { headers } = JSON.parse(body.toString()) as { headers: Record<string, string> };
  expect(headers["accept-encoding"]).toBeUndefined();
});

test("nothing is compressed where the rule does not say so", async () => {
  const { fields, body } = await get("/html", "as-is.test");
  expect([fields["content-encoding"], fields["vary"], body.toString()]).toEqual([
    undefined,
    undefined,
    short,
  ]);
});
