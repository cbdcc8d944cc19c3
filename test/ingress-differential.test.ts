// The corpus against real nginx: every request of a case's table must end up where the table says, or the table names the
// difference and its reason. Canaries, affinity and balancers are Lua in ingress-nginx; their cases stand for what its
// documentation says.
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { askProxy } from "./corpus/ask-proxy.ts";
import { readCases } from "./corpus/read-cases.ts";
import { readTable, requestsOf } from "./corpus/request-table.ts";
import { createRouter } from "./corpus/route-request.ts";
import { nginxMissing, startCorpusNginx, type RunningNginx } from "./system/corpus-nginx.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { defaultBackendOf } from "./system/nginx-locations.ts";
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
    const names = cases.flatMap((one) => {
      const manifest = readManifest(textOf(one));
      const pages = manifest.ingresses.map((ingress) => defaultBackendOf(ingress, manifest));
      return [...manifest.ingresses.flatMap(backendsOf), ...pages.filter((name) => name !== undefined)];
    });
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

describe.skipIf(nginxMissing() !== undefined)("random Ingresses", () => {
  let pem: string;
  const echoes = new Map<string, EchoServer>();
  beforeAll(async () => {
    pem = await selfSignedPem("corpus.test");
    for (const name of services) echoes.set(name, await startEchoServer(`ingress/default/${name}/80`));
  });
  afterAll(() => Promise.all([...echoes.values()].map((echo) => echo.stop())));

  test("end up where nginx has them", async () => {
    await fc.assert(
      fc.asyncProperty(randomIngresses, randomRequests, async (ingresses, requests) => {
        const text = ingresses.map(manifestOf).join("\n---\n");
        const { snapshot, diagnostics } = loadConfig([{ name: "ingress.yaml", content: text }]);
        expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
        const router = createRouter(snapshot!);
        const portOf = (backend: string): number => echoes.get(backend.split("/")[1]!)!.port;
        const nginx = await startCorpusNginx(text, { portOf, pem });
        try {
          for (const request of requestsOf(readTable(requests.join("\n")))) {
            const expected = router(request);
            const found = await askProxy(request, expected, nginx.ports);
            expect([request.text, found]).toEqual([request.text, expected]);
          }
        } finally {
          await nginx.stop();
        }
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});

const services = ["s1", "s2", "s3"] as const;

/**
 * Without what nginx has otherwise than Kubernetes: a slash at the end of prefixes, and Exact `/`, which ingress-nginx's own
 * location for all other paths hides where there are expressions; nor targets with empty segments, which paths here have none of.
 */
const randomPath = fc
  .record({
    path: fc.constantFrom("/", "/a", "/a/b", "/A", "/ab", "/a(/|$)(.*)", "/(a|b)/x$", "/[a-c]+/y", "/a|/b"),
    pathType: fc.constantFrom("Exact", "Prefix", "ImplementationSpecific"),
    service: fc.constantFrom(...services),
  })
  .filter(({ path, pathType }) => path !== "/" || pathType !== "Exact");
const randomIngresses = fc.array(
  fc.record({
    hour: fc.integer({ min: 10, max: 23 }),
    host: fc.constantFrom("a.test", "b.test", "*.test", ""),
    hasDefault: fc.boolean(),
    paths: fc.array(randomPath, { minLength: 1, maxLength: 4 }),
    annotations: fc.record(
      {
        "use-regex": fc.constantFrom("true", "false"),
        "rewrite-target": fc.constantFrom("/", "/new", "/$2", "/x$1", "/a"),
        "app-root": fc.constant("/start"),
      },
      { requiredKeys: [] },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);
const randomRequests = fc.array(
  fc
    .tuple(
      fc.constantFrom("a.test", "b.test", "c.test", "x.y.test", "other.example"),
      fc.constantFrom(
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/A/b",
        "/a/b/c",
        "/ab",
        "/abc",
        "/b/x",
        "/b/x/",
        "/cab/y",
        "/q/b",
      ),
      fc.constantFrom("", "?k=v"),
    )
    .map(([host, path, query]) => `GET http://${host}${path}${query}`),
  { minLength: 8, maxLength: 16 },
);

type RandomIngress = (typeof randomIngresses extends fc.Arbitrary<infer Value> ? Value : never)[number];

function manifestOf({ hour, host, hasDefault, paths, annotations }: RandomIngress, index: number): string {
  const backendOf = (name: string) => ({ service: { name, port: { number: 80 } } });
  return JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name: `i${index}`,
      creationTimestamp: `2026-01-01T${hour}:00:00Z`,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {
      ...(hasDefault && host !== "" && { defaultBackend: backendOf("s1") }),
      rules: [
        {
          ...(host !== "" && { host }),
          http: { paths: paths.map(({ service, ...path }) => ({ ...path, backend: backendOf(service) })) },
        },
      ],
    },
  });
}

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
