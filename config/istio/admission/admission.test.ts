// What Istio's admission refuses is an error, and what it lets in is none: the cases of its own tables
// (`pkg/config/validation`) by what they show.
import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

const versions: Readonly<Record<string, string>> = {
  AuthorizationPolicy: "security.istio.io/v1",
  RequestAuthentication: "security.istio.io/v1",
  PeerAuthentication: "security.istio.io/v1",
};

/** The findings of admission, by place. */
function refused(kind: string, spec: string): string[] {
  const apiVersion = versions[kind] ?? "networking.istio.io/v1";
  const content = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a, namespace: ns }\nspec: ${spec}\n`;
  const prefix = `${kind}["ns/a"].`;
  return loadConfig([{ name: "a.yaml", content }]).diagnostics.flatMap(({ code, path }) =>
    code === "argument-invalid" ? [path.replace(prefix, "")] : [],
  );
}

const route = "route: [{ destination: { host: b } }]";
const http = `http: [{ ${route} }]`;
const port = "{ number: 80, name: http, protocol: HTTP }";

test.each([
  ["Gateway", "{ servers: [] }", "spec"],
  [
    "Gateway",
    `{ servers: [{ port: ${port}, hosts: [a.b] }, { port: ${port}, hosts: [b.b] }] }`,
    "spec.servers[1].port.name",
  ],
  ["Gateway", `{ servers: [{ port: ${port}, hosts: [a.*.b] }] }`, "spec.servers[0].hosts[0]"],
  ["Gateway", `{ servers: [{ port: ${port}, hosts: [~/a.b] }] }`, "spec.servers[0].hosts[0]"],
  ["VirtualService", `{ hosts: ["*.a.b", "*.b"], ${http} }`, "spec.hosts[0]"],
  ["VirtualService", `{ hosts: [a.b, a.b], ${http} }`, "spec.hosts[1]"],
  ["VirtualService", "{ hosts: [a.b] }", "spec"],
  ["VirtualService", `{ hosts: [a.b], gateways: ["ns/*"], ${http} }`, "spec.gateways[0]"],
  ["VirtualService", `{ hosts: [a.b], gateways: ["g@teway"], ${http} }`, "spec.gateways[0]"],
  ["VirtualService", `{ hosts: ["*"], ${http} }`, "spec.hosts[0]"],
  ["VirtualService", "{ hosts: [a.b], tcp: [{ match: [{ port: 1 }] }] }", "spec.tcp[0]"],
  ["VirtualService", "{ hosts: [a.b], tls: [{ match: [{ sniHosts: [a.b] }] }] }", "spec.tls[0]"],
  [
    "VirtualService",
    `{ hosts: [a.b], tls: [{ match: [{ sniHosts: [a.*.b] }], ${route} }] }`,
    "spec.tls[0].match[0].sniHosts[0]",
  ],
  [
    "VirtualService",
    `{ hosts: [a.b], http: [{ ${route}, rewrite: { authority: c }, headers: { request: { set: { ":authority": d } } } }] }`,
    "spec.http[0].rewrite.authority",
  ],
  [
    "VirtualService",
    `{ hosts: [a.b], http: [{ match: [{ headers: { "@request.auth.claims.a": { exact: b } } }], ${route} }] }`,
    "spec.http[0].match[0]",
  ],
  ["VirtualService", "{ http: [{ delegate: { name: b } }] }", "spec.http[0].delegate"],
  ["VirtualService", "{ http: [{}] }", "spec.http[0]"],
  ["VirtualService", `{ gateways: [g], ${http} }`, "spec.gateways"],
  ["VirtualService", `{ tcp: [{ ${route} }] }`, "spec.tcp"],
  ["DestinationRule", "{ host: a, subsets: [{ name: b }, { name: b }] }", "spec.subsets[1].name"],
  [
    "DestinationRule",
    "{ host: a, trafficPolicy: { connectionPool: {} } }",
    "spec.trafficPolicy.connectionPool",
  ],
  [
    "DestinationRule",
    "{ host: a, trafficPolicy: { tls: { mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [b] } } }",
    "spec.trafficPolicy.tls.subjectAltNames",
  ],
  ["ServiceEntry", '{ hosts: ["*"] }', "spec.hosts[0]"],
  [
    "ServiceEntry",
    "{ hosts: [a.b], ports: [{ number: 1, name: a }, { number: 1, name: b }] }",
    "spec.ports[1].number",
  ],
  [
    "ServiceEntry",
    "{ hosts: [a.b], ports: [{ number: 1, name: a }, { number: 2, name: a }] }",
    "spec.ports[1].name",
  ],
  ["ServiceEntry", "{ hosts: [a.b], addresses: [10.0.0.0/8], resolution: DNS }", "spec.addresses[0]"],
  ["ServiceEntry", "{ hosts: [a.b], endpoints: [{ address: 10.0.0.1 }] }", "spec.endpoints"],
  [
    "ServiceEntry",
    "{ hosts: [a.b], resolution: STATIC, endpoints: [{ address: c.d }] }",
    "spec.endpoints[0].address",
  ],
  ["ServiceEntry", '{ hosts: ["*.b"], resolution: DNS }', "spec.resolution"],
  [
    "ServiceEntry",
    "{ hosts: [a.b], resolution: STATIC, endpoints: [{ address: 10.0.0.1, ports: { no: 1 } }] }",
    "spec.endpoints[0].ports.no",
  ],
  [
    "ServiceEntry",
    "{ hosts: [a.b], resolution: DNS_ROUND_ROBIN, endpoints: [{ address: a }, { address: b }] }",
    "spec.endpoints",
  ],
  ["ServiceEntry", "{ hosts: [a.b], resolution: DYNAMIC_DNS }", "spec.hosts"],
  [
    "ServiceEntry",
    "{ hosts: [a.b], resolution: STATIC, workloadSelector: { labels: { app: b } }, endpoints: [{ address: 10.0.0.1 }] }",
    "spec.endpoints",
  ],
  [
    "ServiceEntry",
    '{ hosts: [a.b], workloadSelector: { labels: { app: "*" } } }',
    "spec.workloadSelector.labels.app",
  ],
  ["WorkloadEntry", "{}", "spec.address"],
  ["WorkloadEntry", "{ address: 'unix://relative' }", "spec.address"],
  ["WorkloadEntry", "{ address: 'unix:///a', ports: { http: 80 } }", "spec.ports"],
  ["WorkloadEntry", "{ address: 10.0.0.1, ports: { '@': 80 } }", 'spec.ports["@"]'],
  ["AuthorizationPolicy", "{ provider: { name: a }, rules: [{}] }", "spec.provider"],
  ["AuthorizationPolicy", "{ selector: {}, targetRefs: [{ kind: Service, name: a }] }", "spec"],
  ["AuthorizationPolicy", '{ selector: { matchLabels: { app: "a-*" } } }', "spec.selector.matchLabels.app"],
  ["AuthorizationPolicy", "{ targetRef: { kind: Service, name: a, namespace: b } }", "spec.targetRefs[0]"],
  [
    "AuthorizationPolicy",
    "{ rules: [{ from: [{ source: { namespaces: [a, ''] } }] }] }",
    "spec.rules[0].from[0].source.namespaces[1]",
  ],
  [
    "AuthorizationPolicy",
    "{ rules: [{ from: [{ source: { namespaces: [a], serviceAccounts: [b/c] } }] }] }",
    "spec.rules[0].from[0].source",
  ],
  ["RequestAuthentication", "{ jwtRules: [{}] }", "spec.jwtRules[0]"],
  ["RequestAuthentication", "{ jwtRules: [{ issuer: a, jwksUri: b.c }] }", "spec.jwtRules[0].jwksUri"],
  [
    "RequestAuthentication",
    "{ jwtRules: [{ issuer: a, audiences: [''] }] }",
    "spec.jwtRules[0].audiences[0]",
  ],
  [
    "RequestAuthentication",
    "{ jwtRules: [{ issuer: a, outputClaimToHeaders: [{ header: ':authority', claim: b }] }] }",
    "spec.jwtRules[0].outputClaimToHeaders[0].header",
  ],
  ["PeerAuthentication", "{ portLevelMtls: { '80': { mode: STRICT } } }", "spec.portLevelMtls"],
  ["PeerAuthentication", "{ selector: { matchLabels: { a: b } }, portLevelMtls: {} }", "spec.portLevelMtls"],
  [
    "PeerAuthentication",
    "{ selector: { matchLabels: { a: b } }, portLevelMtls: { '65536': { mode: STRICT } } }",
    'spec.portLevelMtls["65536"]',
  ],
])("%s %s is refused", (kind, spec, place) => expect(refused(kind, spec)).toContain(place));

test.each([
  ["Gateway", `{ servers: [{ port: ${port}, hosts: ["./*.a.b", "*", ns/a.b] }] }`],
  ["VirtualService", `{ hosts: [a.b, "*.c.b"], gateways: [ns/g, mesh], ${http} }`],
  ["VirtualService", `{ hosts: ["*"], gateways: [g], ${http} }`],
  ["VirtualService", `{ ${http} }`],
  [
    "DestinationRule",
    "{ host: a, trafficPolicy: { tls: { mode: MUTUAL, insecureSkipVerify: true, credentialName: b } } }",
  ],
  ["ServiceEntry", '{ hosts: ["*.b"], resolution: DNS, endpoints: [{ address: c.d }] }'],
  ["ServiceEntry", "{ hosts: [a.b], addresses: [10.0.0.0/8], ports: [{ number: 1, name: a }] }"],
  [
    "ServiceEntry",
    '{ hosts: ["*.b"], resolution: DYNAMIC_DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }',
  ],
  ["ServiceEntry", "{ hosts: [a.b], resolution: STATIC, endpoints: [{ address: '2001:db8::1' }] }"],
  ["WorkloadEntry", "{ address: a.b }"],
  ["WorkloadEntry", "{ network: other }"],
  ["WorkloadEntry", "{ address: 'unix:///run/a.sock' }"],
  ["AuthorizationPolicy", "{ rules: [{ from: [{ source: { namespaces: [a], principals: [b] } }] }] }"],
  ["RequestAuthentication", "{ jwtRules: [{ issuer: a, jwksUri: 'https://a.b/keys' }] }"],
  [
    "PeerAuthentication",
    "{ selector: { matchLabels: { a: b } }, portLevelMtls: { '80': { mode: STRICT } } }",
  ],
])("%s %s is let in", (kind, spec) => expect(refused(kind, spec)).toEqual([]));
