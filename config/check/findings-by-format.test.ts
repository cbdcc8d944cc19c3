// What proxies accept without a word, by format: each cell of the table is found, with its line, and with the rule or file that
// wins where one does. Cells of certificates are in test/validate-findings.test.ts, where there are files.
import { describe, expect, test } from "vitest";
import { loadConfig } from "../load.ts";

type Format = "native" | "haproxy" | "ingress" | "gateway-api" | "istio";

interface Found {
  readonly files: Readonly<Record<string, string>>;
  readonly code: string;
  readonly at: `${string}:${number}`;
  readonly message: RegExp;
}
/** Or why there is nothing to find. */
type Cell = Found | string;

const native = (rules: string, name = "r"): string =>
  `routes: [{ name: ${name}, hostnames: [www.test], rules: [${rules}] }]\n`;
const nativeBase = `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: a, endpoints: [{ address: 10.0.0.1, port: 80 }] }, { name: b, endpoints: [{ address: 10.0.0.2, port: 80 }] }]
`;
const haproxy = (rules: string): string =>
  `frontend web\n mode http\n bind :80\n ${rules}\n default_backend b\nbackend a\n mode http\n server s 10.0.0.1:80\nbackend b\n mode http\n server s 10.0.0.2:80\n`;
const object = (apiVersion: string, kind: string, name: string, spec: string): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const service = (name: string): string =>
  `---\n${object("v1", "Service", name, "{ ports: [{ port: 80, name: http }] }")}`;
const services = `${service("a")}${service("b")}`;

const ingressPath = (path: string, name: string, type = "Prefix"): string =>
  `{ path: "${path}", pathType: ${type}, backend: { service: { name: ${name}, port: { number: 80 } } } }`;
const ingress = (name: string, path: string, annotations = ""): string =>
  object(
    "networking.k8s.io/v1",
    "Ingress",
    `${name}, annotations: { ${annotations} }`,
    `{ rules: [{ host: www.test, http: { paths: [${path}] } }] }`,
  );
const canary = 'nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-weight: "10"';

const gateway = `---\n${object("gateway.networking.k8s.io/v1", "Gateway", "g", "{ gatewayClassName: isthmus, listeners: [{ name: l, protocol: HTTP, port: 80 }] }")}`;
const httpRoute = (rules: string, name = "r"): string =>
  object(
    "gateway.networking.k8s.io/v1",
    "HTTPRoute",
    name,
    `\n  parentRefs: [{ name: g }]\n  hostnames: [www.test]\n  rules:\n    - ${rules}`,
  );
const match = (type: string, value: string): string =>
  `matches: [{ path: { type: ${type}, value: "${value}" } }]`;
const refs = (...names: string[]): string =>
  `backendRefs: [${names.map((name) => `{ name: ${name}, port: 80 }`).join(", ")}]`;

const istioGateway = `---\n${object("networking.istio.io/v1", "Gateway", "g", "{ selector: { istio: ingressgateway }, servers: [{ hosts: ['*'], port: { number: 80, name: http, protocol: HTTP } }] }")}`;
const virtualService = (http: string, name = "v"): string =>
  object(
    "networking.istio.io/v1",
    "VirtualService",
    name,
    `\n  hosts: [www.test]\n  gateways: [g]\n  http:\n    - ${http}`,
  );
const to = (...destinations: string[]): string => `route: [${destinations.join(", ")}]`;
const destination = (host: string, more = ""): string => `{ destination: { host: ${host} }${more} }`;

const exploding = "((a{1,100}){1,100}){1,100}";
const unreachable = /gets no traffic: rule "[^"]+" \(a\.\w+:\d+\) .*takes all requests of this one/;
const shared = /^www\.test is also in [ab]\.\w+:\d+; the most specific match of both files wins/;
const tooLarge = /counted repetitions expand to more than 1000 steps/;

const table: Readonly<Record<string, Readonly<Record<Format, Cell>>>> = {
  "a rule that another one leaves nothing of": {
    native: {
      files: {
        "a.yaml": `${nativeBase}${native(`{ priority: 1, ${match("PathPrefix", "/x")}, backendRefs: [{ name: a }] },\n  { ${match("PathPrefix", "/x/y")}, backendRefs: [{ name: b }] }`)}`,
      },
      code: "rule-unreachable",
      at: "a.yaml:4",
      message: unreachable,
    },
    haproxy: {
      files: { "a.cfg": haproxy("use_backend a if { path_beg /x }\n use_backend b if { path_beg /x/y }") },
      code: "rule-unreachable",
      at: "a.cfg:5",
      message: unreachable,
    },
    ingress: {
      files: {
        "a.yaml": `${ingress("one", ingressPath("/x", "a"))}---\n${ingress("two", ingressPath("/x", "b"))}${services}`,
      },
      code: "path-taken",
      at: "a.yaml:9",
      message: /already goes where the older Ingress "default\/one" says/,
    },
    "gateway-api": {
      files: {
        "a.yaml": `${httpRoute(`{ ${match("RegularExpression", "/x.*")}, ${refs("a")} }\n    - { ${match("PathPrefix", "/x")}, ${refs("b")} }`)}${gateway}${services}`,
      },
      code: "rule-unreachable",
      at: "a.yaml:9",
      message: unreachable,
    },
    istio: {
      files: {
        "a.yaml": `${virtualService(`{ match: [{ uri: { prefix: /x } }], ${to(destination("a"))} }\n    - { match: [{ uri: { prefix: /x/y } }], ${to(destination("b"))} }`)}${istioGateway}${services}`,
      },
      code: "rule-unreachable",
      at: "a.yaml:9",
      message: unreachable,
    },
  },
  "a host in two files": {
    native: {
      files: {
        "a.yaml": `${nativeBase}${native("{ backendRefs: [{ name: a }] }")}`,
        "b.yaml": native("{ backendRefs: [{ name: b }] }", "s"),
      },
      code: "hostname-shared",
      at: "b.yaml:1",
      message: shared,
    },
    haproxy: {
      files: {
        "a.cfg": haproxy("use_backend a if { hdr(host) -i www.test }"),
        "b.yaml": native("{ backendRefs: [{ name: b }] }"),
      },
      code: "hostname-shared",
      at: "b.yaml:1",
      message: shared,
    },
    ingress: {
      files: {
        "a.yaml": `${ingress("one", ingressPath("/x", "a"))}${services}`,
        "b.yaml": ingress("two", ingressPath("/y", "b")),
      },
      code: "hostname-shared",
      at: "a.yaml:4",
      message: shared,
    },
    "gateway-api": {
      files: {
        "a.yaml": `${httpRoute(`{ ${match("PathPrefix", "/x")}, ${refs("a")} }`)}${gateway}${services}`,
        "b.yaml": httpRoute(`{ ${match("PathPrefix", "/y")}, ${refs("b")} }`, "s"),
      },
      code: "hostname-shared",
      at: "b.yaml:5",
      message: shared,
    },
    istio: {
      files: {
        "a.yaml": `${virtualService(`{ match: [{ uri: { prefix: /x } }], ${to(destination("a"))} }`)}${istioGateway}${services}`,
        "b.yaml": virtualService(`{ match: [{ uri: { prefix: /y } }], ${to(destination("b"))} }`, "w"),
      },
      code: "hostname-shared",
      at: "b.yaml:5",
      message: shared,
    },
  },
  "an expression that is too large to be matched in linear time": {
    native: {
      files: {
        "a.yaml": `${nativeBase}${native(`{ ${match("RegularExpression", `/${exploding}`)}, backendRefs: [{ name: a }, { name: b }] }`)}`,
      },
      code: "match-regex-invalid",
      at: "a.yaml:3",
      message: tooLarge,
    },
    haproxy: {
      files: { "a.cfg": haproxy(`use_backend a if { path_reg ${exploding} }`) },
      code: "statement-unsupported",
      at: "a.cfg:4",
      message: tooLarge,
    },
    ingress: {
      files: {
        "a.yaml": `${ingress("one", ingressPath(`/${exploding}`, "a", "ImplementationSpecific"), 'nginx.ingress.kubernetes.io/use-regex: "true"')}${services}`,
      },
      code: "match-regex-invalid",
      at: "a.yaml:4",
      message: tooLarge,
    },
    "gateway-api": {
      files: {
        "a.yaml": `${httpRoute(`{ ${match("RegularExpression", `/${exploding}`)}, ${refs("a")} }`)}${gateway}${services}`,
      },
      code: "match-regex-invalid",
      at: "a.yaml:8",
      message: tooLarge,
    },
    istio: {
      files: {
        "a.yaml": `${virtualService(`{ match: [{ uri: { regex: "/${exploding}" } }], ${to(destination("a"))} }`)}${istioGateway}${services}`,
      },
      code: "match-regex-invalid",
      at: "a.yaml:8",
      message: tooLarge,
    },
  },
  "two versions that are the same one": {
    native: {
      files: {
        "a.yaml": `${nativeBase}${native("{ backendRefs: [{ name: a, weight: 9 }, { name: a, weight: 1 }] }")}`,
      },
      code: "canary-shares-backend",
      at: "a.yaml:3",
      message: /leads to backend "a" twice/,
    },
    haproxy: "servers of one backend with one address are one endpoint, and said to be",
    ingress: {
      files: {
        "a.yaml": `${ingress("one", ingressPath("/", "a"))}---\n${ingress("two", ingressPath("/", "a"), canary)}${services}`,
      },
      code: "canary-shares-backend",
      at: "a.yaml:9",
      message: /has the Service of the Ingress "default\/one"/,
    },
    "gateway-api": {
      files: { "a.yaml": `${httpRoute(`{ ${refs("a", "a")} }`)}${gateway}${services}` },
      code: "canary-shares-backend",
      at: "a.yaml:8",
      message: /leads to backend "default\/a\/80" twice/,
    },
    istio: {
      files: {
        "a.yaml": `${virtualService(`{ ${to(destination("a", ", weight: 10"), destination("a", ", weight: 90"))} }`)}${istioGateway}${services}`,
      },
      code: "canary-shares-backend",
      at: "a.yaml:8",
      message: /twice/,
    },
  },
  "another namespace's, without its leave": {
    native: "there are no namespaces",
    haproxy: "there are no namespaces",
    ingress: {
      files: {
        "a.yaml": `${ingress("one", ingressPath("/", "a"), "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: other/users")}${services}`,
      },
      code: "statement-unsupported",
      at: "a.yaml:3",
      message: /Secrets of other namespaces are not read; found "other\/users"/,
    },
    "gateway-api": {
      files: {
        "a.yaml": `${httpRoute("{ backendRefs: [{ name: a, namespace: other, port: 80 }] }")}${gateway}${services}`,
      },
      code: "reference-unresolved",
      at: "a.yaml:8",
      message: /no ReferenceGrant in other lets this refer to Service other\/a/,
    },
    istio:
      "a destination of any namespace is anybody's, unless exportTo says otherwise, and then it is not there",
  },
};

describe.each(Object.entries(table))("%s", (_finding, cells) => {
  const found = Object.entries(cells).filter((cell): cell is [string, Found] => typeof cell[1] !== "string");

  test.each(found)("%s", (_format, { files, code, at, message }) => {
    const sources = Object.entries(files).map(([name, content]) => ({ name, content }));
    const { diagnostics } = loadConfig(sources);
    const said = diagnostics.map((one) => ({
      code: one.code,
      at: `${one.file}:${one.line}`,
      message: one.message,
    }));
    expect(said).toContainEqual({ code, at, message: expect.stringMatching(message) });
  });
});
