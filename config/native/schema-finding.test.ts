// What is said about values that do not have the schema's shape: line:column, severity, message, path, code.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const cases: [name: string, content: string, expected: string[]][] = [
  [
    "an unknown field, with the nearest known one",
    `listners: []
`,
    [
      '1:1: error: unknown field "listners"; expected one of "$schema", "listeners", "routes", "tcpRoutes", "tlsRoutes", "backends", "rateLimitPolicies", "counterTables", "errorPages", "clientIPDetection", "accessLog", "tracing" (at listners) [field-unknown]',
    ],
  ],
  [
    "an unknown field deep inside",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { backendRefs: [{ name: b, wieght: 1 }] }
`,
    [
      '6:36: error: unknown field "wieght"; expected one of "name", "weight", "filters", "fallback", "sessionPersistence", "preferredEndpoint" (at routes[0].rules[0].backendRefs[0].wieght) [field-unknown]',
    ],
  ],
  [
    "an unknown field in a union's branch",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { filters: [{ type: URLRewrite, urlRewrite: { host: x } }], backendRefs: [{ name: b }] }
`,
    [
      '6:55: error: unknown field "host"; expected one of "hostname", "path", "target" (at routes[0].rules[0].filters[0].urlRewrite.host) [field-unknown]',
    ],
  ],
  [
    "the field of another branch",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { filters: [{ type: RequestHeaderModifier, responseHeaderModifier: {} }], backendRefs: [{ name: b }] }
`,
    [
      '6:21: error: "requestHeaderModifier" is missing; expected a map (at routes[0].rules[0].filters[0].requestHeaderModifier) [field-missing]',
      '6:52: error: unknown field "responseHeaderModifier"; expected "type" or "requestHeaderModifier" (at routes[0].rules[0].filters[0].responseHeaderModifier) [field-unknown]',
    ],
  ],
  [
    "a missing field",
    `listeners:
  - name: web
    port: 80
`,
    [
      '2:5: error: "protocol" is missing; expected one of "HTTP", "HTTPS", "TCP", "TLS" (at listeners[0].protocol) [field-missing]',
    ],
  ],
  [
    "a missing type",
    `backends: [{ name: b, healthCheck: { active: { interval: 1s } } }]
`,
    [
      '1:46: error: "type" is missing; expected one of "HTTP", "TCP", "GRPC" (at backends[0].healthCheck.active.type) [field-missing]',
    ],
  ],
  [
    "a wrong type",
    `backends: [{ name: b, healthCheck: { active: { type: HTPP } } }]
`,
    [
      '1:54: error: expected one of "HTTP", "TCP", "GRPC"; found "HTPP" (at backends[0].healthCheck.active.type) [field-value]',
    ],
  ],
  [
    "an option in the wrong case",
    `listeners:
  - name: web
    protocol: http
    port: 80
`,
    [
      '3:15: error: expected one of "HTTP", "HTTPS", "TCP", "TLS"; found "http" (at listeners[0].protocol) [field-value]',
    ],
  ],
  [
    "a number in quotes",
    `listeners:
  - { name: web, protocol: HTTP, port: "80" }
`,
    ['2:40: error: expected a number; found "80" (at listeners[0].port) [field-type]'],
  ],
  [
    "a number out of range",
    `listeners:
  - { name: web, protocol: HTTP, port: 70000 }
`,
    ["2:40: error: expected a number of at most 65535; found 70000 (at listeners[0].port) [field-value]"],
  ],
  [
    "a number with a fraction",
    `listeners:
  - { name: web, protocol: HTTP, port: 80.5 }
`,
    ["2:40: error: expected a whole number; found 80.5 (at listeners[0].port) [field-type]"],
  ],
  [
    "a number beyond 2^53",
    `listeners: [{ name: a, protocol: HTTP, port: 12345678901234567890 }]
`,
    [
      "1:46: error: expected a number of at most 65535; found 12345678901234567000 (at listeners[0].port) [field-value]",
    ],
  ],
  [
    "not a number",
    `listeners: [{ name: a, protocol: HTTP, port: .nan }]
`,
    ["1:46: error: expected a number; found NaN (at listeners[0].port) [field-type]"],
  ],
  [
    "a number for a name",
    `listeners:
  - { name: 8080, protocol: HTTP, port: 80 }
`,
    ["2:13: error: expected text; found 8080 (at listeners[0].name) [field-type]"],
  ],
  [
    "a list without anything",
    `listeners:
routes: []
`,
    ["1:1: error: expected a list; found nothing (null) (at listeners) [field-type]"],
  ],
  [
    "a map for a list",
    `listeners: { name: web }
`,
    ["1:12: error: expected a list; found a map (at listeners) [field-type]"],
  ],
  [
    "a list for the document",
    `- a
- b
`,
    ["1:1: error: expected a map; found a list of 2 items [field-type]"],
  ],
  [
    "text for the document",
    `just text
`,
    ['1:1: error: expected a map; found "just text" [field-type]'],
  ],
  [
    "a duration without unit, and one with a wrong unit",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { timeouts: { request: 10, backendRequest: 1d }, backendRefs: [{ name: b }] }
`,
    [
      "6:32: error: expected text such as 500ms or 10s or 1h30m; found 10 (at routes[0].rules[0].timeouts.request) [field-type]",
      '6:52: error: expected a duration such as 500ms, 10s or 1h30m (GEP-2257); found "1d" (at routes[0].rules[0].timeouts.backendRequest) [field-value]',
    ],
  ],
  [
    "host names that are none",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
routes: [{ name: a, hostnames: ["*", a_b.com], rules: [{}] }]
`,
    [
      '2:33: error: expected a host name such as api.example.com, or *.example.com; found "*" (at routes[0].hostnames[0]) [field-value]',
      '2:38: error: expected a host name such as api.example.com, or *.example.com; found "a_b.com" (at routes[0].hostnames[1]) [field-value]',
    ],
  ],
  [
    "a path without slash",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ path: { type: Exact, value: x } }], backendRefs: [{ name: b }] }
`,
    [
      `6:51: error: expected a path: '/' first, no spaces, '?' or '#'; found "x" (at routes[0].rules[0].matches[0].path.value) [field-value]`,
    ],
  ],
  [
    "no rules",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
routes: [{ name: a, rules: [] }]
`,
    [
      "2:28: error: expected a list of at least 1 item; found a list of 0 items (at routes[0].rules) [field-value]",
    ],
  ],
  [
    "no listeners",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
routes: [{ name: a, listeners: [], rules: [{}] }]
`,
    [
      "2:32: error: expected a list of at least 1 item; found a list of 0 items (at routes[0].listeners) [field-value]",
    ],
  ],
  [
    "a status that does not redirect",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { filters: [{ type: RequestRedirect, requestRedirect: { statusCode: 300 } }] }
`,
    [
      "6:77: error: expected one of 301, 302, 303, 307, 308; found 300 (at routes[0].rules[0].filters[0].requestRedirect.statusCode) [field-value]",
    ],
  ],
  [
    "an HTTP check without request, a TCP check with one",
    `backends:
  - name: b
    healthCheck:
      active: { type: HTTP }
  - name: c
    healthCheck: { active: { type: TCP, http: { path: / } } }
`,
    [
      '4:15: error: "http" is missing; expected a map (at backends[0].healthCheck.active.http) [field-missing]',
      '6:41: error: unknown field "http"; expected one of "type", "interval", "timeout", "unhealthyThreshold", "healthyThreshold", "fastInterval", "downInterval", "overrides", "next", "tcp" (at backends[1].healthCheck.active.http) [field-unknown]',
    ],
  ],
  [
    "networks that are none",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
clientIPDetection: { xForwardedFor: { trustedCIDRs: [10.0.0.0/8, 10.0.0.0/33, ::/0, x, 10.0.0.0/08] } }
`,
    [
      '2:66: error: expected a network such as 10.0.0.0/8 or 2001:db8::/32; found "10.0.0.0/33" (at clientIPDetection.xForwardedFor.trustedCIDRs[1]) [field-value]',
      '2:85: error: expected a network such as 10.0.0.0/8 or 2001:db8::/32; found "x" (at clientIPDetection.xForwardedFor.trustedCIDRs[3]) [field-value]',
      '2:88: error: expected a network such as 10.0.0.0/8 or 2001:db8::/32; found "10.0.0.0/08" (at clientIPDetection.xForwardedFor.trustedCIDRs[4]) [field-value]',
    ],
  ],
  [
    "both ways to trust proxies",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
clientIPDetection: { xForwardedFor: { trustedCIDRs: [], numTrustedHops: 1 } }
`,
    [
      "2:37: error: expected numTrustedHops or trustedCIDRs, not both (at clientIPDetection.xForwardedFor) [field-value]",
    ],
  ],
  [
    "names of Object.prototype",
    `__proto__: { listeners: [] }
constructor: 1
`,
    [
      '1:1: error: unknown field "__proto__"; expected one of "$schema", "listeners", "routes", "tcpRoutes", "tlsRoutes", "backends", "rateLimitPolicies", "counterTables", "errorPages", "clientIPDetection", "accessLog", "tracing" (at __proto__) [field-unknown]',
      '2:1: error: unknown field "constructor"; expected one of "$schema", "listeners", "routes", "tcpRoutes", "tlsRoutes", "backends", "rateLimitPolicies", "counterTables", "errorPages", "clientIPDetection", "accessLog", "tracing" (at constructor) [field-unknown]',
    ],
  ],
  [
    "values that come by alias and merge key, shown where they stand",
    `listeners:
  - &x { name: web, protocol: HTTP, port: 80 }
  - { <<: *x, name: w2, prot: 1 }
  - <<: *x
    name: w3
    port: 0
  - &y { name: w4, protocol: UDP, port: 81 }
  - { <<: [*x, *y], name: w5 }
  - { <<: *y, name: w6 }
`,
    [
      '3:25: error: unknown field "prot"; expected one of "name", "protocol", "port", "addresses", "http2", "hostnames", "tls", "proxyProtocol", "connection", "clientIPDetection", "headers", "requestLimits", "timeouts", "errorPages" (at listeners[1].prot) [field-unknown]',
      "6:11: error: expected a number of at least 1; found 0 (at listeners[2].port) [field-value]",
      '7:30: error: expected one of "HTTP", "HTTPS", "TCP", "TLS"; found "UDP" (at listeners[3].protocol) [field-value]',
      '7:30: error: expected one of "HTTP", "HTTPS", "TCP", "TLS"; found "UDP" (at listeners[5].protocol) [field-value]',
    ],
  ],
  [
    "CR LF and a byte order mark",
    `\uFEFFlisteners: []\r
rotues: []\r
`,
    [
      '2:1: error: unknown field "rotues"; expected one of "$schema", "listeners", "routes", "tcpRoutes", "tlsRoutes", "backends", "rateLimitPolicies", "counterTables", "errorPages", "clientIPDetection", "accessLog", "tracing" (at rotues) [field-unknown]',
    ],
  ],
  [
    "JSON with tabs",
    `{
\t"listeners": [
\t\t{ "name": "a", "protocol": "HTTP", "port": 80, "hostname": "x" }
\t]
}
`,
    [
      '3:50: error: unknown field "hostname"; expected one of "name", "protocol", "port", "addresses", "http2", "hostnames", "tls", "proxyProtocol", "connection", "clientIPDetection", "headers", "requestLimits", "timeouts", "errorPages" (at listeners[0].hostname) [field-unknown]',
    ],
  ],
];

test.each(cases)("%s", (_name, content, expected) => {
  const { diagnostics } = loadConfig([{ name: "f", content }]);
  expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).slice(2).split("\n")[0])).toEqual(
    expected,
  );
});
