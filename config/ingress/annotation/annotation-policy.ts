// Every annotation that ingress-nginx knows, and what becomes of it here: read by one of the files beside this one, or
// said to be without meaning, or refused.

/** `read`: its meaning is translated. Otherwise what is said about it, as a warning or an error. */
export type AnnotationPolicy =
  | "read"
  | {
      readonly ignored: string;
      readonly takes: Values;
      /** Values about which nothing is said, since there is nothing to miss. Absent: those that switch something off. */
      readonly silent?: readonly string[];
    }
  | { readonly unsupported: string };

/** What ingress-nginx takes: an Ingress with anything else is none to it. */
export interface Values {
  readonly pattern: RegExp;
  readonly expected: string;
}

const read = "read";
const integer = { pattern: /^[+-]?\d+$/, expected: "a whole number" };
const size = { pattern: /^\d+[bkmg]?$/i, expected: "a size such as 8k" };
const flag = { pattern: /^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/, expected: '"true" or "false"' };
const onOff = { pattern: /^(?:on|off)$/, expected: '"on" or "off"' };
const words = { pattern: /^[\w\-.~/:, ]*$/, expected: "letters, digits and -._~/:," };
const variable = { pattern: /^[\w\-${}]*$/, expected: "variables of nginx" };
const name = { pattern: /^[\w-]*$/, expected: "letters, digits, - and _" };
const ciphers = { pattern: /^[\w!:+\-@=]*$/, expected: "a list of ciphers" };
const buffers = (takes: Values, ...silent: readonly string[]) => ({
  ignored: "bodies stream through the gateway, which never holds one whole",
  takes,
  silent,
});
const process = (takes: Values) => ({ ignored: "it tunes how nginx itself runs", takes });
const observed = (takes: Values, ...silent: readonly string[]) => ({
  ignored: "logs and traces are settings of the whole configuration (`accessLog`, `tracing`)",
  takes,
  ...(silent.length > 0 && { silent }),
});
const cached = (takes: Values) => ({
  ignored: "the authorization server is asked about every request",
  takes,
});
const unthrottled = { ignored: "responses are sent as fast as the client takes them", takes: integer };
const runtimeCiphers = (takes: Values) => ({
  ignored: "listeners use the ciphers of the runtime",
  takes,
});
const firewall = {
  unsupported: "there is no web application firewall, so requests that it stops would pass",
};
const fastCgi = { unsupported: "endpoints that speak FastCGI cannot be reached" };

export const annotationPolicies: Readonly<Record<string, AnnotationPolicy>> = {
  affinity: read,
  "affinity-canary-behavior": read,
  "affinity-mode": read,
  "allowlist-source-range": read,
  "app-root": read,
  "auth-always-set-cookie": read,
  "auth-cache-duration": cached(words),
  "auth-cache-key": cached(variable),
  "auth-keepalive": process(integer),
  "auth-keepalive-requests": process(integer),
  "auth-keepalive-share-vars": process(flag),
  "auth-keepalive-timeout": process(integer),
  "auth-method": read,
  "auth-proxy-set-headers": read,
  "auth-realm": read,
  "auth-request-redirect": read,
  "auth-response-headers": read,
  "auth-secret": read,
  "auth-secret-type": read,
  "auth-signin": read,
  "auth-signin-redirect-param": read,
  "auth-snippet": read,
  "auth-tls-error-page": read,
  "auth-tls-match-cn": read,
  "auth-tls-pass-certificate-to-upstream": read,
  "auth-tls-secret": read,
  "auth-tls-verify-client": read,
  "auth-tls-verify-depth": {
    ignored: "chains of certificates may be as long as they are",
    takes: integer,
    silent: ["1"],
  },
  "auth-type": read,
  "auth-url": read,
  "backend-protocol": read,
  canary: read,
  "canary-by-cookie": read,
  "canary-by-header": read,
  "canary-by-header-pattern": read,
  "canary-by-header-value": read,
  "canary-weight": read,
  "canary-weight-total": read,
  "client-body-buffer-size": buffers(size, "8k"),
  "configuration-snippet": read,
  "connection-proxy-header": {
    ignored: "connections to endpoints are kept alive by the runtime",
    takes: { pattern: /^(?:close|keep-alive)$/, expected: '"close" or "keep-alive"' },
    silent: ["keep-alive"],
  },
  "cors-allow-credentials": read,
  "cors-allow-headers": read,
  "cors-allow-methods": read,
  "cors-allow-origin": read,
  "cors-expose-headers": read,
  "cors-max-age": read,
  "custom-headers": read,
  "custom-http-errors": read,
  "default-backend": read,
  "denylist-source-range": read,
  "disable-proxy-intercept-errors": read,
  "enable-access-log": observed(flag, "true"),
  "enable-cors": read,
  "enable-global-auth": read,
  "enable-modsecurity": firewall,
  "enable-opentelemetry": observed(flag),
  "enable-opentracing": observed(flag),
  "enable-owasp-core-rules": firewall,
  "enable-rewrite-log": observed(flag),
  "fastcgi-index": fastCgi,
  "fastcgi-params-configmap": fastCgi,
  "force-ssl-redirect": read,
  "from-to-www-redirect": read,
  "http2-push-preload": { ignored: "browsers have given up server push", takes: flag },
  "limit-allowlist": read,
  "limit-burst-multiplier": read,
  "limit-connections": read,
  "limit-rate": unthrottled,
  "limit-rate-after": unthrottled,
  "limit-rpm": read,
  "limit-rps": read,
  "limit-whitelist": read,
  "load-balance": read,
  "mirror-host": read,
  "mirror-request-body": read,
  "mirror-target": read,
  "modsecurity-snippet": firewall,
  "modsecurity-transaction-id": firewall,
  "opentelemetry-operation-name": observed(name),
  "opentelemetry-trust-incoming-span": observed(flag),
  "opentracing-trust-incoming-span": observed(flag),
  "permanent-redirect": read,
  "permanent-redirect-code": read,
  "preserve-trailing-slash": read,
  "proxy-body-size": read,
  "proxy-buffer-size": buffers(size, "4k"),
  "proxy-buffering": buffers(onOff, "off"),
  "proxy-buffers-number": buffers(integer, "4"),
  "proxy-busy-buffers-size": buffers(size, "8k"),
  "proxy-connect-timeout": read,
  "proxy-cookie-domain": read,
  "proxy-cookie-path": read,
  "proxy-http-version": {
    ignored: "endpoints are spoken to in HTTP/1.1",
    takes: { pattern: /^1\.[01]$/, expected: '"1.0" or "1.1"' },
    silent: ["1.1"],
  },
  "proxy-max-temp-file-size": buffers(size, "0", "1024m"),
  "proxy-next-upstream": read,
  "proxy-next-upstream-timeout": read,
  "proxy-next-upstream-tries": read,
  "proxy-read-timeout": read,
  "proxy-redirect-from": read,
  "proxy-redirect-to": read,
  "proxy-request-buffering": buffers(onOff, "on", "off"),
  "proxy-send-timeout": read,
  "proxy-ssl-ciphers": { ignored: "the runtime picks the ciphers of its own connections", takes: ciphers },
  "proxy-ssl-name": read,
  "proxy-ssl-protocols": {
    ignored: "the runtime picks the versions of TLS of its own connections",
    takes: { pattern: /^(?:TLSv1\.[23]|\s)*$/, expected: "TLSv1.2, TLSv1.3, or both" },
  },
  "proxy-ssl-secret": read,
  "proxy-ssl-server-name": read,
  "proxy-ssl-verify": read,
  "proxy-ssl-verify-depth": read,
  "relative-redirects": read,
  "rewrite-target": read,
  satisfy: read,
  "server-alias": read,
  "server-snippet": read,
  "service-upstream": read,
  "session-cookie-change-on-failure": read,
  "session-cookie-conditional-samesite-none": read,
  "session-cookie-domain": read,
  "session-cookie-expires": read,
  "session-cookie-max-age": read,
  "session-cookie-name": read,
  "session-cookie-path": read,
  "session-cookie-samesite": read,
  "session-cookie-secure": read,
  "ssl-ciphers": runtimeCiphers(ciphers),
  "ssl-passthrough": read,
  "ssl-prefer-server-ciphers": runtimeCiphers(flag),
  "ssl-redirect": read,
  "stream-snippet": {
    unsupported: "its connections would not be served; write `tcpRoutes` in a native file beside this one",
  },
  "temporal-redirect": read,
  "temporal-redirect-code": read,
  "upstream-hash-by": read,
  "upstream-hash-by-subset": read,
  "upstream-hash-by-subset-size": read,
  "upstream-vhost": read,
  "use-port-in-redirects": read,
  "use-regex": read,
  "whitelist-source-range": read,
  "x-forwarded-prefix": read,
};

/** Values that ask for nothing: an annotation that only switches off what is off. */
export const inertValues: readonly string[] = ["false", "off", "0"];
