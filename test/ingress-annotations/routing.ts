// Paths, hosts, canaries, copies and headers.
import { notFlag, notInteger, type Rows } from "./row.ts";

export const routingRows: Rows = {
  "rewrite-target": {
    samples: [
      {
        value: "/api/$2",
        paths: ["/v1(/|$)(.*)"],
        nginx: true,
        see: [{ ask: { path: "/v1/users?a=b" }, seen: { url: "/api/users?a=b" } }],
      },
      { value: "/", paths: ["/old"], nginx: true, see: [{ ask: { path: "/old/x" }, seen: { url: "/" } }] },
    ],
    refused: { "/a b": "expected a path", "/$uri": "$uri cannot be filled in" },
  },
  "use-regex": {
    samples: [
      {
        value: "true",
        paths: ["/item/[0-9]+$"],
        nginx: true,
        see: [
          { ask: { path: "/ITEM/42" }, by: "web" },
          { ask: { path: "/item/x" }, status: 404 },
        ],
      },
      { value: "false", paths: ["/item/[0-9]+$"], see: [{ ask: { path: "/item/42" }, status: 404 }] },
    ],
    refused: notFlag,
  },
  "server-alias": {
    samples: [
      {
        value: "alias-one.test, alias-two.test",
        nginx: true,
        see: [
          { ask: { host: "alias-two.test" }, by: "web" },
          { ask: { host: "alias-three.test" }, status: 404 },
        ],
      },
    ],
    refused: { "~^a[0-9]+[.]test$": "by a regular expression", "a b": "expected host names" },
  },
  canary: {
    samples: [
      { value: "true", onCanary: true, canary: { "canary-weight": "100" }, see: [{ by: "canary" }] },
      { value: "false", see: [{ by: "web" }] },
    ],
    refused: notFlag,
  },
  "canary-by-header": {
    samples: [
      {
        value: "X-Canary",
        onCanary: true,
        see: [
          { ask: { headers: { "x-canary": "always" } }, by: "canary" },
          { ask: { headers: { "x-canary": "never" } }, by: "web" },
          { ask: { headers: { "x-canary": "other" } }, by: "web" },
        ],
      },
    ],
    refused: { "X Canary": "expected the name of a header", "X-Canary": "this is no canary" },
  },
  "canary-by-header-value": {
    samples: [
      {
        value: "blue",
        onCanary: true,
        canary: { "canary-by-header": "X-Canary", "canary-by-header-pattern": "green" },
        see: [
          { ask: { headers: { "x-canary": "blue" } }, by: "canary" },
          { ask: { headers: { "x-canary": "always" } }, by: "web" },
          // With a value the pattern does not count.
          { ask: { headers: { "x-canary": "green" } }, by: "web" },
        ],
      },
    ],
  },
  "canary-by-header-pattern": {
    samples: [
      {
        value: "^(de|fr)-",
        onCanary: true,
        canary: { "canary-by-header": "X-Region" },
        see: [
          { ask: { headers: { "x-region": "fr-1" } }, by: "canary" },
          { ask: { headers: { "x-region": "us-1" } }, by: "web" },
        ],
      },
      {
        value: "[",
        onCanary: true,
        canary: { "canary-by-header": "X-Region" },
        warns: "no request is the canary's by it",
        see: [{ ask: { headers: { "x-region": "[" } }, by: "web" }],
      },
    ],
    refused: { "(?=a)a": "not possible in linear time" },
    beside: { canary: "true", "canary-by-header": "X-Region" },
  },
  "canary-by-cookie": {
    samples: [
      {
        value: "tester",
        onCanary: true,
        canary: { "canary-weight": "100" },
        see: [
          { ask: { headers: { cookie: "tester=never" } }, by: "web" },
          { ask: { headers: { cookie: "tester=always" } }, by: "canary" },
          // What is neither leaves it to the weight.
          { ask: { headers: { cookie: "tester=perhaps" } }, by: "canary" },
        ],
      },
    ],
    refused: { "a b": "expected the name of a cookie" },
  },
  "canary-weight": {
    samples: [
      { value: "100", onCanary: true, see: [{ by: "canary" }] },
      { value: "0", onCanary: true, see: [{ by: "web" }] },
    ],
    refused: { half: "expected a whole number", "10": "this is no canary" },
  },
  "canary-weight-total": {
    samples: [
      {
        value: "1000",
        onCanary: true,
        canary: { "canary-weight": "100" },
        rule: { backendRefs: [{ weight: 900 }, { weight: 100 }] },
      },
      // Less than 100 is 100.
      {
        value: "10",
        onCanary: true,
        canary: { "canary-weight": "10" },
        rule: { backendRefs: [{ weight: 90 }, { weight: 10 }] },
      },
    ],
    refused: notInteger,
  },
  "upstream-vhost": {
    samples: [
      { value: "inner.example", nginx: true, see: [{ seen: { headers: { host: "inner.example" } } }] },
    ],
    refused: { $arg_host: "no host name" },
  },
  "x-forwarded-prefix": {
    samples: [
      {
        value: "/prefix",
        with: { "rewrite-target": "/$1" },
        paths: ["/app/(.*)"],
        nginx: true,
        see: [{ ask: { path: "/app/x" }, seen: { url: "/x", headers: { "x-forwarded-prefix": "/prefix" } } }],
      },
    ],
  },
  "custom-headers": {
    samples: [
      { value: "default/headers", nginx: true, see: [{ headers: { "x-custom": "one" } }] },
      {
        value: "default/none",
        warns: "there is no ConfigMap",
        see: [{ by: "web", headers: { "x-custom": null } }],
      },
    ],
  },
  "configuration-snippet": {
    samples: [
      {
        value: 'more_set_headers "X-Snippet: yes";',
        nginx: true,
        see: [{ headers: { "x-snippet": "yes" } }],
      },
    ],
    refused: { 'content_by_lua_block { ngx.say("x") }': "content_by_lua_block" },
  },
  "server-snippet": {
    samples: [
      {
        value: "location = /ping { return 204; }",
        nginx: true,
        see: [{ ask: { path: "/ping" }, status: 204 }, { by: "web" }],
      },
    ],
    refused: { "proxy_pass http://10.0.0.1;": "proxy_pass" },
  },
  "mirror-target": {
    samples: [{ value: "http://127.0.0.1:MIRROR/copy$request_uri", see: [{ by: "web" }] }],
    refused: { "test.example.com": "expected an http or https URL" },
  },
  "mirror-host": {
    samples: [
      {
        value: "copies.example",
        with: { "mirror-target": "http://127.0.0.1:MIRROR/host$request_uri" },
        see: [{ by: "web" }],
      },
    ],
  },
  "mirror-request-body": {
    samples: [
      {
        value: "off",
        with: { "mirror-target": "http://127.0.0.1:MIRROR" },
        warns: "bodies of up to 64 KiB are copied",
        see: [{ by: "web" }],
      },
    ],
  },
  "proxy-cookie-domain": {
    samples: [
      {
        value: "old.example new.example",
        nginx: true,
        see: [
          {
            ask: { path: "/writes" },
            status: 201,
            headers: { "set-cookie": "a=1; Domain=new.example; Path=/one/x, b=2; domain=.new.example" },
          },
        ],
      },
    ],
    refused: { "old.example": 'expected "off", or what is replaced' },
  },
  "proxy-cookie-path": {
    samples: [
      {
        value: "/one/ /two/",
        nginx: true,
        see: [
          {
            ask: { path: "/writes" },
            status: 201,
            headers: { "set-cookie": "a=1; Domain=old.example; Path=/two/x, b=2; domain=.Old.Example" },
          },
        ],
      },
      {
        value: "off",
        nginx: true,
        see: [{ ask: { path: "/writes" }, status: 201, headers: { "set-cookie": /Path=\/one\/x/ } }],
      },
    ],
    refused: { "/one /two /three": 'expected "off", or what is replaced' },
  },
};
