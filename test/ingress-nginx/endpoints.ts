// `test/e2e` of ingress-nginx, `annotations`: redirects and cookies of endpoints, TLS to them, snippets, and what tunes nginx.
import { expect } from "vitest";
import { secret } from "./manifests.ts";
import { annotated } from "./states.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const rate = (limit: string): State =>
  annotated(
    "limit-rate-annotation",
    { "proxy-buffering": "on", "limit-rate": limit },
    { warns: "limit-rate" },
  );

const limitRate = upstreamFile("annotations/limitrate.go", {
  "Check limit-rate annotation": [rate("1"), rate("90")],
});

const log = upstreamFile("annotations/log.go", {
  "set access_log off": annotated(
    "log.foo.com",
    { "enable-access-log": "false" },
    { warns: "enable-access-log" },
  ),
  "set rewrite_log on": annotated(
    "log.foo.com",
    { "enable-rewrite-log": "true" },
    { warns: "enable-rewrite-log" },
  ),
});

const mirror = upstreamFile("annotations/mirror.go", {
  "should set mirror-target to http://localhost/mirror": annotated("mirror.foo.com", {
    "mirror-target": "http://localhost/mirror",
  }),
  "should set mirror-target to https://test.env.com/$request_uri": annotated("mirror.foo.com", {
    "mirror-target": "https://test.env.com/$request_uri",
  }),
  "should disable mirror-request-body": annotated("mirror.foo.com", {
    "mirror-target": "http://localhost/mirror",
    "mirror-request-body": "off",
  }),
});

const firewall = (annotations: Texts, settings?: Texts): State =>
  annotated("modsecurity.foo.com", annotations, {
    ...(settings && { settings }),
    refused: "there is no web application firewall",
    see: [{ status: 404 }],
  });
const on = { "enable-modsecurity": "true" };
const snippet = { "modsecurity-snippet": "SecRuleEngine On" };

const modSecurity = upstreamFile("annotations/modsecurity/modsecurity.go", {
  "should enable modsecurity": firewall(on),
  "should enable modsecurity with transaction ID and OWASP rules": firewall({
    ...on,
    "enable-owasp-core-rules": "true",
    "modsecurity-transaction-id": "modsecurity-$request_id",
  }),
  "should disable modsecurity": annotated("modsecurity.foo.com", { "enable-modsecurity": "false" }),
  "should enable modsecurity with snippet": firewall({ ...on, ...snippet }),
  "should enable modsecurity without using 'modsecurity on;'": firewall(on, on),
  "should disable modsecurity using 'modsecurity off;'": firewall({ "enable-modsecurity": "false" }, on),
  "should enable modsecurity with snippet and block requests": firewall({ ...on, ...snippet }),
  "should enable modsecurity globally and with modsecurity-snippet block requests": firewall(snippet, on),
  "should enable modsecurity when enable-owasp-modsecurity-crs is set to true": firewall(snippet, {
    ...on,
    "enable-owasp-modsecurity-crs": "true",
  }),
  "should enable modsecurity through the config map": firewall(snippet, { ...on, ...snippet }),
  "should enable modsecurity through the config map but ignore snippet as disabled by admin": firewall(
    snippet,
    { ...on, ...snippet, "allow-snippet-annotations": "false" },
  ),
  "should disable default modsecurity conf setting when modsecurity-snippet is specified": firewall({
    ...on,
    ...snippet,
  }),
});

const redirected = (annotations: Texts, location: string): State =>
  annotated("proxy.foo.com", annotations, {
    see: [
      {
        ask: { path: "/response-headers?location=hello.com/x" },
        headers: { location },
      },
    ],
  });
const buffered = (annotations: Texts, warns: string): State =>
  annotated("proxy.foo.com", annotations, { warns });
const sent = (bytes: number, status: number): Seen => ({
  ask: { method: "POST", body: Buffer.alloc(bytes), headers: { "content-length": String(bytes) } },
  status,
});

const proxy = upstreamFile("annotations/proxy.go", {
  "should set proxy_redirect to off": redirected(
    { "proxy-redirect-from": "off", "proxy-redirect-to": "goodbye.com" },
    "hello.com/x",
  ),
  "should set proxy_redirect to default": redirected(
    { "proxy-redirect-from": "default", "proxy-redirect-to": "goodbye.com" },
    "hello.com/x",
  ),
  "should set proxy_redirect to hello.com goodbye.com": redirected(
    { "proxy-redirect-from": "hello.com", "proxy-redirect-to": "goodbye.com" },
    "goodbye.com/x",
  ),
  "should set proxy client-max-body-size to 8m": annotated(
    "proxy.foo.com",
    { "proxy-body-size": "8m" },
    {
      see: [
        sent(2 * 1024 * 1024, 200),
        { ...sent(9 * 1024 * 1024, 413), ask: { method: "POST", headers: { "content-length": "9437184" } } },
      ],
    },
  ),
  "should not set proxy client-max-body-size to incorrect value": annotated(
    "proxy.foo.com",
    { "proxy-body-size": "15r" },
    { refused: "expected a size such as 8m", see: [{ status: 404 }] },
  ),
  "should set valid proxy timeouts": annotated(
    "proxy.foo.com",
    { "proxy-connect-timeout": "50", "proxy-send-timeout": "20", "proxy-read-timeout": "20" },
    { warns: "proxy-send-timeout", backend: { timeout: { tcp: { connectTimeout: "50s" } } } },
  ),
  "should not set invalid proxy timeouts": annotated(
    "proxy.foo.com",
    { "proxy-connect-timeout": "50k", "proxy-send-timeout": "20k", "proxy-read-timeout": "20k" },
    { warns: "is no whole number of seconds", backend: { timeout: { tcp: { connectTimeout: "5s" } } } },
  ),
  "should turn on proxy-buffering": buffered(
    {
      "proxy-buffering": "on",
      "proxy-buffers-number": "8",
      "proxy-buffer-size": "8k",
      "proxy-busy-buffers-size": "16k",
    },
    "proxy-buffering",
  ),
  "should turn off proxy-request-buffering": annotated("proxy.foo.com", { "proxy-request-buffering": "off" }),
  "should build proxy next upstream": annotated(
    "proxy.foo.com",
    {
      "proxy-next-upstream": "error timeout http_502",
      "proxy-next-upstream-timeout": "999999",
      "proxy-next-upstream-tries": "888888",
    },
    { warns: "proxy-next-upstream-timeout" },
  ),
  "should setup proxy cookies": annotated(
    "proxy.foo.com",
    { "proxy-cookie-domain": "localhost example.org", "proxy-cookie-path": "/one/ /" },
    {
      see: [
        {
          ask: {
            path: `/response-headers?set-cookie=${encodeURIComponent("a=1; Domain=localhost; Path=/one/x")}`,
          },
          headers: { "set-cookie": "a=1; Domain=example.org; Path=/x" },
        },
      ],
    },
  ),
  "should change the default proxy HTTP version": buffered(
    { "proxy-http-version": "1.0" },
    "proxy-http-version",
  ),
});

const proxySecret = secret("proxyssl.foo.com", {
  "ca.crt": "SERVER_CERTIFICATE",
  "tls.crt": "SERVER_CERTIFICATE",
  "tls.key": "SERVER_KEY",
});
/** Endpoints are spoken to in plain HTTP, in which the annotations have no effect. */
const proxied = (annotations: Texts, warns?: string): State => ({
  host: "proxyssl.foo.com",
  ingresses: [
    {
      annotations: { "proxy-ssl-secret": "default/proxyssl.foo.com", ...annotations },
      tls: ["proxyssl.foo.com"],
    },
  ],
  objects: [proxySecret],
  see: [{ status: 308 }, { ask: { https: true } }],
  ...(warns !== undefined && { warns }),
});

const proxySsl = upstreamFile("annotations/proxyssl.go", {
  "should set valid proxy-ssl-secret": proxied({}),
  "should set valid proxy-ssl-secret, proxy-ssl-verify to on, proxy-ssl-verify-depth to 2, and proxy-ssl-server-name to on":
    proxied({ "proxy-ssl-verify": "on", "proxy-ssl-verify-depth": "2", "proxy-ssl-server-name": "on" }),
  "should set valid proxy-ssl-secret, proxy-ssl-ciphers to HIGH:!AES": proxied(
    { "proxy-ssl-ciphers": "HIGH:!AES" },
    "proxy-ssl-ciphers",
  ),
  "should set valid proxy-ssl-secret, proxy-ssl-protocols": proxied(
    { "proxy-ssl-protocols": "TLSv1.2 TLSv1.3" },
    "proxy-ssl-protocols",
  ),
  "proxy-ssl-location-only flag should change the nginx config server part": {
    ...proxied({ "backend-protocol": "HTTPS", "proxy-ssl-verify": "on", "proxy-ssl-server-name": "on" }),
    settings: { "proxy-ssl-location-only": "true" },
    warns: "proxy-ssl-location-only",
    see: [{ status: 308 }],
    backend: {
      protocol: "HTTPS",
      tls: expect.objectContaining({ caCertificates: expect.stringContaining("CERTIFICATE") }),
    },
  },
});

const told = { "server-snippet": '\nmore_set_headers "Foo: Bar";\nmore_set_headers "Xpto: Lalala";' };
const forbidden = { "allow-snippet-annotations": "false", "annotations-risk-level": "Critical" };

const serverSnippet = upstreamFile("annotations/serversnippet.go", {
  "add valid directives to server via server snippet": annotated("serversnippet.foo.com", told, {
    see: [{ headers: { foo: "Bar", xpto: "Lalala" } }],
  }),
  "drops server snippet if disabled by the administrator": annotated("noserversnippet.foo.com", told, {
    settings: forbidden,
    refused: "the controller's ConfigMap forbids it: allow-snippet-annotations",
    see: [{ status: 404, headers: { foo: null } }],
  }),
});

const fooHeader = { "configuration-snippet": 'more_set_headers "Foo1: Bar1";' };

const configurationSnippet = upstreamFile("annotations/snippet.go", {
  "set snippet more_set_headers in all locations": annotated("configurationsnippet.foo.com", fooHeader, {
    see: [{ headers: { foo1: "Bar1" } }],
  }),
  "drops snippet more_set_header in all locations if disabled by admin": annotated(
    "noconfigurationsnippet.foo.com",
    fooHeader,
    {
      settings: forbidden,
      refused: "the controller's ConfigMap forbids it: allow-snippet-annotations",
      see: [{ status: 404, headers: { foo1: null } }],
    },
  ),
});

const ciphers = (list: string, prefers: string): State => ({
  host: "ciphers.foo.com",
  ingresses: [
    {
      annotations: { "ssl-ciphers": list, "ssl-prefer-server-ciphers": prefers },
      paths: ["/something"],
      tls: ["ciphers.foo.com"],
    },
  ],
  warns: "ssl-ciphers",
  see: [{ ask: { https: true, path: "/something" } }],
});

const sslCiphers = upstreamFile("annotations/sslciphers.go", {
  "should change ssl ciphers": ciphers(
    "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP",
    "false",
  ),
  "should keep ssl ciphers": ciphers(
    "ALL:!aNULL:!EXPORT56:RC4+RSA@STRENGTH:+HIGH@SECLEVEL=0:+MEDIUM:+LOW:+SSLv2:+EXP",
    "true",
  ),
});

const streams = { "stream-snippet": "server {listen 8000; proxy_pass 127.0.0.1:80;}" };

const streamSnippet = upstreamFile("annotations/streamsnippet.go", {
  "should add value of stream-snippet to nginx config": annotated("foo.com", streams, {
    refused: "its connections would not be served",
    see: [{ status: 404 }],
  }),
  "should add stream-snippet and drop annotations per admin config": annotated("annot.foo.com", streams, {
    settings: { ...streams, "allow-snippet-annotations": "false" },
    refused: "the controller's ConfigMap forbids it: allow-snippet-annotations",
    see: [{ status: 404 }],
  }),
});

export const endpointsFiles: readonly UpstreamFile[] = [
  limitRate,
  log,
  mirror,
  modSecurity,
  proxy,
  proxySsl,
  serverSnippet,
  configurationSnippet,
  sslCiphers,
  streamSnippet,
];
