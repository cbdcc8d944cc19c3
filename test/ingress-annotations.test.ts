// Every annotation of ingress-nginx (docs/user-guide/nginx-configuration/annotations.md, and those that only its code
// knows): for values that it takes, what is seen in the running gateway, and in real nginx where the behaviour is nginx's own;
// for values that it does not take, or that cannot be honoured, what is said.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { annotationPolicies } from "#config/ingress/annotation/annotation-policy.ts";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import { issueAuthority } from "#contract/identity/identity-fixture.ts";
import { encodePem } from "#contract/identity/pem.ts";
import type { NativeConfig } from "#config/native/schema.ts";
import { accessRows } from "./ingress-annotations/access.ts";
import { certificateRows } from "./ingress-annotations/certificates.ts";
import { expectSeen } from "./ingress-annotations/expect-seen.ts";
import { endpointRows } from "./ingress-annotations/endpoints.ts";
import { limitRows } from "./ingress-annotations/limits.ts";
import {
  commonManifests,
  hostOf,
  manifestsOf,
  refusedManifests,
  samplesOf,
  type NamedSample,
} from "./ingress-annotations/manifests.ts";
import { redirectRows } from "./ingress-annotations/redirects.ts";
import { routingRows } from "./ingress-annotations/routing.ts";
import type { Rows, Send } from "./ingress-annotations/row.ts";
import { documentedAnnotations } from "./ingress-annotations/upstream-names.ts";
import { effectlessRows } from "./ingress-annotations/without-effect.ts";
import { nginxMissing, startCorpusNginx } from "./system/corpus-nginx.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const rows: Rows = {
  ...routingRows,
  ...redirectRows,
  ...accessRows,
  ...certificateRows,
  ...limitRows,
  ...endpointRows,
  ...effectlessRows,
};
const samples = samplesOf(rows);

interface Proxy {
  readonly http: number;
  readonly https: number;
  stop(): Promise<unknown>;
}

let web: EchoServer[];
let canary: EchoServer;
let pages: EchoServer;
let authority: EchoServer;
let copies: EchoServer;
let ca: string;
/** What the server of copies got: Host and path. */
const copied = new Set<string>();

beforeAll(async () => {
  const valid = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
  ca = encodePem("CERTIFICATE", (await issueAuthority("clients", undefined, valid)).der);
  web = await Promise.all([1, 2, 3].map(startWeb));
  canary = await startEchoServer("canary");
  pages = await startEchoServer("pages");
  copies = await startEchoServer("copies", ({ headers, url }) => !copied.add(`${headers.host} ${url}`));
  authority = await startEchoServer("authority", ({ method, headers }, response) => {
    const { cookie = "" } = headers;
    const isKnown = cookie === "session=known" || cookie === "session=old";
    response.statusCode = isKnown ? 200 : cookie === "session=banned" ? 403 : 401;
    if (isKnown) response.setHeader("x-user", "ann");
    if (cookie === "session=old") response.setHeader("set-cookie", "session=new");
    const asked = `${method} team=${headers["x-team"]} redirect=${headers["x-auth-request-redirect"]}`;
    response.setHeader("x-asked", asked);
    response.end();
    return true;
  });
});
afterAll(() =>
  Promise.all([...(web ?? []), canary, pages, authority, copies].map((server) => server?.stop())),
);

test("every annotation has a row", () => {
  expect(Object.keys(rows).sort()).toEqual(Object.keys(annotationPolicies).sort());
  expect(documentedAnnotations.filter((name) => !(name in rows))).toEqual([]);
});

describe("values that are refused", () => {
  const refused = Object.entries(rows).flatMap(([name, row]) =>
    Object.entries(row.refused ?? {}).map(([value, text]) => ({ name, value, text, row })),
  );
  test.each(refused)("$name: $value", ({ name, value, text, row }) => {
    const { diagnostics } = loaded([...commonManifests(ca), ...refusedManifests(name, value, row)]);
    const said = diagnostics.filter(({ message }) => message.startsWith(`${name}: `));
    expect(said).toContainEqual(
      expect.objectContaining({ severity: "error", message: expect.stringContaining(text), file: "a.yaml" }),
    );
  });
});

describe("what is made of them", () => {
  test.each(samples)("$id: $value", (sample) => {
    const { model, diagnostics } = loaded([...commonManifests(ca), ...manifestsOf(sample)]);
    const { annotation, id, warns, backend, rule, limits } = sample;
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const said = diagnostics.map(({ message }) => message);
    if (warns !== undefined) expect(said).toContainEqual(expect.stringContaining(warns));
    else expect(said.filter((text) => text.startsWith(`${annotation}: `))).toEqual([]);
    if (backend) {
      const found = model!.backends.find(({ name }) => name.startsWith(`ingress/default/${id}/`));
      expect(found).toMatchObject(backend);
    }
    const rules = model!.routes.flatMap((route) => route.rules);
    if (rule) expect(rules.find(({ backendRefs }) => backendRefs.length > 0)).toMatchObject(rule);
    if (limits) expect(model!.rateLimitPolicies).toMatchObject([limits]);
  });
});

describe.each([
  { proxy: "the gateway", start: startGateway, missing: undefined },
  { proxy: "real nginx", start: startNginx, missing: nginxMissing() },
])("$proxy", ({ proxy, start, missing }) => {
  const isNginx = proxy === "real nginx";
  const seen = samples.filter(({ see, observe, nginx }) => (isNginx ? nginx : (see ?? observe)));
  let running: Proxy;

  beforeAll(async () => {
    if (missing === undefined) running = await start(seen);
  });
  afterAll(() => running?.stop());

  test.skipIf(missing).each(seen)("$id: $value", async (sample) => {
    const send: Send = (request = {}) => ask({ port: running.http, host: hostOf(sample), ...request });
    for (const [index, one] of (sample.see ?? []).entries()) {
      const { https, ...request } = one.ask ?? {};
      const answer = await send(https ? { ...request, port: running.https, tls: {} } : request);
      expectSeen(answer, one, `request ${index + 1}`);
    }
    if (!isNginx) await sample.observe?.(send);
  });

  test.skipIf(missing ?? isNginx)("copies are sent", async () => {
    const host = `127.0.0.1:${copies.port}`;
    const wanted = ["127.0.0.1 /copy/", "copies.example /host/", "127.0.0.1 /"];
    await eventually("all copies have come", async () => {
      const found = [...copied].map((one) => one.replace(host, "127.0.0.1"));
      return wanted.every((one) => found.includes(one));
    });
  });
});

/** Which try of a request it is, its id tells. */
function startWeb(number: number): Promise<EchoServer> {
  return startEchoServer(`web-${number}`, (request, response) => {
    const { url = "", headers } = request;
    if (url === "/never") return true;
    const status = /^\/status\/(\d+)/.exec(url)?.[1];
    const writes = url === "/writes";
    if (status === undefined && !writes) return false;
    request.resume();
    const id = String(headers["x-request-id"]);
    attempts.set(id, (attempts.get(id) ?? 0) + 1);
    response.writeHead(
      writes ? 201 : Number(status),
      writes
        ? {
            location: "http://old.example/x",
            refresh: "5; url=http://old.example/y",
            "set-cookie": ["a=1; Domain=old.example; Path=/one/x", "b=2; domain=.Old.Example"],
          }
        : { "x-attempts": String(attempts.get(id)) },
    );
    response.end();
    return true;
  });
}
const attempts = new Map<string, number>();

function textOf(manifests: readonly object[]): string {
  return manifests
    .map((one) => JSON.stringify(one))
    .join("\n---\n")
    .replaceAll("AUTHORITY", String(authority.port))
    .replaceAll("MIRROR", String(copies.port));
}

function loaded(manifests: readonly object[]) {
  return loadConfig([{ name: "a.yaml", content: textOf(manifests) }]);
}

async function startGateway(served: readonly NamedSample[]): Promise<Proxy> {
  const { model, diagnostics } = loaded([...commonManifests(ca), ...served.flatMap(manifestsOf)]);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const [http, https] = (await freePorts(2)) as [number, number];
  const system = await startSystem(formatConfig(localModel(model!, http, https)), [
    "--dev-tls",
    "--processes",
    "1",
  ]);
  return { http, https, stop: () => system.stop() };
}

/** On this machine's ports; each Service has three endpoints, or none. */
function localModel(model: NativeConfig, http: number, https: number): NativeConfig {
  return {
    ...model,
    listeners: model.listeners.map((listener) => ({
      ...listener,
      addresses: ["127.0.0.1"],
      port: listener.protocol === "HTTPS" ? https : http,
      ...(listener.tls && { tls: { mode: listener.tls.mode, certificates: [] } }),
    })),
    backends: model.backends.map((backend) => {
      if (backend.name.startsWith("ingress-mirror/")) return backend;
      const { tls: _tls, ...plain } = backend;
      const endpoints = backend.endpoints.length === 0 ? [] : portsFor(backend.name);
      return {
        ...plain,
        protocol: "HTTP",
        endpoints: endpoints.map((port) => ({ address: "127.0.0.1", port, weight: 1 })),
      };
    }),
  };
}

function portsFor(backend: string): number[] {
  if (backend.includes("/pages/")) return [pages.port];
  return backend.includes("-canary/") ? [canary.port] : web.map(({ port }) => port);
}

async function startNginx(served: readonly NamedSample[]): Promise<Proxy> {
  const manifests = [...commonManifests(ca), ...served.flatMap(manifestsOf)];
  const pem = await selfSignedPem("corpus.test");
  const portOf = (backend: string): number => portsFor(backend)[0]!;
  const { ports, stop } = await startCorpusNginx(textOf(manifests), { portOf, pem });
  return { http: ports.get(80)!, https: ports.get(443)!, stop };
}
