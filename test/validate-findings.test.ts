// `isthmus validate` in every format: what the anchors accept silently is found, with file, line and remedy; as text, as JSON,
// from directories, from standard input, several formats at once.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runIsthmus, type CommandResult } from "./system/isthmus.ts";
import { selfSignedPem } from "./system/self-signed.ts";

let folder: string;
let pem: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-validate-"));
  // For one day, which is soon.
  pem = await selfSignedPem("cert.test");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly remedy?: string;
}

async function findingsOf(name: string, files: Readonly<Record<string, string>>): Promise<Finding[]> {
  const directory = join(folder, name.replaceAll(/\W+/g, "-"));
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), content.replaceAll("FOLDER", directory));
  }
  const sources = Object.keys(files).filter((file) => /^[^/]+[.](?:yaml|cfg)$/.test(file));
  const { stdout } = await runIsthmus([
    "validate",
    "--json",
    ...sources.map((file) => join(directory, file)),
  ]);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Finding[] };
  return diagnostics.map((one) => ({ ...one, file: one.file.replace(`${directory}/`, "") }));
}

const documents = (...objects: readonly object[]): string =>
  objects.map((one) => JSON.stringify(one)).join("\n---\n");
const secret = (): object => {
  const [certificate = "", key = ""] = pem.split(/(?<=-----END CERTIFICATE-----\n)/);
  const data = { "tls.crt": btoa(certificate), "tls.key": btoa(key) };
  return { apiVersion: "v1", kind: "Secret", metadata: { name: "site" }, data };
};
const haproxy = (bind: string): string =>
  `frontend web\n  mode http\n  bind :443 ssl crt ${bind}\n  use_backend b if { hdr(host) -i www.test }\nbackend b\n  mode http\n  server s 10.0.0.1:80\n`;

const backend = { service: { name: "a", port: { number: 80 } } };
const ingress = (name: string, host: string, more: object = {}, annotations: object = {}): object => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name, annotations },
  spec: { rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }], ...more },
});
const gateway = (listener: object): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "g" },
  spec: { gatewayClassName: "isthmus", listeners: [{ name: "l", ...listener }] },
});
const http = gateway({ protocol: "HTTP", port: 80 });
const route = (rules: readonly object[], host = "www.test"): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "r" },
  spec: { parentRefs: [{ name: "g" }], hostnames: [host], rules },
});
const istioGateway = (server: object): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: { name: "g" },
  spec: { selector: { istio: "ingressgateway" }, servers: [{ hosts: ["*"], ...server }] },
});
const mesh = istioGateway({ port: { number: 80, name: "http", protocol: "HTTP" } });
const virtualService = (rules: readonly object[], host = "www.test"): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "v" },
  spec: { hosts: [host], gateways: ["g"], http: rules },
});
const native = (rules: string, host = "www.test"): string =>
  `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: a, endpoints: [{ address: 10.0.0.1, port: 80 }] }, { name: b, endpoints: [{ address: 10.0.0.2, port: 80 }] }]
routes: [{ name: r, hostnames: ["${host}"], rules: [${rules}] }]
`;

describe("a certificate that ends soon and is for another host", () => {
  const httpsListener = {
    protocol: "HTTPS",
    port: 443,
    tls: { certificateRefs: [{ name: "site" }] },
  };
  test.each<[string, () => Record<string, string>]>([
    [
      "native, in a file",
      () => ({
        "a.yaml": native("{ backendRefs: [{ name: a }, { name: b }] }").replace(
          "protocol: HTTP, port: 80",
          "protocol: HTTPS, port: 443, tls: { certificates: [{ certFile: FOLDER/site.pem, keyFile: FOLDER/site.pem }] }",
        ),
        "site.pem": pem,
      }),
    ],
    ["haproxy, a file", () => ({ "a.cfg": haproxy("FOLDER/site.pem"), "site.pem": pem })],
    ["haproxy, a directory", () => ({ "a.cfg": haproxy("FOLDER/certs"), "certs/site.pem": pem })],
    [
      "haproxy, a crt-list",
      () => ({
        "a.cfg": haproxy("").replace("crt ", "crt-list FOLDER/list.txt"),
        "list.txt": "FOLDER/site.pem\n",
        "site.pem": pem,
      }),
    ],
    [
      "Ingress",
      () => ({
        "a.yaml": documents(
          ingress("i", "www.test", { tls: [{ hosts: ["www.test"], secretName: "site" }] }),
          secret(),
        ),
      }),
    ],
    [
      "Gateway API",
      () => ({
        "a.yaml": documents(
          gateway(httpsListener),
          route([{ backendRefs: [{ name: "a", port: 80 }] }]),
          secret(),
        ),
      }),
    ],
    [
      "Istio",
      () => ({
        "a.yaml": documents(
          istioGateway({
            port: { number: 443, name: "https", protocol: "HTTPS" },
            tls: { mode: "SIMPLE", credentialName: "site" },
          }),
          virtualService([{ route: [{ destination: { host: "a" } }] }]),
          secret(),
        ),
      }),
    ],
  ])("%s", async (name, files) => {
    const found = await findingsOf(`certificate ${name}`, files());
    const at = { severity: "warning", file: expect.stringMatching(/^a[.]/), line: expect.any(Number) };
    expect(found).toContainEqual(
      expect.objectContaining({
        ...at,
        code: "certificate-expiring",
        message: expect.stringMatching(/^the certificate expires on \d{4}-/),
        remedy: "Renew it.",
      }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({
        ...at,
        code: "certificate-hostname",
        message: expect.stringMatching(/covers www[.]test; they are for cert[.]test$/),
        remedy: "Add a certificate for them.",
      }),
    );
    expect(found.filter(({ line }) => line < 1)).toEqual([]);
  });
});

describe("what leads nowhere, or where another does", () => {
  const zeros = [
    { name: "a", port: 80, weight: 0 },
    { name: "b", port: 80, weight: 0 },
  ];
  const canaryOf = { "nginx.ingress.kubernetes.io/canary": "true" };
  const weighted = { ...canaryOf, "nginx.ingress.kubernetes.io/canary-weight": "10" };
  const unreachable = /gets no traffic: rule ".*" \(.*a\.yaml:3\) has the same match and goes first/;
  test.each<[string, string, Record<string, string>, { line: number; message: RegExp }]>([
    [
      "rule-zero-weight",
      "native",
      { "a.yaml": native("{ backendRefs: [{ name: a, weight: 0 }, { name: b, weight: 0 }] }") },
      { line: 3, message: /every backendRef has weight 0/ },
    ],
    [
      "backend-no-endpoints",
      "haproxy",
      { "a.cfg": haproxy("").replace(" ssl crt ", "").replace("10.0.0.1:80", "10.0.0.1:80 weight 0") },
      { line: 5, message: /only endpoints with weight 0/ },
    ],
    [
      "rule-zero-weight",
      "Gateway API",
      { "a.yaml": documents(http, route([{ backendRefs: zeros }])) },
      { line: 3, message: /every backendRef has weight 0/ },
    ],
    [
      "argument-invalid",
      "Istio",
      {
        "a.yaml": documents(
          mesh,
          virtualService([{ route: zeros.map(({ name }) => ({ destination: { host: name }, weight: 0 })) }]),
        ),
      },
      { line: 3, message: /of several destinations one needs a weight/ },
    ],
    [
      "canary-shares-backend",
      "native",
      { "a.yaml": native("{ backendRefs: [{ name: a, weight: 9 }, { name: a, weight: 1 }] }") },
      { line: 3, message: /leads to backend "a" twice/ },
    ],
    [
      "canary-shares-backend",
      "Ingress",
      { "a.yaml": documents(ingress("main", "www.test"), ingress("canary", "www.test", {}, weighted)) },
      { line: 3, message: /has the Service of the Ingress "default\/main"/ },
    ],
    [
      "canary-shares-backend",
      "Gateway API",
      {
        "a.yaml": documents(
          http,
          route([{ backendRefs: [1, 9].map((weight) => ({ name: "a", port: 80, weight })) }]),
        ),
      },
      { line: 3, message: /leads to backend "default\/a\/80" twice/ },
    ],
    [
      "canary-shares-backend",
      "Istio",
      {
        "a.yaml": documents(
          mesh,
          virtualService([
            {
              route: [10, 90].map((weight) => ({ destination: { host: "a", port: { number: 80 } }, weight })),
            },
          ]),
        ),
      },
      { line: 3, message: /leads to backend ".*" twice/ },
    ],
    [
      "rule-unreachable",
      "native",
      {
        "a.yaml": native(
          "{ backendRefs: [{ name: a }], matches: [{ path: { value: /x } }] }, { backendRefs: [{ name: b }], matches: [{ path: { value: /x } }] }",
        ),
      },
      { line: 3, message: unreachable },
    ],
    [
      "rule-unreachable",
      "Gateway API",
      { "a.yaml": documents(http, route([0, 1].map(() => ({ backendRefs: [{ name: "a", port: 80 }] })))) },
      { line: 3, message: unreachable },
    ],
    [
      "statement-ignored",
      "Istio",
      {
        "a.yaml": documents(
          mesh,
          virtualService([0, 1].map(() => ({ route: [{ destination: { host: "a" } }] }))),
        ),
      },
      { line: 3, message: /^the route before it \(.*a\.yaml:3\) takes every request/ },
    ],
    [
      "path-taken",
      "Ingress",
      { "a.yaml": documents(ingress("one", "www.test"), ingress("two", "www.test")) },
      { line: 3, message: /already goes where the older Ingress "default\/one" says/ },
    ],
    [
      "reference-unresolved",
      "Gateway API",
      { "a.yaml": documents(http, route([{ backendRefs: [{ name: "a", namespace: "other", port: 80 }] }])) },
      { line: 3, message: /no ReferenceGrant in other lets this refer to Service other\/a/ },
    ],
    [
      "match-regex-invalid",
      "Ingress",
      {
        "a.yaml": documents(
          ingress("one", "www.test", {}, { "nginx.ingress.kubernetes.io/use-regex": "true" }),
        ).replace('"path":"/"', '"path":"/(?=a)a"'),
      },
      { line: 1, message: /look-around is not supported: it cannot be matched in linear time/ },
    ],
  ])("%s: %s", async (code, format, files, expected) => {
    const found = await findingsOf(`${code} ${format}`, files);
    expect(found).toContainEqual(
      expect.objectContaining({
        code,
        line: expected.line,
        file: expect.stringMatching(/^a[.]/),
        message: expect.stringMatching(expected.message),
      }),
    );
  });

  // The engine is linear (decision 0004), so nested quantifiers are no danger, and nothing is said of them.
  test("expressions that other engines choke on are fine", async () => {
    const exploding = native(
      '{ backendRefs: [{ name: a }, { name: b }], matches: [{ path: { type: RegularExpression, value: "/(a+)+$" } }, { path: { type: RegularExpression, value: "/(a|a)*b" } }] }',
    );
    expect(await findingsOf("exploding", { "a.yaml": exploding })).toEqual([]);
  });
});

describe("several files", () => {
  const exact = documents(ingress("api", "api.shop.test"));
  const wildcard = native("{ backendRefs: [{ name: a }, { name: b }] }", "*.shop.test").replace(
    "{ name: web, protocol: HTTP, port: 80 }",
    "{ name: ingress/http, protocol: HTTP, port: 80 }",
  );

  test("a host of one within a wildcard of the other, whatever their formats", async () => {
    const found = await findingsOf("wildcard", {
      "a.yaml": documents(http, route([{ backendRefs: [{ name: "a", port: 80 }] }], "*.shop.test")),
      "b.yaml": documents({
        ...route([{ backendRefs: [{ name: "a", port: 80 }] }], "api.shop.test"),
        metadata: { name: "s" },
      }),
    });
    expect(found).toContainEqual(
      expect.objectContaining({
        code: "hostname-shared",
        file: "b.yaml",
        message: expect.stringMatching(/^api\.shop\.test is also within \*\.shop\.test of .*a\.yaml:3/),
        remedy: expect.stringMatching(/^Repeat for this host/),
      }),
    );
  });

  test("a directory, standard input, --strict and JSON", async () => {
    const directory = join(folder, "several");
    await mkdir(directory);
    await writeFile(join(directory, "one.yaml"), exact);
    await writeFile(join(directory, "two.yaml"), documents(ingress("two", "api.shop.test")));
    const { code, stdout } = await runIsthmus(["validate", directory]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/two\.yaml:1:\d+: warning: .*\[path-taken\]\n {4}Remove one of them/),
    });
    expect(await runIsthmus(["validate", "--strict", directory])).toMatchObject({ code: 2 });
    const json = await runIsthmus(["validate", "--strict", "--json", directory]);
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false });
    expect(await withInput(["validate", "-f", "-"], exact)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("valid: 0 errors"),
    });
    expect(await withInput(["validate", "-f", "-"], wildcard.replace("port: 80", "prot: 80"))).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/:1:\d+: error: unknown field "prot"/),
    });
  });
});

function withInput(args: readonly string[], input: string): Promise<CommandResult> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, "../cli/isthmus.mjs"), ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}
