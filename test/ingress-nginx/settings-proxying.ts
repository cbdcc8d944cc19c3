// `test/e2e` of ingress-nginx, `settings` and `loadbalance`: times, hosts, snippets, TLS, how endpoints are picked.
import { expect } from "vitest";
import { refusedSetting, set, tuned } from "./states.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const timeout = (name: string, value: string, warns?: string, backend?: object): State =>
  set("timeout", { [name]: value }, { ...(warns !== undefined && { warns }), ...(backend && { backend }) });

const timeouts = [
  upstreamFile("settings/proxy_connect_timeout.go", {
    "should set valid proxy timeouts using configmap values": timeout(
      "proxy-connect-timeout",
      "50",
      undefined,
      {
        timeout: { tcp: { connectTimeout: "50s" } },
      },
    ),
    "should not set invalid proxy timeouts using configmap values": timeout(
      "proxy-connect-timeout",
      "50k",
      "is no whole number of seconds",
      { timeout: { tcp: { connectTimeout: "5s" } } },
    ),
  }),
  upstreamFile("settings/proxy_read_timeout.go", {
    "should set valid proxy read timeouts using configmap values": timeout("proxy-read-timeout", "20"),
    "should not set invalid proxy read timeouts using configmap values": timeout(
      "proxy-read-timeout",
      "20k",
      "is no whole number of seconds",
    ),
  }),
  upstreamFile("settings/proxy_send_timeout.go", {
    "should set valid proxy send timeouts using configmap values": timeout(
      "proxy-send-timeout",
      "20",
      "proxy-send-timeout",
    ),
    "should not set invalid proxy send timeouts using configmap values": timeout(
      "proxy-send-timeout",
      "20k",
      "is no whole number of seconds",
    ),
  }),
];

/** Theirs has no semicolon, so that nginx takes what follows for headers, too, and serves a page of its own. */
const proxyHost = (annotations: Texts, host: string): State =>
  set(
    "proxy-host",
    {},
    {
      ingresses: [
        {
          annotations: {
            "configuration-snippet": 'more_set_headers "Custom-Header: $proxy_host";',
            ...annotations,
          },
        },
      ],
      see: [{ headers: { "custom-header": "default-echo-80" }, seen: { headers: { host } } }],
    },
  );

const proxyHosts = upstreamFile("settings/proxy_host.go", {
  "should exist a proxy_host": proxyHost({}, "proxy-host"),
  "should exist a proxy_host using the upstream-vhost annotation value": proxyHost(
    { "upstream-vhost": "different.host" },
    "different.host",
  ),
});

const nextUpstream = upstreamFile("settings/proxy_next_upstream.go", {
  "should build proxy next upstream using configmap values": set(
    "proxy-next-upstream.com",
    {
      "proxy-next-upstream": "timeout http_502",
      "proxy-next-upstream-timeout": "999999",
      "proxy-next-upstream-tries": "888888",
    },
    { warns: "proxy-next-upstream-timeout" },
  ),
});

const globalHeader = { "server-snippet": '\nmore_set_headers "Globalfoo: Foooo";' };
const withOwn: Partial<State> = {
  ingresses: [
    {},
    {
      name: "annotated",
      host: "annotated.foo.com",
      annotations: { "server-snippet": '\nmore_set_headers "Foo: Bar";\nmore_set_headers "Xpto: Lalala";' },
    },
  ],
};
const onlyGlobal: Seen = { headers: { globalfoo: "Foooo", foo: null, xpto: null } };

const serverSnippet = upstreamFile("settings/server_snippet.go", {
  "should add value of server-snippet setting to all ingress config": set(
    "serverglobalsnippet1.foo.com",
    { ...globalHeader, "allow-snippet-annotations": "true", "annotations-risk-level": "Critical" },
    {
      ...withOwn,
      see: [
        onlyGlobal,
        {
          ask: { host: "annotated.foo.com" },
          headers: { globalfoo: "Foooo", foo: "Bar", xpto: "Lalala" },
        },
      ],
    },
  ),
  "should add global server-snippet and drop annotations per admin config": set(
    "serverglobalsnippet2.foo.com",
    { ...globalHeader, "allow-snippet-annotations": "false", "annotations-risk-level": "Critical" },
    {
      ...withOwn,
      refused: "the controller's ConfigMap forbids it: allow-snippet-annotations",
      see: [onlyGlobal, { ask: { host: "annotated.foo.com" }, status: 404 }],
    },
  ),
});

const serverTokens = upstreamFile("settings/server_tokens.go", {
  "should not exists Server header in the response": set(
    "server-tokens",
    { "server-tokens": "false" },
    { see: [{ headers: { server: null } }] },
  ),
  "should exists Server header in the response when is enabled": tuned({ "server-tokens": "true" }),
});

const secure = (settings: Texts, value: string, path = "/"): State =>
  set("settings-tls", settings, {
    ingresses: [{ tls: ["settings-tls"] }],
    see: [{ ask: { https: true, path }, headers: { "strict-transport-security": value } }],
  });
const day = { "hsts-max-age": "86400" };
const toHttps = (settings: Texts, seen: Seen): State =>
  set("settings-tls", settings, { ingresses: [{ tls: ["settings-tls"] }], see: [seen] });

const tls = upstreamFile(
  "settings/tls.go",
  {
    "should configure TLS protocol: setting cipher suite": {
      ...refusedSetting(
        { "ssl-protocols": "TLSv1.2", "ssl-ciphers": "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA" },
        "listeners speak TLSv1.3, too",
      ),
      ingresses: [{ tls: ["refused"] }],
    },
    "should configure HSTS policy header: setting max-age parameter": secure(
      day,
      "max-age=86400; includeSubDomains",
    ),
    "should configure HSTS policy header: setting includeSubDomains parameter": secure(
      { ...day, "hsts-include-subdomains": "false" },
      "max-age=86400",
    ),
    "should configure HSTS policy header: setting preload parameter": secure(
      { ...day, "hsts-preload": "true", "hsts-include-subdomains": "false" },
      "max-age=86400; preload",
    ),
    "should configure HSTS policy header: overriding what's set from the upstream": secure(
      { ...day, "hsts-preload": "true", "hsts-include-subdomains": "false" },
      "max-age=86400; preload",
      "/?hsts=true",
    ),
    "ports or X-Forwarded-Host check during HTTP tp HTTPS redirection: should not use ports during the HTTP to HTTPS redirection":
      toHttps({}, { status: 308, headers: { location: /^https:\/\/settings-tls(?::\d+)?\/?$/ } }),
  },
  {
    "ports or X-Forwarded-Host check during HTTP tp HTTPS redirection: should not use ports or X-Forwarded-Host during the HTTP to HTTPS redirection":
      "redirects to HTTPS are to the Host of the request, whatever X-Forwarded-Host says",
  },
);

const risky = { "default-backend": "bla", "denylist-source-range": "1.1.1.1/32" };
const medium = { "allow-snippet-annotations": "true", "annotations-risk-level": "Medium" };

const validations = upstreamFile("settings/validations/validations.go", {
  "should allow ingress based on their risk on webhooks": [
    set("annotation-validations", medium, { ingresses: [{ annotations: risky }], missing: ["bla"] }),
    set("annotation-validations", medium, {
      ingresses: [{ annotations: { ...risky, "auth-url": "http://a.example/" } }],
      missing: ["bla"],
      refused: "annotations-risk-level is Medium, and this is High",
      see: [{ status: 404 }],
    }),
  ],
});

const loadBalancing = [
  upstreamFile("loadbalance/configmap.go", {
    "should apply the configmap load-balance setting": set(
      "load-balance.com",
      { "load-balance": "ewma" },
      { backend: { loadBalancer: { type: "PeakEWMA" } } },
    ),
  }),
  upstreamFile("loadbalance/ewma.go", {
    "does not fail requests": set(
      "load-balance.com",
      { "load-balance": "ewma", "worker-processes": "2" },
      { replicas: 3, warns: "worker-processes", see: Array.from({ length: 30 }, () => ({})) },
    ),
  }),
  upstreamFile("loadbalance/round_robin.go", {
    "should evenly distribute requests with round-robin (default algorithm)": set(
      "load-balance.com",
      {},
      {
        replicas: 3,
        observe: async (send) => {
          const counts = new Map<unknown, number>();
          for (let asked = 0; asked < 60; asked += 1) {
            const by = (await send()).headers["x-served-by"];
            counts.set(by, (counts.get(by) ?? 0) + 1);
          }
          expect([...counts.values()]).toEqual([20, 20, 20]);
        },
      },
    ),
  }),
];

export const settingsProxyingFiles: readonly UpstreamFile[] = [
  ...timeouts,
  proxyHosts,
  nextUpstream,
  serverSnippet,
  serverTokens,
  tls,
  validations,
  ...loadBalancing,
];
