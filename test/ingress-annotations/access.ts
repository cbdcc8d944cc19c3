// Who may pass: networks, passwords, the word of another server.
import { notFlag, notInteger, withoutEffect, type Rows } from "./row.ts";

const password = { headers: { authorization: "Basic YW5uOnRlc3Q=" } };
const wrong = { headers: { authorization: "Basic YW5uOndyb25n" } };
const users = { "auth-type": "basic", "auth-secret": "users", "auth-realm": "Staff" };
const challenge = { "www-authenticate": /^Basic realm="Staff"/ };
const url = "http://127.0.0.1:AUTHORITY/check";
const known = { headers: { cookie: "session=known" } };
const invalidNetwork = { "10.0.0.0/99": "expected networks such as 10.0.0.0/8" };

export const accessRows: Rows = {
  "whitelist-source-range": {
    samples: [
      { value: "10.0.0.0/8, 192.0.2.1", nginx: true, see: [{ status: 403 }] },
      { value: "127.0.0.0/8", nginx: true, see: [{ by: "web" }] },
    ],
    refused: invalidNetwork,
  },
  "allowlist-source-range": {
    samples: [{ value: "10.0.0.0/8", nginx: true, see: [{ status: 403 }] }],
    refused: invalidNetwork,
  },
  "denylist-source-range": {
    samples: [
      { value: "127.0.0.1", nginx: true, see: [{ status: 403 }] },
      { value: "10.0.0.0/8", nginx: true, see: [{ by: "web" }] },
    ],
    refused: invalidNetwork,
  },
  "auth-type": {
    samples: [
      {
        value: "basic",
        with: { "auth-secret": "users", "auth-realm": "Staff" },
        nginx: true,
        see: [
          { status: 401, headers: challenge },
          { ask: wrong, status: 401 },
          { ask: password, by: "web", seen: { headers: { authorization: null } } },
        ],
      },
    ],
    refused: { digest: "digest access authentication is not available", none: 'expected "basic"' },
  },
  "auth-secret": {
    samples: [
      {
        value: "default/users",
        with: { "auth-type": "basic", "auth-realm": "Staff" },
        nginx: true,
        see: [{ ask: password, by: "web" }],
      },
    ],
    refused: {
      nobody: 'there is no Secret "default/nobody"',
      "other/users": "Secrets of other namespaces are not read",
    },
    beside: { "auth-type": "basic" },
  },
  "auth-secret-type": {
    samples: [
      {
        value: "auth-map",
        with: { ...users, "auth-secret": "users-map" },
        nginx: true,
        see: [{ ask: password, by: "web" }, { status: 401 }],
      },
    ],
    refused: { "auth-list": 'expected "auth-file" or "auth-map"' },
    beside: users,
  },
  "auth-realm": {
    samples: [
      {
        value: "Members only",
        with: { "auth-type": "basic", "auth-secret": "users" },
        nginx: true,
        see: [{ status: 401, headers: { "www-authenticate": /^Basic realm="Members only"/ } }],
      },
    ],
    refused: { 'with "quotes"': "printable text without quotes" },
    beside: { "auth-type": "basic", "auth-secret": "users" },
  },
  "auth-url": {
    samples: [
      {
        value: url,
        nginx: true,
        see: [
          { status: 401 },
          { ask: known, by: "web" },
          { ask: { headers: { cookie: "session=banned" } }, status: 403 },
        ],
      },
    ],
    refused: {
      "auth.example.com/check": "expected an http or https URL",
      "http://$arg_a/": "other than $host",
    },
  },
  "auth-method": {
    samples: [
      {
        value: "POST",
        with: { "auth-url": url, "auth-response-headers": "X-Asked" },
        nginx: true,
        see: [{ ask: known, seen: { headers: { "x-asked": /^POST / } } }],
      },
    ],
    refused: { ASK: "expected" },
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-response-headers": {
    samples: [
      {
        value: "X-User, X-None",
        with: { "auth-url": url },
        nginx: true,
        see: [
          {
            ask: { headers: { ...known.headers, "x-user": "eve", "x-none": "eve" } },
            seen: { headers: { "x-user": "ann", "x-none": null } },
          },
        ],
      },
    ],
    refused: { "X User": "expected names of headers" },
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-signin": {
    samples: [
      {
        value: "https://login.example/start",
        with: { "auth-url": url },
        nginx: true,
        see: [
          {
            ask: { path: "/a" },
            status: 302,
            headers: { location: /^https:\/\/login\.example\/start\?rd=http:\/\/auth-signin-0\.test/ },
          },
        ],
      },
    ],
    refused: { "login.example": "expected an http or https URL" },
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-signin-redirect-param": {
    samples: [
      {
        value: "back",
        with: { "auth-url": url, "auth-signin": "https://login.example/start" },
        nginx: true,
        see: [{ status: 302, headers: { location: /\?back=http:/ } }],
      },
    ],
  },
  "auth-always-set-cookie": {
    samples: [
      {
        value: "true",
        with: { "auth-url": url },
        nginx: true,
        see: [
          {
            ask: { path: "/status/404", headers: { cookie: "session=old" } },
            status: 404,
            headers: { "set-cookie": "session=new" },
          },
        ],
      },
      {
        value: "false",
        with: { "auth-url": url },
        nginx: true,
        see: [
          {
            ask: { path: "/status/404", headers: { cookie: "session=old" } },
            status: 404,
            headers: { "set-cookie": null },
          },
        ],
      },
    ],
    refused: notFlag,
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-proxy-set-headers": {
    samples: [
      {
        value: "default/asking",
        with: { "auth-url": url, "auth-response-headers": "X-Asked" },
        nginx: true,
        see: [{ ask: known, seen: { headers: { "x-asked": /team=blue/ } } }],
      },
    ],
    refused: { none: 'there is no ConfigMap "default/none"' },
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-request-redirect": {
    samples: [
      {
        value: "/welcome",
        with: { "auth-url": url, "auth-response-headers": "X-Asked" },
        see: [{ ask: known, seen: { headers: { "x-asked": /redirect=\/welcome/ } } }],
      },
    ],
    refused: { $arg_to: "cannot be added to the question" },
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-snippet": {
    samples: [
      {
        value: 'proxy_set_header X-Team "blue";',
        with: { "auth-url": url, "auth-response-headers": "X-Asked" },
        nginx: true,
        see: [{ ask: known, seen: { headers: { "x-asked": /team=blue/ } } }],
      },
    ],
    refused: { "proxy_pass http://else;": "only proxy_set_header is" },
    beside: { "auth-url": "http://auth.example/" },
  },
  "auth-cache-key": withoutEffect("$remote_user", "asked about every request", {
    refused: { "a b": "expected variables of nginx" },
  }),
  "auth-cache-duration": withoutEffect("200 202 401 5m", "asked about every request", {
    refused: { "200;": "expected letters, digits" },
  }),
  "auth-keepalive": withoutEffect("10", "how nginx itself runs", { inert: ["0"], refused: notInteger }),
  "auth-keepalive-requests": withoutEffect("100", "how nginx itself runs", { refused: notInteger }),
  "auth-keepalive-timeout": withoutEffect("30", "how nginx itself runs", { refused: notInteger }),
  "auth-keepalive-share-vars": withoutEffect("true", "how nginx itself runs", {
    inert: ["false"],
    refused: notFlag,
  }),
  "enable-global-auth": {
    samples: [{ value: "false", see: [{ by: "web" }] }],
    refused: notFlag,
  },
  satisfy: {
    samples: [
      {
        value: "any",
        with: { ...users, "whitelist-source-range": "127.0.0.0/8" },
        nginx: true,
        see: [{ by: "web" }],
      },
      {
        value: "all",
        with: { ...users, "whitelist-source-range": "127.0.0.0/8" },
        nginx: true,
        see: [{ status: 401 }, { ask: password, by: "web" }],
      },
      {
        value: "any",
        with: { ...users, "whitelist-source-range": "10.0.0.0/8" },
        nginx: true,
        see: [
          { status: 401, headers: challenge },
          { ask: password, by: "web" },
        ],
      },
      // Password and authorization server: one of them is enough.
      {
        value: "any",
        with: { ...users, "auth-url": url, "auth-response-headers": "X-User" },
        nginx: true,
        see: [
          { status: 401, headers: challenge },
          { ask: wrong, status: 401, headers: challenge },
          { ask: { headers: { cookie: "session=banned" } }, status: 401, headers: challenge },
          {
            ask: { headers: { ...password.headers, "x-user": "eve" } },
            by: "web",
            seen: { headers: { "x-user": null } },
          },
          { ask: known, by: "web", seen: { headers: { "x-user": "ann" } } },
          { ask: { headers: { ...wrong.headers, cookie: "session=known" } }, by: "web" },
        ],
      },
      {
        value: "any",
        with: { ...users, "auth-url": url, "auth-signin": "https://login.example/start" },
        nginx: true,
        see: [
          { status: 302, headers: { location: /^https:\/\/login\.example\/start/ } },
          { ask: password, by: "web" },
          { ask: known, by: "web" },
        ],
      },
      {
        value: "all",
        with: { ...users, "auth-url": url },
        nginx: true,
        see: [
          { ask: known, status: 401 },
          { ask: password, status: 401 },
          { ask: { headers: { ...password.headers, ...known.headers } }, by: "web" },
        ],
      },
    ],
    refused: { some: 'expected "any" or "all"' },
  },
};
