// How much harm ingress-nginx thinks its annotations can do; with `annotations-risk-level` an administrator says how much
// of it Ingresses may. Those that are in no list are of low risk (docs/user-guide/nginx-configuration/annotations-risk.md
// of ingress-nginx).

export const riskLevels = ["Low", "Medium", "High", "Critical"] as const;
export type RiskLevel = (typeof riskLevels)[number];

const critical = new Set([
  "auth-snippet",
  "configuration-snippet",
  "modsecurity-snippet",
  "server-snippet",
  "stream-snippet",
]);

const high = new Set([
  "auth-signin",
  "auth-tls-error-page",
  "auth-tls-match-cn",
  "auth-url",
  "mirror-host",
  "mirror-target",
  "modsecurity-transaction-id",
  "proxy-ssl-name",
  "server-alias",
  "upstream-hash-by",
]);

const medium = new Set([
  "affinity-mode",
  "allowlist-source-range",
  "app-root",
  "auth-cache-duration",
  "auth-cache-key",
  "auth-proxy-set-headers",
  "auth-realm",
  "auth-request-redirect",
  "auth-response-headers",
  "auth-secret",
  "auth-signin-redirect-param",
  "auth-tls-secret",
  "auth-tls-verify-client",
  "canary-by-cookie",
  "canary-by-header",
  "canary-by-header-pattern",
  "canary-by-header-value",
  "cors-allow-headers",
  "cors-allow-methods",
  "cors-allow-origin",
  "cors-expose-headers",
  "custom-headers",
  "denylist-source-range",
  "fastcgi-index",
  "fastcgi-params-configmap",
  "force-ssl-redirect",
  "opentelemetry-operation-name",
  "permanent-redirect",
  "preserve-trailing-slash",
  "proxy-body-size",
  "proxy-cookie-domain",
  "proxy-cookie-path",
  "proxy-next-upstream",
  "proxy-redirect-from",
  "proxy-redirect-to",
  "proxy-ssl-ciphers",
  "proxy-ssl-secret",
  "rewrite-target",
  "session-cookie-domain",
  "session-cookie-expires",
  "session-cookie-max-age",
  "session-cookie-name",
  "session-cookie-path",
  "temporal-redirect",
  "x-forwarded-prefix",
]);

export function riskOf(name: string): RiskLevel {
  if (critical.has(name)) return "Critical";
  if (high.has(name)) return "High";
  return medium.has(name) ? "Medium" : "Low";
}
