// What is said about TCP and TLS listeners, their routes and backends: line:column, severity, message, path, code.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig, type LoadResult } from "../load.ts";

const found = ({ diagnostics }: LoadResult) =>
  diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).slice(2).split("\n")[0]);

const cases: [name: string, content: string, expected: string[]][] = [
  [
    "routes on listeners of another protocol",
    `listeners:
  - { name: web, protocol: HTTP, port: 80 }
  - { name: db, protocol: TCP, port: 5432 }
  - { name: sni, protocol: TLS, port: 443, tls: { mode: Passthrough } }
backends:
  - { name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }
  - { name: t, protocol: TCP, endpoints: [{ address: 10.0.0.1, port: 80 }] }
routes: [{ name: r, listeners: [web, db], rules: [{ backendRefs: [{ name: b }] }] }]
tcpRoutes: [{ name: r, listeners: [db, web, sni, no], rules: [{ backendRefs: [{ name: t }] }] }]
tlsRoutes: [{ name: r, listeners: [sni, db], rules: [{ backendRefs: [{ name: t }, { name: x }] }] }]
`,
    [
      '8:38: error: listener "db" speaks TCP; routes need a listener of protocol HTTP or HTTPS (at routes[0].listeners[1]) [route-protocol]',
      '9:40: error: listener "web" speaks HTTP; tcpRoutes need a listener of protocol TCP, or TLS with mode Terminate (at tcpRoutes[0].listeners[1]) [route-protocol]',
      '9:45: error: listener "sni" speaks TLS with mode Passthrough; tcpRoutes need a listener of protocol TCP, or TLS with mode Terminate (at tcpRoutes[0].listeners[2]) [route-protocol]',
      '9:50: error: no listener is named "no" (at tcpRoutes[0].listeners[3]) [reference-unknown]',
      '10:13: error: route "r" wants the connections of listener "sni", which route "r" already has (at tlsRoutes[0]) [route-conflict]',
      '10:13: error: route "r" wants the connections of listener "db", which route "r" already has (at tlsRoutes[0]) [route-conflict]',
      '10:41: error: listener "db" speaks TCP; tlsRoutes need a listener of protocol TLS (at tlsRoutes[0].listeners[1]) [route-protocol]',
      '10:91: error: no backend is named "x" (at tlsRoutes[0].rules[0].backendRefs[1].name) [reference-unknown]',
    ],
  ],
  [
    "connections that two routes want, and that none wants",
    `listeners:
  - { name: a, protocol: TCP, port: 1 }
  - { name: b, protocol: TCP, port: 2 }
  - { name: c, protocol: TLS, port: 3, tls: { mode: Passthrough } }
backends: [{ name: t, protocol: TCP, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
tcpRoutes:
  - { name: one, listeners: [a, a], rules: [{ backendRefs: [{ name: t }] }] }
  - { name: two, listeners: [a], rules: [{ backendRefs: [{ name: t }] }] }
tlsRoutes:
  - { name: one, hostnames: [x.com, "*.x.com"], rules: [{ backendRefs: [{ name: t }] }] }
  - { name: two, listeners: [c], hostnames: [y.com, X.com], rules: [{ backendRefs: [{ name: t }] }] }
`,
    [
      '3:5: warning: no route takes the connections of listener "b"; they are closed at once (at listeners[1]) [listener-unrouted]',
      '8:5: error: route "two" wants the connections of listener "a", which route "one" already has (at tcpRoutes[1]) [route-conflict]',
      '11:5: error: route "two" wants the connections for x.com of listener "c", which route "one" already has (at tlsRoutes[1]) [route-conflict]',
    ],
  ],
  [
    "fields that the protocol has no use for",
    `listeners:
  - { name: web, protocol: HTTP, port: 80, proxyProtocol: { trustedCIDRs: [10.0.0.0/8] } }
  - { name: db, protocol: TCP, port: 1, hostnames: [x.com], requestLimits: { urlChars: 100 }, tls: {} }
  - { name: a, protocol: TLS, port: 2, tls: { mode: Passthrough, certificates: [{ certFile: a, keyFile: b }] } }
  - { name: b, protocol: TLS, port: 2, hostnames: [x.com] }
  - { name: c, protocol: HTTPS, port: 3, tls: { mode: Passthrough } }
  - { name: d, protocol: TLS, port: 4, http2: true, headers: {} }
backends:
  - { name: t, protocol: TCP, endpoints: [{ address: 10.0.0.1, port: 80 }], hedging: { delay: 1s }, circuitBreaker: { maxConnections: 1, maxParallelRequests: 2 }, loadBalancer: { type: ConsistentHash, consistentHash: { type: URI } } }
  - { name: h, endpoints: [{ address: 10.0.0.1, port: 80 }], proxyProtocol: { version: V2 } }
tcpRoutes: [{ name: r, listeners: [db, d], rules: [{}] }]
tlsRoutes: [{ name: r, listeners: [a, b], securityPolicy: { clientCIDRs: { deny: [10.0.0.0/33] } }, rules: [{ timeouts: { idle: 600h }, backendRefs: [{ name: t, weight: 0 }] }] }]
`,
    [
      '3:41: error: listener "db" speaks TCP, in which no host is named (at listeners[1].hostnames) [listener-field-unexpected]',
      '3:61: error: listener "db" speaks TCP, which carries no requests (at listeners[1].requestLimits) [listener-field-unexpected]',
      '3:95: error: listener "db" speaks TCP, so its certificates would never be used (at listeners[1].tls) [listener-tls-unexpected]',
      '4:66: error: TLS of listener "a" passes through, so its certificates would never be used (at listeners[2].tls.certificates) [listener-tls-unexpected]',
      '5:5: error: TLS on port 2 already has mode Passthrough for listener "a"; it cannot have mode Terminate, too (at listeners[3].tls) [listener-conflict]',
      '5:5: warning: listener "b" speaks TLS but has no certificates (at listeners[3]) [listener-certificates-missing]',
      '6:49: error: listener "c" speaks HTTPS: requests are not seen where TLS passes through (at listeners[4].tls.mode) [listener-tls-unexpected]',
      '7:5: warning: listener "d" speaks TLS but has no certificates (at listeners[5]) [listener-certificates-missing]',
      '7:40: error: listener "d" speaks TLS, which carries no requests (at listeners[5].http2) [listener-field-unexpected]',
      '7:53: error: listener "d" speaks TLS, which carries no requests (at listeners[5].headers) [listener-field-unexpected]',
      '9:13: warning: backend "t" gets no traffic: every backendRef to it has weight 0 (at backends[0].name) [backend-zero-weight]',
      '9:77: warning: backend "t" speaks TCP: hedging is about requests and has no effect on connections (at backends[0].hedging) [policy-ineffective]',
      '9:138: warning: backend "t" speaks TCP: circuitBreaker.maxParallelRequests is about requests and has no effect on connections (at backends[0].circuitBreaker.maxParallelRequests) [policy-ineffective]',
      '9:202: warning: backend "t" speaks TCP: loadBalancer.consistentHash is about requests and has no effect on connections (at backends[0].loadBalancer.consistentHash) [policy-ineffective]',
      "11:52: warning: the rule has no backendRefs; its connections are closed at once (at tcpRoutes[0].rules[0]) [rule-no-backend]",
      '12:83: error: expected a network such as 10.0.0.0/8 or 2001:db8::/32; found "10.0.0.0/33" (at tlsRoutes[0].securityPolicy.clientCIDRs.deny[0]) [match-network-invalid]',
      "12:129: error: expected a duration of at most 596h; found 600h (at tlsRoutes[0].rules[0].timeouts.idle) [duration-range]",
      "12:150: warning: every backendRef has weight 0; the rule's connections are closed at once (at tlsRoutes[0].rules[0].backendRefs) [rule-zero-weight]",
    ],
  ],
  [
    "backends of the other layer",
    `listeners:
  - { name: web, protocol: HTTP, port: 80 }
  - { name: db, protocol: TCP, port: 1 }
backends:
  - { name: h, endpoints: [{ address: 10.0.0.1, port: 80 }] }
  - { name: t, protocol: TLS, endpoints: [{ address: 10.0.0.1, port: 81 }] }
routes:
  - name: r
    rules:
      - backendRefs: [{ name: h }, { name: t }]
        filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: t } } }]
tcpRoutes: [{ name: r, listeners: [db], rules: [{ backendRefs: [{ name: h }, { name: t }] }] }]
`,
    [
      '10:44: error: backend "t" speaks TLS; requests need protocol HTTP or HTTPS (at routes[0].rules[0].backendRefs[1].name) [backend-protocol]',
      '11:79: error: backend "t" speaks TLS; requests need protocol HTTP or HTTPS (at routes[0].rules[0].filters[0].requestMirror.backendRef.name) [backend-protocol]',
      '12:73: error: backend "h" speaks HTTP; connections need protocol TCP or TLS (at tcpRoutes[0].rules[0].backendRefs[0].name) [backend-protocol]',
    ],
  ],
  [
    "server names that no TLS listener serves",
    `listeners:
  - { name: web, protocol: HTTP, port: 80, hostnames: [y.com] }
  - { name: a, protocol: TLS, port: 1, hostnames: ["*.x.com"], tls: { mode: Passthrough } }
backends: [{ name: t, protocol: TCP, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
tlsRoutes: [{ name: r, hostnames: [y.com, a.x.com], rules: [{ backendRefs: [{ name: t }] }] }]
`,
    [
      '5:36: warning: y.com gets no traffic: none of the route\'s listeners ("a") serves it (at tlsRoutes[0].hostnames[0]) [hostname-unattached]',
    ],
  ],
];

test.each(cases)("%s", (_name, content, expected) => {
  expect(found(loadConfig([{ name: "f", content }]))).toEqual(expected);
});

test("Cloudflare's edge does not tell a port's addresses apart", () => {
  const content = `listeners:
  - { name: a, protocol: HTTP, port: 80, addresses: [10.0.0.1] }
  - { name: b, protocol: HTTP, port: 80, addresses: [10.0.0.2] }
routes: [{ name: r, rules: [{ filters: [{ type: DirectResponse, directResponse: {} }] }] }]
`;
  expect(found(loadConfig([{ name: "f", content }], { target: "edge" }))).toEqual([
    '3:5: error: Cloudflare\'s edge does not tell addresses apart: listener "a" already has every host on port 80 (at listeners[1]) [listener-conflict]',
  ]);
  expect(found(loadConfig([{ name: "f", content }]))).toEqual([]);
});

test("Cloudflare's edge accepts no connections", () => {
  const content = `listeners: [{ name: db, protocol: TCP, port: 5432 }]
backends: [{ name: t, protocol: TCP, endpoints: [{ address: db.example.com, port: 80 }] }]
tcpRoutes: [{ name: r, listeners: [db], rules: [{ backendRefs: [{ name: t }] }] }]
`;
  expect(found(loadConfig([{ name: "f", content }], { target: "edge" }))).toEqual([
    '1:35: warning: Cloudflare\'s edge gives Workers no TCP connections: listener "db" accepts none there (at listeners[0].protocol) [listener-unsupported]',
  ]);
  expect(found(loadConfig([{ name: "f", content }]))).toEqual([]);
});
