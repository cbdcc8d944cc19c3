// What is said about configurations that contradict themselves: line:column, severity, message, path, code.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const cases: [name: string, content: string, expected: string[]][] = [
  [
    "an endpoint that is preferred and not there",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }, { address: "::1", port: 80 }] }]
routes:
  - name: a
    rules:
      - backendRefs: [{ name: b, preferredEndpoint: { address: "0:0::1", port: 80 } }]
      - matches: [{ path: { type: Exact, value: /x } }]
        backendRefs: [{ name: b, preferredEndpoint: { address: 10.0.0.1, port: 81 } }]
`,
    [
      '8:53: error: backend "b" has no endpoint 10.0.0.1:81 (at routes[0].rules[1].backendRefs[0].preferredEndpoint) [reference-unknown]',
    ],
  ],
  [
    "access control that contradicts itself, without repeating what may be a secret",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    securityPolicy:
      clientCIDRs: { deny: [10.0.0.0/33] }
      basicAuth: { users: ["alice:hunter2"] }
      apiKeyAuth: { credentials: [{ clientID: c, sha256: the-key }], extractFrom: {} }
      authorization:
        defaultAction: Allow
        rules: [{ action: Allow, principal: { jwt: { provider: q } } }]
      extAuth: { http: { url: "http://auth/" }, timeout: 0s }
    rules:
      - backendRefs: [{ name: b }]
        securityPolicy: { jwt: { providers: [{ name: p }] }, authorization: { rules: [{ action: Deny, principal: { jwt: { provider: q } } }] } }
`,
    [
      '6:29: error: expected a network such as 10.0.0.0/8 or 2001:db8::/32; found "10.0.0.0/33" (at routes[0].securityPolicy.clientCIDRs.deny[0]) [match-network-invalid]',
      "7:28: error: expected a hash that htpasswd or mkpasswd writes ($apr1$, $2y$, $5$, $6$, {SHA}), {SSHA} or $pbkdf2-sha256$ (passlib); yescrypt ($y$) and DES cannot be verified here (at routes[0].securityPolicy.basicAuth.users[0]) [security-hash-invalid]",
      "8:58: error: expected the SHA-256 hash of the key as 64 lower-case hex digits (at routes[0].securityPolicy.apiKeyAuth.credentials[0].sha256) [security-hash-invalid]",
      "8:83: error: expected at least one header, query parameter or cookie to take the key from (at routes[0].securityPolicy.apiKeyAuth.extractFrom) [security-policy-invalid]",
      "10:24: error: with defaultAction Allow the Allow rules decide nothing: whatever no Deny rule matches is allowed (at routes[0].securityPolicy.authorization.defaultAction) [security-policy-invalid]",
      "12:58: error: expected a duration longer than 0s; found 0s (at routes[0].securityPolicy.extAuth.timeout) [duration-range]",
      "15:25: error: basicAuth and jwt both want the Authorization header, and no request can satisfy both (at routes[0].rules[0].securityPolicy) [security-policy-invalid]",
      "15:46: error: expected keys from remoteJWKS or from localJWKS, one of them (at routes[0].rules[0].securityPolicy.jwt.providers[0]) [security-policy-invalid]",
      '15:133: error: no provider of this policy is named "q" (at routes[0].rules[0].securityPolicy.authorization.rules[0].principal.jwt.provider) [reference-unknown]',
    ],
  ],
  [
    "canaries that lead to the same endpoint as the stable version",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - { name: v1, endpoints: [{ address: 10.0.0.1, port: 80 }, { address: 10.0.0.2, port: 80 }] }
  - { name: v2, endpoints: [{ address: 10.0.0.2, port: 80 }] }
  - { name: v3, tunnel: t, endpoints: [{ address: 10.0.0.1, port: 80 }] }
routes:
  - name: a
    rules:
      - backendRefs: [{ name: v1, weight: 9 }, { name: v2 }, { name: v3 }]
      - matches: [{ path: { type: Exact, value: /x } }]
        backendRefs: [{ name: v3, weight: 9 }, { name: v3 }]
`,
    [
      "9:48: warning: the rule splits its requests between versions, but leads to 10.0.0.2:80 by way of v1 and v2 (at routes[0].rules[0].backendRefs[1]) [canary-shares-backend]",
      '11:48: warning: the rule splits its requests between versions, but leads to backend "v3" twice (at routes[0].rules[1].backendRefs[1]) [canary-shares-backend]',
    ],
  ],
  [
    "names given twice",
    `listeners:
  - { name: web, protocol: HTTP, port: 80 }
  - { name: web, protocol: HTTP, port: 81 }
routes:
  - { name: a, hostnames: [x], rules: [{ name: r, backendRefs: [{ name: b }] }, { name: r, matches: [{ method: GET }], backendRefs: [{ name: b }] }] }
  - { name: a, hostnames: [y], rules: [{ backendRefs: [{ name: b }] }] }
backends:
  - { name: b, endpoints: [{ address: a.com, port: 1 }] }
  - { name: b, endpoints: [{ address: a.com, port: 1 }] }
`,
    [
      '3:13: error: another listener is already named "web" (at listeners[1].name) [name-duplicate]',
      '5:89: error: another rule of this route is already named "r" (at routes[0].rules[1].name) [name-duplicate]',
      '6:13: error: another route is already named "a" (at routes[1].name) [name-duplicate]',
      '9:13: error: another backend is already named "b" (at backends[1].name) [name-duplicate]',
    ],
  ],
  [
    "references to nothing",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    listeners: [wbe]
    rules: [{ backendRefs: [{ name: b }, { name: bb }, { name: something-else }] }]
`,
    [
      '5:17: error: no listener is named "wbe" (at routes[0].listeners[0]) [reference-unknown]',
      '6:50: error: no backend is named "bb" (at routes[0].rules[0].backendRefs[1].name) [reference-unknown]',
      '6:64: error: no backend is named "something-else" (at routes[0].rules[0].backendRefs[2].name) [reference-unknown]',
    ],
  ],
  [
    "no listener",
    `backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
`,
    ["1:1: warning: no listener: nothing accepts traffic (at listeners) [listener-none]"],
  ],
  [
    "listeners that share a port",
    `listeners:
  - { name: a, protocol: HTTP, port: 80 }
  - { name: b, protocol: HTTPS, port: 80, tls: { certificates: [{ certFile: a, keyFile: b }] } }
  - { name: c, protocol: HTTP, port: 80, hostnames: [X.com] }
  - { name: d, protocol: HTTP, port: 80 }
  - { name: e, protocol: HTTP, port: 80, hostnames: [y.com, x.com] }
`,
    [
      '3:26: error: port 80 already speaks HTTP for listener "a"; it cannot speak HTTPS, too (at listeners[1].protocol) [listener-conflict]',
      '5:5: error: listener "a" already has every host on port 80 (at listeners[3]) [listener-conflict]',
      '6:5: error: listener "c" already has x.com on port 80 (at listeners[4]) [listener-conflict]',
    ],
  ],
  [
    "TLS without use, and missing",
    `listeners:
  - { name: a, protocol: HTTP, port: 80, tls: {} }
  - { name: b, protocol: HTTPS, port: 443 }
`,
    [
      '2:42: error: listener "a" speaks HTTP, so its certificates would never be used (at listeners[0].tls) [listener-tls-unexpected]',
      '3:5: warning: listener "b" speaks HTTPS but has no certificates (at listeners[1]) [listener-certificates-missing]',
    ],
  ],
  [
    "hostnames that no listener serves",
    `listeners: [{ name: web, protocol: HTTP, port: 80, hostnames: ["*.example.com"] }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - { name: a, hostnames: [example.com], rules: [{ backendRefs: [{ name: b }] }] }
  - { name: c, hostnames: [x.example.com, y.org], rules: [{ backendRefs: [{ name: b }] }] }
  - { name: d, hostnames: ["*.com"], rules: [{ backendRefs: [{ name: b }] }] }
  - { name: e, hostnames: ["*.b.example.com"], rules: [{ backendRefs: [{ name: b }] }] }
  - { name: f, hostnames: ["*.org"], rules: [{ backendRefs: [{ name: b }] }] }
`,
    [
      '4:27: error: route "a" gets no traffic: none of its listeners ("web") serves its hostnames (at routes[0].hostnames) [route-unattached]',
      `5:43: warning: y.org gets no traffic: none of the route's listeners ("web") serves it (at routes[1].hostnames[1]) [hostname-unattached]`,
      '8:27: error: route "f" gets no traffic: none of its listeners ("web") serves its hostnames (at routes[4].hostnames) [route-unattached]',
    ],
  ],
  [
    "paths that no request has",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ path: { type: Exact, value: /a//b } }, { path: { value: /a/../b } }, { path: { value: /a/. } }, { path: { value: /a%2fb } }, { path: { value: /café } }, { path: { value: /100% } }], backendRefs: [{ name: b }] }
`,
    [
      "6:51: error: no request has this path: it has an empty segment (//) (at routes[0].rules[0].matches[0].path.value) [match-path-invalid]",
      "6:79: error: no request has this path: it has a dot segment (/./ or /../) (at routes[0].rules[0].matches[1].path.value) [match-path-invalid]",
      "6:109: error: no request has this path: it has a dot segment (/./ or /../) (at routes[0].rules[0].matches[2].path.value) [match-path-invalid]",
      "6:136: error: no request has this path: it has an encoded slash, which the gateway refuses (at routes[0].rules[0].matches[3].path.value) [match-path-invalid]",
      '6:165: error: no request has this path: "é" must be percent-encoded (at routes[0].rules[0].matches[4].path.value) [match-path-invalid]',
      '6:193: error: no request has this path: "%" must be percent-encoded (at routes[0].rules[0].matches[5].path.value) [match-path-invalid]',
    ],
  ],
  [
    "regular expressions that cannot run",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ path: { type: RegularExpression, value: ( }, headers: [{ type: RegularExpression, name: x, value: (?=a) }], queryParams: [{ type: RegularExpression, name: x, value: '(a)\\1' }] }], backendRefs: [{ name: b }] }
`,
    [
      "6:63: error: not a valid regular expression: '(' without ')' (at character 2) (at routes[0].rules[0].matches[0].path.value) [match-regex-invalid]",
      "6:121: error: not a valid regular expression: look-around is not supported: it cannot be matched in linear time (at character 4) (at routes[0].rules[0].matches[0].headers[0].value) [match-regex-invalid]",
      "6:188: error: not a valid regular expression: back-references are not supported: they cannot be matched in linear time (at character 6) (at routes[0].rules[0].matches[0].queryParams[0].value) [match-regex-invalid]",
    ],
  ],
  [
    "values within exclusions, cookies and networks",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ cookies: [{ type: RegularExpression, name: c, value: '[' }], clientCIDRs: [10.0.0.0/8, 10.0.0/8], not: [{ path: { value: /a//b } }] }], backendRefs: [{ name: b }] }
`,
    [
      "6:76: error: not a valid regular expression: '[' without ']' (at character 2) (at routes[0].rules[0].matches[0].cookies[0].value) [match-regex-invalid]",
      '6:110: error: expected a network such as 10.0.0.0/8 or 2001:db8::/32; found "10.0.0/8" (at routes[0].rules[0].matches[0].clientCIDRs[1]) [match-network-invalid]',
      "6:144: error: no request has this path: it has an empty segment (//) (at routes[0].rules[0].matches[0].not[0].path.value) [match-path-invalid]",
    ],
  ],
  [
    "a mirror to nothing",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: nothing } } }], backendRefs: [{ name: b }] }
`,
    [
      '6:81: error: no backend is named "nothing" (at routes[0].rules[0].filters[0].requestMirror.backendRef.name) [reference-unknown]',
    ],
  ],
  [
    "two conditions on one name",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ headers: [{ name: X-A, value: a }, { name: x-a, value: b }], queryParams: [{ name: q, value: a }, { name: Q, value: b }, { name: q, value: b }] }], backendRefs: [{ name: b }] }
`,
    [
      '6:66: error: this match already has a condition on the header "x-a", and only the first would count (at routes[0].rules[0].matches[0].headers[1].name) [match-condition-duplicate]',
      '6:152: error: this match already has a condition on the query parameter "q", and only the first would count (at routes[0].rules[0].matches[0].queryParams[2].name) [match-condition-duplicate]',
    ],
  ],
  [
    "filters that exclude each other",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { filters: [{ type: URLRewrite, urlRewrite: {} }, { type: RequestRedirect, requestRedirect: {} }, { type: URLRewrite, urlRewrite: {} }], backendRefs: [{ name: b }] }
`,
    [
      "6:20: error: RequestRedirect and URLRewrite exclude each other: a redirected request goes to no backend (at routes[0].rules[0].filters) [filter-conflict]",
      "6:59: error: RequestRedirect answers every request of this rule, so its backendRefs would get none (at routes[0].rules[0].filters[1]) [filter-conflict]",
      "6:107: error: a second URLRewrite filter; expected at most one of each type (at routes[0].rules[0].filters[2]) [filter-conflict]",
    ],
  ],
  [
    "a prefix to replace where there is none",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ path: { value: /x } }, { path: { type: Exact, value: /x } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /y } } }], backendRefs: [{ name: b }] }
`,
    [
      '6:135: error: ReplacePrefixMatch needs PathPrefix matches, but this rule also matches Exact "/x" (at routes[0].rules[0].filters[0].urlRewrite.path) [filter-prefix-missing]',
    ],
  ],
  [
    "a rule without backend",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { matches: [{ path: { value: /x } }] }
`,
    [
      "6:9: warning: the rule has neither backendRefs nor a filter that answers; its requests are answered 500 (at routes[0].rules[0]) [rule-no-backend]",
    ],
  ],
  [
    "weights of zero",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { backendRefs: [{ name: b, weight: 0 }] }
`,
    [
      '2:20: warning: backend "b" gets no traffic: every backendRef to it has weight 0 (at backends[0].name) [backend-zero-weight]',
      "6:24: warning: every backendRef has weight 0; the rule's requests are answered 500 (at routes[0].rules[0].backendRefs) [rule-zero-weight]",
    ],
  ],
  [
    "one timeout longer than the one around it",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { timeouts: { request: 1s, backendRequest: 2s }, backendRefs: [{ name: b }] }
`,
    [
      "6:52: error: backendRequest (2s) is longer than request (1s), which ends first (at routes[0].rules[0].timeouts.backendRequest) [timeout-order]",
    ],
  ],
  [
    "a timeout that no timer can hold",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - { timeouts: { backendRequest: 600h }, backendRefs: [{ name: b }] }
`,
    [
      "6:39: error: expected a duration of at most 596h; found 600h (at routes[0].rules[0].timeouts.backendRequest) [duration-range]",
    ],
  ],
  [
    "addresses that are none",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - name: b
    endpoints:
      - { address: "10.0.0.300", port: 1 }
      - { address: "http://x", port: 1 }
      - { address: "x:80", port: 1 }
      - { address: "x/y", port: 1 }
      - { address: "fe80::1%eth0", port: 1 }
      - { address: "*.x", port: 1 }
      - { address: "010.0.0.1", port: 1 }
      - { address: "1::2::3", port: 1 }
      - { address: "a..b", port: 1 }
`,
    [
      '5:20: error: expected an IP address or a host name; found "10.0.0.300" (at backends[0].endpoints[0].address) [endpoint-address-invalid]',
      '6:20: error: expected an IP address or a host name; found "http://x" (at backends[0].endpoints[1].address) [endpoint-address-invalid]',
      '7:20: error: expected an IP address or a host name; found "x:80" (at backends[0].endpoints[2].address) [endpoint-address-invalid]',
      '8:20: error: expected an IP address or a host name; found "x/y" (at backends[0].endpoints[3].address) [endpoint-address-invalid]',
      '9:20: error: expected an IP address or a host name; found "fe80::1%eth0" (at backends[0].endpoints[4].address) [endpoint-address-invalid]',
      '10:20: error: expected an IP address or a host name; found "*.x" (at backends[0].endpoints[5].address) [endpoint-address-invalid]',
      '11:20: error: expected an IP address or a host name; found "010.0.0.1" (at backends[0].endpoints[6].address) [endpoint-address-invalid]',
      '12:20: error: expected an IP address or a host name; found "1::2::3" (at backends[0].endpoints[7].address) [endpoint-address-invalid]',
      '13:20: error: expected an IP address or a host name; found "a..b" (at backends[0].endpoints[8].address) [endpoint-address-invalid]',
    ],
  ],
  [
    "one endpoint in two spellings",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - name: b
    endpoints: [{ address: "::1", port: 1 }, { address: "[0:0::1]", port: 1 }, { address: "::1", port: 2 }]
`,
    [
      '4:46: error: backend "b" already has the endpoint [::1]:1 (at backends[0].endpoints[1]) [endpoint-duplicate]',
    ],
  ],
  [
    "backends without endpoints",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - { name: a, endpoints: [] }
  - { name: b, tunnel: t }
  - { name: c, endpoints: [{ address: x, port: 1, weight: 0 }] }
`,
    [
      '3:27: warning: backend "a" has no endpoints; its requests are answered 503 (at backends[0].endpoints) [backend-no-endpoints]',
      '4:5: warning: backend "b" has no endpoints; its requests are answered 503 (at backends[1].endpoints) [backend-no-endpoints]',
      '5:27: warning: backend "c" has only endpoints with weight 0; its requests are answered 503 (at backends[2].endpoints) [backend-no-endpoints]',
    ],
  ],
  [
    "checks over gRPC of what speaks HTTP/1.1, and a tunnel that is not the user's",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - { name: a, protocol: GRPC, endpoints: [{ address: x, port: 1 }] }
  - { name: b, tunnel: isthmus-serve, endpoints: [{ address: x, port: 1 }] }
  - { name: c, tunnel: t, endpoints: [{ address: x, port: 1 }], healthCheck: { active: { type: GRPC } } }
`,
    [
      "4:24: error: the tunnel isthmus-serve is that of the agent which isthmus serve starts by itself (at backends[1].tunnel) [tunnel-reserved]",
      '5:96: error: a check over gRPC needs HTTP/2, but backend "c" speaks HTTP (at backends[2].healthCheck.active.type) [health-check-protocol]',
    ],
  ],
  [
    "health checks that overlap or never wait",
    `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - name: b
    endpoints: [{ address: x, port: 1 }]
    healthCheck: { active: { type: TCP, interval: 1s, timeout: 1s } }
  - name: c
    endpoints: [{ address: x, port: 1 }]
    healthCheck: { active: { type: TCP, interval: 0s } }
`,
    [
      "5:28: warning: the check's timeout (1s) is not shorter than its interval (1s), so checks are put off (at backends[0].healthCheck.active) [health-check-timeout]",
      "8:51: error: expected a duration longer than 0s; found 0s (at backends[1].healthCheck.active.interval) [duration-range]",
    ],
  ],
];

test.each(cases)("%s", (_name, content, expected) => {
  const { diagnostics } = loadConfig([{ name: "f", content }]);
  expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).slice(2).split("\n")[0])).toEqual(
    expected,
  );
});
