// Redirects: the gateway's own, and those of endpoints.
import { notFlag, notInteger, type Rows } from "./row.ts";

const elsewhere = "https://elsewhere.example/new";

export const redirectRows: Rows = {
  "app-root": {
    samples: [
      {
        value: "/start",
        nginx: true,
        see: [
          { status: 302, headers: { location: /^http:\/\/[^/]+\/start$/ } },
          { ask: { path: "/start" }, by: "web" },
        ],
      },
    ],
    refused: { "start here": "expected a path such as /app" },
  },
  "permanent-redirect": {
    samples: [
      { value: elsewhere, nginx: true, see: [{ status: 301, headers: { location: elsewhere } }] },
      { value: "/moved", nginx: true, see: [{ status: 301, headers: { location: /\/moved$/ } }] },
    ],
    refused: { "ftp://elsewhere.example/": "expected an http or https URL" },
  },
  "permanent-redirect-code": {
    samples: [
      { value: "308", with: { "permanent-redirect": elsewhere }, nginx: true, see: [{ status: 308 }] },
      { value: "404", with: { "permanent-redirect": elsewhere }, nginx: true, see: [{ status: 301 }] },
    ],
    refused: notInteger,
    beside: { "permanent-redirect": elsewhere },
  },
  "temporal-redirect": {
    samples: [
      {
        value: elsewhere,
        with: { "permanent-redirect": "https://later.example/" },
        nginx: true,
        see: [{ status: 302, headers: { location: elsewhere } }],
      },
    ],
    refused: { "/moved": "expected an http or https URL" },
  },
  "temporal-redirect-code": {
    samples: [
      { value: "307", with: { "temporal-redirect": elsewhere }, nginx: true, see: [{ status: 307 }] },
      { value: "308", with: { "temporal-redirect": elsewhere }, nginx: true, see: [{ status: 302 }] },
    ],
    refused: notInteger,
    beside: { "temporal-redirect": elsewhere },
  },
  "ssl-redirect": {
    samples: [
      {
        value: "true",
        tls: true,
        nginx: true,
        see: [{ ask: { path: "/a" }, status: 308, headers: { location: /^https:\/\/[^/]+\/a$/ } }],
      },
      { value: "false", tls: true, nginx: true, see: [{ by: "web" }, { ask: { https: true }, by: "web" }] },
    ],
    refused: notFlag,
  },
  "force-ssl-redirect": {
    samples: [{ value: "true", nginx: true, see: [{ status: 308, headers: { location: /^https:/ } }] }],
    refused: notFlag,
  },
  "preserve-trailing-slash": {
    samples: [
      {
        value: "true",
        with: { "force-ssl-redirect": "true" },
        nginx: true,
        see: [{ ask: { path: "/a/" }, status: 308, headers: { location: /\/a\/$/ } }],
      },
      {
        value: "false",
        with: { "force-ssl-redirect": "true" },
        nginx: true,
        see: [{ ask: { path: "/a/" }, status: 308, headers: { location: /\/a$/ } }],
      },
    ],
    refused: notFlag,
  },
  "from-to-www-redirect": {
    samples: [
      {
        value: "true",
        nginx: true,
        see: [
          {
            ask: { host: "www.from-to-www-redirect-0.test", path: "/a" },
            status: 308,
            headers: { location: /^http:\/\/from-to-www-redirect-0\.test(?::\d+)?\/a$/ },
          },
        ],
      },
    ],
    refused: notFlag,
  },
  "relative-redirects": {
    samples: [
      {
        value: "true",
        with: { "permanent-redirect": "/moved" },
        warns: "absolute Location",
        see: [{ status: 301, headers: { location: "/moved" } }],
      },
    ],
    refused: notFlag,
  },
  "use-port-in-redirects": {
    samples: [{ value: "true", warns: "port of their scheme", see: [{ by: "web" }] }],
    refused: notFlag,
  },
  "proxy-redirect-from": {
    samples: [
      {
        value: "http://old.example/",
        with: { "proxy-redirect-to": "https://new.example/n/" },
        nginx: true,
        see: [
          {
            ask: { path: "/writes" },
            status: 201,
            headers: { location: "https://new.example/n/x", refresh: "5; url=https://new.example/n/y" },
          },
        ],
      },
      {
        value: "off",
        with: { "proxy-redirect-to": "https://new.example/" },
        nginx: true,
        see: [{ ask: { path: "/writes" }, status: 201, headers: { location: "http://old.example/x" } }],
      },
      {
        value: "~old",
        with: { "proxy-redirect-to": "new" },
        warns: "expressions and variables are not read",
        see: [{ ask: { path: "/writes" }, status: 201, headers: { location: "http://old.example/x" } }],
      },
    ],
  },
  "proxy-redirect-to": {
    samples: [
      {
        value: "/",
        with: { "proxy-redirect-from": "http://old.example/" },
        nginx: true,
        see: [{ ask: { path: "/writes" }, status: 201, headers: { location: /\/x$/ } }],
      },
    ],
  },
};
