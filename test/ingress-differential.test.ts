// The corpus against real nginx: every request of a case's table must end up where the table says, or the table names the
// difference and its reason. Canaries, affinity and balancers are Lua in ingress-nginx; their cases stand for what its
// documentation says.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askProxy } from "./corpus/ask-proxy.ts";
import { readCases } from "./corpus/read-cases.ts";
import { requestsOf } from "./corpus/request-table.ts";
import { nginxMissing, startCorpusNginx, type RunningNginx } from "./system/corpus-nginx.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { namespaceOf, readManifest, type IngressObject } from "./system/nginx-servers.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const textOf = ({ files }: { files: readonly { content: string }[] }): string =>
  files.map(({ content }) => content).join("\n---\n");

const cases = readCases("ingress")
  .filter(({ table }) => requestsOf(table).length > 0)
  .filter((one) => !/ingress\.kubernetes\.io\/canary:/.test(textOf(one)));

describe.skipIf(nginxMissing() !== undefined)("real nginx", () => {
  const echoes = new Map<string, EchoServer>();
  let pem: string;

  beforeAll(async () => {
    pem = await selfSignedPem("corpus.test");
    const names = cases.flatMap((one) => readManifest(textOf(one)).ingresses.flatMap(backendsOf));
    for (const name of new Set(names)) echoes.set(name, await startEchoServer(`ingress/${name}`));
  });
  afterAll(() => Promise.all([...echoes.values()].map((echo) => echo.stop())));

  describe.each(cases)("$name", (one) => {
    let nginx: RunningNginx;
    beforeAll(async () => {
      nginx = await startCorpusNginx(textOf(one), { portOf: (name) => echoes.get(name)!.port, pem });
    });
    afterAll(() => nginx?.stop());

    test.each(requestsOf(one.table).map((request) => [request.text, request] as const))(
      "%s",
      async (_, request) => {
        const expected = request.elsewhere?.proxy === "nginx" ? request.elsewhere.result : request.expected;
        expect(await askProxy(request, expected, nginx.ports)).toBe(expected);
      },
    );
  });
});

function backendsOf(ingress: IngressObject): string[] {
  const { defaultBackend, rules = [] } = ingress.spec;
  const services = [
    defaultBackend?.service,
    ...rules.flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend.service)),
  ];
  return services.flatMap((service) =>
    service ? [`${namespaceOf(ingress)}/${service.name}/${service.port.number ?? service.port.name}`] : [],
  );
}
