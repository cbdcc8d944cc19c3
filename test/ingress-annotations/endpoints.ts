// Which endpoint answers, how it is spoken to, and what becomes of it when it does not answer.
import { expect } from "vitest";
import { notFlag, notInteger, withoutEffect, type Row, type Rows, type See, type Send } from "./row.ts";

/** The attributes of the cookie that binds a client. */
function cookie(attributes: RegExp): See[] {
  return [{ by: "web", headers: { "set-cookie": attributes } }];
}
const sticky = { affinity: "cookie" };

function attribute(value: string, attributes: RegExp, refused?: Row["refused"]): Row {
  return {
    samples: [{ value, with: sticky, see: cookie(attributes) }],
    ...(refused && { refused, beside: sticky }),
  };
}

const served = async (send: Send, count: number, headers: Record<string, string> = {}): Promise<string[]> => {
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    names.push(String((await send({ headers })).headers["x-served-by"]));
  }
  return names;
};

/** A client with the cookie that its first answer set. */
async function firstCookie(send: Send): Promise<{ by: string; headers: { cookie: string } }> {
  const { headers } = await send();
  const [set = ""] = headers["set-cookie"] ?? [];
  return { by: String(headers["x-served-by"]), headers: { cookie: set.split(";", 1)[0]! } };
}

const staysWithOne = async (send: Send): Promise<void> => {
  const { by, headers } = await firstCookie(send);
  expect(new Set(await served(send, 12, headers))).toEqual(new Set([by]));
};

/** Each key has endpoints of its own, so many; together they have all. */
const keepsTo =
  (count: number) =>
  async (send: Send): Promise<void> => {
    const byKey: Set<string>[] = [];
    const [keys, requests] = count === 1 ? [60, 2] : [16, 6];
    for (let key = 0; key < keys; key += 1) {
      byKey.push(new Set(await served(send, requests, { "x-key": `key ${key}` })));
    }
    expect(Math.max(...byKey.map(({ size }) => size))).toBe(count);
    expect(new Set(byKey.flatMap((names) => [...names])).size).toBe(3);
  };

const tls = { insecureSkipVerify: true };
const verified = { "backend-protocol": "HTTPS", "proxy-ssl-secret": "default/authorities" };
const unverified = "certificates of the endpoints are not verified";

export const endpointRows: Rows = {
  affinity: {
    samples: [{ value: "cookie", see: cookie(/^INGRESSCOOKIE=/), observe: staysWithOne }],
    refused: { ip: 'expected "cookie"' },
  },
  "affinity-mode": {
    samples: [
      { value: "balanced", with: sticky, observe: staysWithOne },
      { value: "persistent", with: sticky, observe: staysWithOne },
    ],
    refused: { mixed: 'expected "balanced" or "persistent"' },
    beside: sticky,
  },
  "affinity-canary-behavior": {
    samples: [
      {
        value: "sticky",
        onCanary: true,
        with: sticky,
        canary: { "canary-by-header": "X-Canary", "canary-weight": "0" },
        observe: async (send) => {
          const chosen = await send({ headers: { "x-canary": "always" } });
          const [set = ""] = chosen.headers["set-cookie"] ?? [];
          expect(set).toMatch(/^INGRESSCOOKIE=/);
          // The client stays with the canary, and one of the main Ingress stays there, whatever it asks for.
          const canary = { cookie: set.split(";", 1)[0]! };
          expect(await served(send, 4, canary)).toEqual(Array(4).fill(chosen.headers["x-served-by"]));
          const { by, headers } = await firstCookie(send);
          expect(by).toMatch(/^web-/);
          expect(await served(send, 4, { ...headers, "x-canary": "always" })).toEqual(Array(4).fill(by));
        },
      },
      {
        value: "legacy",
        onCanary: true,
        with: sticky,
        canary: { "canary-by-header": "X-Canary" },
        observe: async (send) => {
          const chosen = await send({ headers: { "x-canary": "always" } });
          expect(chosen.headers["x-served-by"]).toBe("canary");
          // Nobody is bound to it.
          expect(chosen.headers).not.toHaveProperty("set-cookie");
          await staysWithOne(send);
        },
      },
    ],
    refused: { loose: 'expected "sticky" or "legacy"' },
    beside: { canary: "true" },
  },
  "session-cookie-name": attribute("route", /^route=/),
  "session-cookie-path": attribute("/shop", /; Path=\/shop;/),
  "session-cookie-domain": attribute("example.com", /; Domain=example\.com/),
  "session-cookie-max-age": attribute("60", /; Max-Age=60/, notInteger),
  "session-cookie-expires": attribute("60", /; Max-Age=60/, notInteger),
  "session-cookie-samesite": attribute("strict", /; SameSite=Strict/, { Loose: 'expected "None" or "Lax"' }),
  "session-cookie-secure": attribute("true", /; Secure/, notFlag),
  "session-cookie-change-on-failure": {
    samples: [{ value: "true", with: sticky, rule: { sessionPersistence: { moveOnFailure: true } } }],
    refused: notFlag,
    beside: sticky,
  },
  "session-cookie-conditional-samesite-none": {
    samples: [
      { value: "true", with: sticky, warns: "are told it like all others", see: cookie(/^INGRESSCOOKIE=/) },
    ],
    refused: notFlag,
    beside: sticky,
  },
  "load-balance": {
    samples: [
      { value: "ewma", see: [{ by: "web" }], backend: { loadBalancer: { type: "PeakEWMA" } } },
      {
        value: "round_robin",
        observe: async (send) => expect(new Set(await served(send, 30)).size).toBe(3),
      },
    ],
    refused: { least_conn: 'expected "round_robin" or "ewma"' },
  },
  "upstream-hash-by": {
    samples: [
      { value: "$http_x_key", observe: keepsTo(1) },
      {
        value: "$remote_addr",
        observe: async (send) => expect(new Set(await served(send, 12)).size).toBe(1),
      },
      { value: "$msec", warns: "cannot be a key", see: [{ by: "web" }] },
    ],
  },
  "upstream-hash-by-subset": {
    samples: [
      {
        value: "true",
        with: { "upstream-hash-by": "$http_x_key", "upstream-hash-by-subset-size": "2" },
        observe: keepsTo(2),
      },
      { value: "false", with: { "upstream-hash-by": "$http_x_key" }, observe: keepsTo(1) },
    ],
    refused: notFlag,
  },
  "upstream-hash-by-subset-size": {
    samples: [
      {
        value: "2",
        with: { "upstream-hash-by": "$http_x_key", "upstream-hash-by-subset": "true" },
        observe: keepsTo(2),
      },
    ],
    refused: { "0": "expected a whole number of at least 1" },
  },
  "service-upstream": {
    samples: [
      { value: "true", see: [{ by: "web" }], backend: { endpoints: [{ address: "10.9.9.9", port: 80 }] } },
      { value: "false", backend: { endpoints: [{ port: 8080 }, { port: 8080 }, { port: 8080 }] } },
    ],
    refused: notFlag,
  },
  "default-backend": {
    samples: [
      { value: "pages", withoutEndpoints: true, see: [{ by: "pages" }] },
      { value: "pages", see: [{ by: "web" }] },
      { value: "none", withoutEndpoints: true, warns: "there is no Service", see: [{ status: 503 }] },
    ],
  },
  "custom-http-errors": {
    samples: [
      {
        value: "404,503",
        with: { "default-backend": "pages" },
        nginx: true,
        see: [
          { ask: { path: "/status/404" }, by: "pages", seen: { headers: { "x-code": "404" } } },
          { ask: { path: "/status/500" }, status: 500 },
        ],
      },
      {
        value: "404",
        warns: "the default backend of the controller is not in the files",
        see: [{ ask: { path: "/status/404" }, status: 404 }],
      },
    ],
    refused: { "40": "expected statuses" },
  },
  "disable-proxy-intercept-errors": {
    samples: [
      {
        value: "true",
        with: { "default-backend": "pages", "custom-http-errors": "404" },
        see: [{ ask: { path: "/status/404" }, status: 404 }],
      },
    ],
    refused: notFlag,
    beside: { "custom-http-errors": "404", "default-backend": "pages" },
  },
  "backend-protocol": {
    samples: [
      { value: "http", see: [{ by: "web" }] },
      { value: "HTTPS", warns: unverified, backend: { protocol: "HTTPS", tls } },
      { value: "GRPC", backend: { protocol: "GRPC" } },
      { value: "GRPCS", warns: unverified, backend: { protocol: "GRPCS", tls } },
      { value: "AUTO_HTTP", warns: unverified, see: [{ by: "web" }] },
    ],
    refused: { FCGI: "FastCGI cannot be reached", AJP: "expected HTTP, HTTPS" },
  },
  "proxy-ssl-secret": {
    samples: [
      {
        value: "default/authorities",
        with: { "backend-protocol": "HTTPS" },
        warns: unverified,
        backend: { tls },
      },
    ],
    refused: { "default/nobody": "there is no Secret", "other/ca": "Secrets of other namespaces" },
    beside: { "backend-protocol": "HTTPS" },
  },
  "proxy-ssl-verify": {
    samples: [
      {
        value: "on",
        with: { ...verified, "proxy-ssl-name": "inner.example" },
        backend: { tls: { hostname: "inner.example", caCertificates: expect.stringContaining("BEGIN") } },
      },
      { value: "off", with: verified, warns: unverified, backend: { tls } },
    ],
    refused: { maybe: 'expected "on" or "off"' },
    beside: verified,
  },
  "proxy-ssl-name": {
    samples: [
      {
        value: "inner.example",
        with: verified,
        warns: unverified,
        backend: { tls: { hostname: "inner.example" } },
      },
      { value: "inner.example", with: { "backend-protocol": "HTTPS" }, warns: "without proxy-ssl-secret" },
    ],
  },
  "proxy-ssl-server-name": {
    samples: [
      {
        value: "off",
        with: { ...verified, "proxy-ssl-verify": "on", "proxy-ssl-name": "inner.example" },
        warns: "always told the name",
      },
      { value: "on", with: { ...verified, "proxy-ssl-verify": "on", "proxy-ssl-name": "inner.example" } },
    ],
    refused: { maybe: 'expected "on" or "off"' },
    beside: { ...verified, "proxy-ssl-verify": "on", "proxy-ssl-name": "inner.example" },
  },
  "proxy-ssl-verify-depth": {
    samples: [
      {
        value: "3",
        with: { ...verified, "proxy-ssl-verify": "on", "proxy-ssl-name": "inner.example" },
        warns: "chains of certificates",
      },
    ],
    refused: notInteger,
    beside: { ...verified, "proxy-ssl-verify": "on", "proxy-ssl-name": "inner.example" },
  },
  "proxy-ssl-ciphers": withoutEffect("HIGH:!aNULL", "the runtime picks the ciphers", {
    refused: { "HIGH;": "expected a list of ciphers" },
  }),
  "proxy-ssl-protocols": withoutEffect("TLSv1.2 TLSv1.3", "the runtime picks the versions", {
    refused: { SSLv3: "expected TLSv1.2, TLSv1.3" },
  }),
  "proxy-connect-timeout": {
    samples: [
      { value: "3", see: [{ by: "web" }], backend: { timeout: { tcp: { connectTimeout: "3s" } } } },
      { value: "3s", warns: "no whole number of seconds", see: [{ by: "web" }] },
    ],
  },
  "proxy-read-timeout": {
    samples: [
      { value: "1", see: [{ ask: { path: "/never" }, status: 504 }, { by: "web" }] },
      { value: "1s", warns: "no whole number of seconds", rule: { timeouts: { backendHead: "1m" } } },
    ],
  },
  "proxy-send-timeout": {
    samples: [
      { value: "5", warns: "only the time until a response begins", see: [{ by: "web" }] },
      { value: "60", see: [{ by: "web" }] },
    ],
  },
  "proxy-next-upstream": {
    samples: [
      {
        value: "error http_502",
        with: { "proxy-next-upstream-tries": "3" },
        rule: { retry: { numRetries: 2, retryOn: { httpStatusCodes: [502] } } },
        // All three are asked.
        observe: async (send) => {
          expect((await send({ path: "/status/502" })).headers["x-attempts"]).toBe("3");
          expect((await send({ path: "/status/503" })).headers["x-attempts"]).toBe("1");
        },
      },
      {
        value: "off",
        rule: { retry: { numRetries: 0 } },
        observe: async (send) => {
          expect((await send({ path: "/status/502" })).headers["x-attempts"]).toBe("1");
        },
      },
    ],
    refused: { "error http_418": "expected conditions of proxy_next_upstream" },
  },
  "proxy-next-upstream-tries": {
    samples: [
      {
        value: "2",
        with: { "proxy-next-upstream": "http_502" },
        observe: async (send) => {
          expect((await send({ path: "/status/502" })).headers["x-attempts"]).toBe("2");
        },
      },
    ],
    refused: notInteger,
  },
  "proxy-next-upstream-timeout": {
    samples: [
      { value: "5", warns: "limited in number, not in time", see: [{ by: "web" }] },
      { value: "0", see: [{ by: "web" }] },
    ],
    refused: notInteger,
  },
  "ssl-passthrough": {
    samples: [{ value: "false", see: [{ by: "web" }] }],
    refused: notFlag,
  },
};
