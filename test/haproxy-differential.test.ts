// The corpus against real HAProxy: every request of a case's table must end up where the table says, or the table names
// the difference and its reason.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNames } from "#config/haproxy/model/names.ts";
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { encodePem } from "#contract/identity/pem.ts";
import { serialFromRandom, signCertificate } from "#contract/identity/sign-certificate.ts";
import { readCases } from "./corpus/read-cases.ts";
import { hostOf, locationText, requestsOf, seenText, type TableRequest } from "./corpus/request-table.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { startCorpusHaproxy, type RunningHaproxy } from "./system/corpus-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";

const cases = readCases("haproxy").filter(({ table }) => requestsOf(table).length > 0);

describe.skipIf(haproxyMissing() !== undefined)("real HAProxy", () => {
  const echoes = new Map<string, EchoServer>();
  let pem: string;

  beforeAll(async () => {
    pem = await selfSigned();
    const names = cases.flatMap(({ files }) =>
      [...files[0]!.content.matchAll(/^\s*(?:backend|listen)\s+(\S+)/gm)].map(([, name]) => name!),
    );
    for (const name of new Set(names)) echoes.set(name, await startEchoServer(createNames().take(name)));
  });
  afterAll(() => Promise.all([...echoes.values()].map((echo) => echo.stop())));

  describe.each(cases)("$name", ({ files, table }) => {
    let haproxy: RunningHaproxy;
    beforeAll(async () => {
      const portOf = (backend: string): number => echoes.get(backend)!.port;
      haproxy = await startCorpusHaproxy(files[0]!.content, { portOf, pem });
    });
    afterAll(() => haproxy?.stop());

    test.each(requestsOf(table).map((request) => [request.text, request] as const))(
      "%s",
      async (_, request) => {
        const expected = request.elsewhere?.proxy === "haproxy" ? request.elsewhere.result : request.expected;
        expect(await resultOf(request, expected, haproxy)).toBe(expected);
      },
    );
  });
});

/** Each connection's own (RFC 9110 §7.6.1). */
const hopByHop = new Set(["connection", "upgrade"]);

async function resultOf(request: TableRequest, expected: string, { ports }: RunningHaproxy): Promise<string> {
  const declared = Number(request.url.port) || (request.url.protocol === "https:" ? 443 : 80);
  const port = ports.get(declared);
  if (port === undefined) return "no listener";
  const answer = await ask(request, port);
  if (!answer.headers["x-served-by"]) {
    const { location } = answer.headers;
    return location ? `${answer.status} ${locationText(location, request)}` : String(answer.status);
  }
  // The answer to HEAD has no body to tell more.
  if (answer.body === "") return textOf(answer.headers["x-served-by"])!;
  const echo = JSON.parse(answer.body) as Echo;
  const named = [...expected.matchAll(/ (<?)([a-z0-9-]+)=/g)].filter(
    ([, , name]) => name !== "path" && name !== "host",
  );
  const valuesOf = (headers: IncomingMessage["headers"], names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const value = textOf(headers[name]);
        return [name, value === String(port) ? String(declared) : value];
      }),
    );
  const namesOf = (mark: string): string[] =>
    named.flatMap(([, found, name]) => (found === mark ? [name!] : []));
  return seenText(request, {
    backend: echo.name,
    target: echo.url,
    host: textOf(echo.headers["host"]) ?? "",
    requestHeaders: valuesOf(echo.headers, [
      ...new Set([...Object.keys(request.headers), ...namesOf("")].filter((name) => !hopByHop.has(name))),
    ]),
    responseHeaders: valuesOf(answer.headers, namesOf("<")),
  });
}

function textOf(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(", ") : (value ?? null);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

function ask(request: TableRequest, port: number): Promise<Answer> {
  return new Promise((done, fail) => {
    const isTls = request.url.protocol === "https:";
    const outgoing = (isTls ? httpsRequest : httpRequest)(
      {
        host: "127.0.0.1",
        localAddress: request.client,
        port,
        path: request.target,
        method: request.method,
        headers: { ...request.headers, host: hostOf(request) },
        agent: false,
        ...(isTls && { servername: request.url.hostname, rejectUnauthorized: false }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("error", fail);
        incoming.once("end", () =>
          done({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.once("error", fail);
    outgoing.end();
  });
}

async function selfSigned(): Promise<string> {
  const keyPair = await generateKeyPair();
  const spki = await exportPublicKey(keyPair.publicKey);
  const commonName = "corpus.test";
  const certificate = await signCertificate(
    {
      serial: serialFromRandom(crypto.getRandomValues(new Uint8Array(16))),
      commonName,
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + 86_400_000,
      spki,
      purposes: ["serverAuth"],
      dnsNames: [commonName],
    },
    { commonName, spki, privateKey: keyPair.privateKey },
  );
  return encodePem("CERTIFICATE", certificate) + (await exportPrivateKeyPem(keyPair.privateKey));
}
