// How often and how much clients may ask, and from which pages.
import { notFlag, notInteger, withoutEffect, type Rows } from "./row.ts";

const preflight = {
  method: "OPTIONS",
  headers: { origin: "https://app.example", "access-control-request-method": "PUT" },
};
const origin = { headers: { origin: "https://app.example" } };
const invalidNetwork = { "10.0.0.0/99": "expected networks such as 10.0.0.0/8" };

export const limitRows: Rows = {
  "limit-rps": {
    samples: [
      {
        value: "10",
        see: [{ by: "web" }],
        limits: { global: { rules: [{ limit: { requests: 10, unit: "Second", burst: 51 } }] } },
      },
    ],
    refused: notInteger,
  },
  "limit-rpm": {
    samples: [
      {
        value: "1",
        with: { "limit-burst-multiplier": "1" },
        nginx: true,
        see: [{}, {}, { status: 503 }],
      },
    ],
    refused: notInteger,
  },
  "limit-burst-multiplier": {
    samples: [
      { value: "3", with: { "limit-rpm": "1" }, nginx: true, see: [{}, {}, {}, {}, { status: 503 }] },
    ],
    refused: { "0": "expected a whole number of at least 1" },
  },
  "limit-connections": {
    samples: [
      {
        value: "1",
        see: [{ by: "web" }, { by: "web" }],
        limits: { concurrency: { rules: [{ maxParallelRequests: 1, statusCode: 503 }] } },
      },
    ],
    refused: notInteger,
  },
  "limit-whitelist": {
    samples: [
      {
        value: "127.0.0.0/8",
        with: { "limit-rpm": "1", "limit-burst-multiplier": "1" },
        nginx: true,
        see: [{}, {}, {}, {}],
      },
    ],
    refused: invalidNetwork,
    beside: { "limit-rpm": "1" },
  },
  "limit-allowlist": {
    samples: [
      {
        value: "127.0.0.1",
        with: { "limit-rpm": "1", "limit-burst-multiplier": "1" },
        nginx: true,
        see: [{}, {}, {}, {}],
      },
    ],
    refused: invalidNetwork,
    beside: { "limit-rpm": "1" },
  },
  "limit-rate": withoutEffect("100", "as fast as the client takes them", { refused: notInteger }),
  "limit-rate-after": withoutEffect("100", "as fast as the client takes them", { refused: notInteger }),
  "proxy-body-size": {
    samples: [
      {
        value: "1k",
        nginx: true,
        see: [
          { ask: { method: "POST", body: "x".repeat(1_024) }, by: "web" },
          { ask: { method: "POST", body: "x".repeat(1_025) }, status: 413 },
        ],
      },
      {
        value: "0",
        nginx: true,
        see: [{ ask: { method: "POST", body: "x".repeat(1_100_000) }, by: "web" }],
      },
    ],
    refused: { "8 megabytes": "expected a size such as 8m" },
  },
  "enable-cors": {
    samples: [
      {
        value: "true",
        nginx: true,
        see: [
          { ask: origin, by: "web", headers: { "access-control-allow-origin": "*" } },
          { ask: preflight, status: 204, headers: { "access-control-max-age": "1728000" } },
        ],
      },
      {
        value: "false",
        nginx: true,
        see: [{ ask: origin, headers: { "access-control-allow-origin": null } }],
      },
    ],
    refused: notFlag,
  },
  "cors-allow-origin": {
    samples: [
      {
        value: "https://app.example, https://*.shop.example",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [
          { ask: origin, headers: { "access-control-allow-origin": "https://app.example" } },
          {
            ask: { headers: { origin: "https://a.shop.example" } },
            headers: { "access-control-allow-origin": "https://a.shop.example" },
          },
          // One label, and nothing of another scheme or port.
          ...["https://b.a.shop.example", "https://shop.example", "http://a.shop.example"].map((other) => ({
            ask: { headers: { origin: other } },
            headers: { "access-control-allow-origin": null },
          })),
          {
            ask: { headers: { origin: "https://evil.example" } },
            headers: { "access-control-allow-origin": null },
          },
        ],
      },
      // As ingress-nginx's own tests have it (test/e2e/annotations/cors.go).
      {
        value: "https://one.example:8080,   ,https://two.example:8080, tauri://localhost:3000,",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [
          ...["https://one.example:8080", "https://two.example:8080", "tauri://localhost:3000"].map(
            (one) => ({
              ask: { headers: { origin: one } },
              headers: { "access-control-allow-origin": one },
            }),
          ),
          ...["https://one.example", "https://onexexample:8080", "tauri://localhost"].map((one) => ({
            ask: { headers: { origin: one } },
            headers: { "access-control-allow-origin": null },
          })),
        ],
      },
      {
        value: "*, app.example",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [{ ask: origin, headers: { "access-control-allow-origin": "*" } }],
      },
      {
        value: "https://app.example",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [{ ask: origin, headers: { "access-control-allow-origin": "https://app.example" } }],
      },
    ],
  },
  "cors-allow-methods": {
    samples: [
      {
        value: "GET, PUT",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [{ ask: preflight, status: 204, headers: { "access-control-allow-methods": "GET, PUT" } }],
      },
    ],
  },
  "cors-allow-headers": {
    samples: [
      {
        value: "X-One",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [{ ask: preflight, status: 204, headers: { "access-control-allow-headers": "X-One" } }],
      },
    ],
  },
  "cors-expose-headers": {
    samples: [
      {
        value: "X-Two",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [{ ask: origin, headers: { "access-control-expose-headers": "X-Two" } }],
      },
    ],
  },
  "cors-allow-credentials": {
    samples: [
      {
        value: "true",
        with: { "enable-cors": "true", "cors-allow-origin": "https://app.example" },
        nginx: true,
        see: [{ ask: origin, headers: { "access-control-allow-credentials": "true" } }],
      },
      {
        value: "false",
        with: { "enable-cors": "true", "cors-allow-origin": "https://app.example" },
        nginx: true,
        see: [{ ask: origin, headers: { "access-control-allow-credentials": null } }],
      },
    ],
    refused: notFlag,
    beside: { "enable-cors": "true" },
  },
  "cors-max-age": {
    samples: [
      {
        value: "600",
        with: { "enable-cors": "true" },
        nginx: true,
        see: [{ ask: preflight, status: 204, headers: { "access-control-max-age": "600" } }],
      },
    ],
    refused: notInteger,
    beside: { "enable-cors": "true" },
  },
};
