// Every setting that ingress-nginx documents for its ConfigMap (docs/user-guide/nginx-configuration/configmap.md): honoured,
// which shows in what is made of Ingresses, or said to have no effect, or refused.
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../load.ts";
import { settingPolicies } from "./setting-policy.ts";

/** With something for every setting to change. */
const ingress = (name: string, host: string, annotations: Record<string, string>, hasTls = true) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: {
    name,
    namespace: "shop",
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: {
    ...(hasTls && { tls: [{ hosts: [host] }] }),
    rules: [
      {
        host,
        http: {
          paths: ["/", "/open"].map((path) => ({
            path,
            pathType: "Prefix",
            backend: { service: { name: "web", port: { number: 80 } } },
          })),
        },
      },
    ],
  },
});
const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec: { clusterIP: "10.9.9.9", selector: { app: name }, ports: [{ port: 80 }] },
});
const configMap = (namespace: string, name: string, data: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace, name },
  data,
});
const others = [
  ingress("web", "a.test", {
    "limit-rps": "1",
    "limit-connections": "1",
    "default-backend": "pages",
    "custom-headers": "own",
    "from-to-www-redirect": "true",
    "configuration-snippet": 'more_set_headers "X-A: b";',
  }),
  ingress("asking", "b.test", { "auth-url": "http://own-auth.test/" }, false),
  service("web"),
  service("pages"),
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: ["10.0.0.1"] }],
  },
  configMap("shop", "own", { "X-Own": "1" }),
  configMap("ingress-nginx", "own", { "X-Own": "$host" }),
];

function load(settings: Record<string, string>) {
  const manifests = [configMap("ingress-nginx", "ingress-nginx-controller", settings), ...others];
  const content = manifests.map((one) => JSON.stringify(one)).join("\n---\n");
  const { snapshot, diagnostics } = loadConfig([{ name: "a.yaml", content }]);
  return { snapshot, notes: diagnostics.filter(({ path }) => path.startsWith("ConfigMap[")), diagnostics };
}

/** Settings without which another one has nothing to say. */
function beside(name: string): Record<string, string> {
  if (name === "global-auth-signin-redirect-param")
    return { "global-auth-url": "http://auth.test/", "global-auth-signin": "https://login.test/" };
  if (/^(?:global-auth-(?!url)|no-auth-locations)/.test(name))
    return { "global-auth-url": "http://auth.test/" };
  if (/^(?:proxy-real-ip-cidr|compute-full-forwarded-for|forwarded-for-header)$/.test(name))
    return { "use-forwarded-headers": "true" };
  if (name === "proxy-redirect-from") return { "proxy-redirect-to": "http://b/" };
  if (name.startsWith("gzip-")) return { "use-gzip": "true" };
  if (name.startsWith("brotli-")) return { "enable-brotli": "true" };
  return {};
}

const honoured: Record<string, string> = {
  "add-headers": "ingress-nginx/own",
  "allow-backend-server-header": "true",
  "bind-address": "127.0.0.1",
  "block-cidrs": "192.0.2.0/24",
  "block-referers": "~*evil",
  "block-user-agents": "bad",
  "brotli-level": "5",
  "brotli-min-length": "100",
  "brotli-types": "text/css",
  "compute-full-forwarded-for": "true",
  "custom-http-errors": "404",
  "denylist-source-range": "192.0.2.0/24",
  "enable-brotli": "true",
  "enable-real-ip": "true",
  "force-ssl-redirect": "true",
  "generate-request-id": "false",
  "global-allowed-response-headers": "X-Other",
  "global-auth-method": "POST",
  "global-auth-request-redirect": "/a",
  "global-auth-response-headers": "X-User",
  "global-auth-signin": "https://login.test/",
  "global-auth-signin-redirect-param": "next",
  "global-auth-snippet": "proxy_set_header X-A b;",
  "global-auth-url": "http://auth.test/",
  "location-snippet": 'more_set_headers "X-Location: a";',
  "server-snippet": 'more_set_headers "X-Server: a";',
  "gzip-level": "5",
  "gzip-min-length": "100",
  "gzip-types": "text/css",
  "hide-headers": "X-Hidden",
  hsts: "false",
  "hsts-include-subdomains": "false",
  "hsts-max-age": "60",
  "hsts-preload": "true",
  "http-redirect-code": "301",
  "limit-conn-status-code": "429",
  "limit-req-status-code": "429",
  "load-balance": "ewma",
  "no-auth-locations": "/open",
  "no-tls-redirect-locations": "/open",
  "proxy-add-original-uri-header": "true",
  "proxy-body-size": "8k",
  "proxy-connect-timeout": "7",
  "proxy-next-upstream": "http_503",
  "proxy-next-upstream-tries": "2",
  "proxy-read-timeout": "7",
  "proxy-real-ip-cidr": "10.0.0.0/8",
  "proxy-cookie-domain": "a b",
  "proxy-cookie-path": "/a /b",
  "proxy-redirect-from": "http://a/",
  "proxy-set-headers": "ingress-nginx/own",
  "service-upstream": "true",
  "ssl-redirect": "false",
  "use-forwarded-headers": "true",
  "use-gzip": "true",
  "use-proxy-protocol": "true",
  "whitelist-source-range": "10.0.0.0/8",
};

const refused: Record<string, string> = {
  "allow-snippet-annotations": "false",
  "annotation-value-word-blocklist": "more_set",
  "annotations-risk-level": "Medium",
  "enable-modsecurity": "true",
  "enable-owasp-modsecurity-crs": "true",
  "forwarded-for-header": "CF-Connecting-IP",
  "http-snippet": "allow all;",
  "limit-conn-zone-variable": "$http_x",
  "main-snippet": "x;",
  "modsecurity-snippet": "SecRule",
  "ssl-protocols": "TLSv1.3",
  "stream-snippet": "x;",
};

/** Of the rest, those for which not every value will do. */
const ignored: Record<string, string> = {
  "proxy-next-upstream-timeout": "7",
  "proxy-send-timeout": "7",
  "relative-redirects": "true",
  ...Object.fromEntries(
    [
      "access-log-params",
      "access-log-path",
      "allow-cross-namespace-resources",
      "client-body-buffer-size",
      "client-body-timeout",
      "client-header-buffer-size",
      "client-header-timeout",
      "debug-connections",
      "default-type",
      "disable-access-log",
      "disable-ipv6",
      "disable-ipv6-dns",
      "enable-access-log-for-default-backend",
      "enable-aio-write",
      "enable-multi-accept",
      "enable-ocsp",
      "enable-opentelemetry",
      "enable-serial-reloads",
      "enable-syslog",
      "enable-underscores-in-headers",
      "error-log-level",
      "error-log-path",
      "forwarded-for-proxy-protocol-header",
      "geoip2-autoreload-in-minutes",
      "global-auth-cache-duration",
      "global-auth-cache-key",
      "grpc-buffer-size-kb",
      "gzip-disable",
      "http-access-log-path",
      "http2-max-concurrent-streams",
      "http2-max-field-size",
      "http2-max-header-size",
      "http2-max-requests",
      "ignore-invalid-headers",
      "jaeger-baggage-header",
      "jaeger-collector-host",
      "jaeger-collector-port",
      "jaeger-debug-header",
      "jaeger-endpoint",
      "jaeger-propagation-format",
      "jaeger-sampler-host",
      "jaeger-sampler-param",
      "jaeger-sampler-port",
      "jaeger-sampler-type",
      "jaeger-service-name",
      "jaeger-trace-baggage-header-prefix",
      "jaeger-trace-context-header-name",
      "keep-alive",
      "keep-alive-requests",
      "large-client-header-buffers",
      "limit-rate",
      "limit-rate-after",
      "log-format-escape-json",
      "log-format-escape-none",
      "log-format-stream",
      "log-format-upstream",
      "lua-shared-dicts",
      "map-hash-bucket-size",
      "max-worker-connections",
      "max-worker-open-files",
      "nginx-status-ipv4-whitelist",
      "nginx-status-ipv6-whitelist",
      "opentelemetry-config",
      "opentelemetry-operation-name",
      "opentelemetry-trust-incoming-span",
      "otel-max-export-batch-size",
      "otel-max-queuesize",
      "otel-sampler",
      "otel-sampler-parent-based",
      "otel-sampler-ratio",
      "otel-schedule-delay-millis",
      "otel-service-name",
      "otlp-collector-host",
      "otlp-collector-port",
      "proxy-buffer-size",
      "proxy-buffering",
      "proxy-buffers-number",
      "proxy-busy-buffers-size",
      "proxy-headers-hash-bucket-size",
      "proxy-headers-hash-max-size",
      "proxy-protocol-header-timeout",
      "proxy-request-buffering",
      "proxy-ssl-location-only",
      "proxy-stream-next-upstream",
      "proxy-stream-next-upstream-timeout",
      "proxy-stream-next-upstream-tries",
      "proxy-stream-responses",
      "proxy-stream-timeout",
      "retry-non-idempotent",
      "reuse-port",
      "server-name-hash-bucket-size",
      "server-name-hash-max-size",
      "server-tokens",
      "skip-access-log-urls",
      "ssl-buffer-size",
      "ssl-ciphers",
      "ssl-dh-param",
      "ssl-ecdh-curve",
      "ssl-reject-handshake",
      "ssl-session-cache",
      "ssl-session-cache-size",
      "ssl-session-ticket-key",
      "ssl-session-tickets",
      "ssl-session-timeout",
      "stream-access-log-path",
      "strict-validate-path-type",
      "syslog-host",
      "syslog-port",
      "upstream-keepalive-connections",
      "upstream-keepalive-requests",
      "upstream-keepalive-time",
      "upstream-keepalive-timeout",
      "use-geoip",
      "use-geoip2",
      "use-http2",
      "variables-hash-bucket-size",
      "variables-hash-max-size",
      "worker-cpu-affinity",
      "worker-processes",
      "worker-shutdown-timeout",
    ].map((name) => [name, "other"]),
  ),
};

describe.each(Object.entries(honoured))("%s: %s", (name, value) => {
  test("is honoured", () => {
    const without = load(beside(name));
    const settings = { ...beside(name), [name]: value };
    const { snapshot, diagnostics } = load(settings);
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(without.snapshot).toBeDefined();
    expect(snapshot).not.toEqual(without.snapshot);
  });
});

test.each(Object.entries(refused))("%s: %s is an error that says why", (name, value) => {
  const { diagnostics } = load({ ...beside(name), [name]: value });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.map(({ message }) => message).join()).toContain(name);
});

test.each(Object.entries(ignored))("%s: %s is said to have no effect", (name, value) => {
  const { snapshot, notes } = load({ [name]: value });
  expect(notes.map(({ severity, message }) => [severity, message.split(":")[0]])).toEqual([
    ["warning", name],
  ]);
  expect(snapshot).toEqual(load({}).snapshot);
});

test("each setting that is documented is one of these, and what is not known is said", () => {
  const all = new Set([...Object.keys(honoured), ...Object.keys(refused), ...Object.keys(ignored)]);
  expect([...all].filter((name) => !Object.hasOwn(settingPolicies, name))).toEqual([]);
  expect(all.size).toBe(192);
  expect(load({ "hsts-maxage": "1" }).notes).toMatchObject([
    { severity: "warning", remedy: 'Did you mean "hsts-max-age"?' },
  ]);
});

test("ingress-nginx's own values are no news", () => {
  const own = Object.entries(settingPolicies).flatMap(([name, policy]) =>
    typeof policy === "object" && policy.preset ? [[name, policy.preset] as const] : [],
  );
  expect(own.length).toBeGreaterThan(40);
  expect(load(Object.fromEntries(own)).notes).toEqual([]);
});
