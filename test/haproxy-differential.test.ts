// The corpus against real HAProxy: every request of a case's table must end up where the table says, or the table names
// the difference and its reason.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SourceFile } from "#contract/admin.ts";
import { createNames } from "#config/haproxy/model/names.ts";
import { askProxy } from "./corpus/ask-proxy.ts";
import { readCases } from "./corpus/read-cases.ts";
import { requestsOf } from "./corpus/request-table.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { startCorpusHaproxy, type RunningHaproxy } from "./system/corpus-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const cases = readCases("haproxy").filter(({ table }) => requestsOf(table).length > 0);

describe.skipIf(haproxyMissing() !== undefined)("real HAProxy", () => {
  const echoes = new Map<string, EchoServer>();
  let pem: string;

  beforeAll(async () => {
    pem = await selfSignedPem("corpus.test");
    const names = cases.flatMap(({ files }) =>
      [...configOf(files).matchAll(/^\s*(?:backend|listen)\s+(\S+)/gm)].map(([, name]) => name!),
    );
    for (const name of new Set(names)) echoes.set(name, await startEchoServer(createNames().take(name)));
  });
  afterAll(() => Promise.all([...echoes.values()].map((echo) => echo.stop())));

  describe.each(cases)("$name", ({ files, table }) => {
    let haproxy: RunningHaproxy;
    beforeAll(async () => {
      const portOf = (backend: string): number => echoes.get(backend)!.port;
      const named = files.filter(({ role }) => role === "named");
      haproxy = await startCorpusHaproxy(configOf(files), { portOf, pem, named });
    });
    afterAll(() => haproxy?.stop());

    test.each(requestsOf(table).map((request) => [request.text, request] as const))(
      "%s",
      async (_, request) => {
        const expected = request.elsewhere?.proxy === "haproxy" ? request.elsewhere.result : request.expected;
        expect(await askProxy(request, expected, haproxy.ports)).toBe(expected);
      },
    );
  });
});

function configOf(files: readonly SourceFile[]): string {
  return files.find(({ role }) => role === undefined)!.content;
}
