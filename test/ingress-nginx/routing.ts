// `test/e2e` of ingress-nginx, `annotations`: rewrites, redirects, hosts, and which endpoint is asked.
import { expect } from "vitest";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const one = (host: string, annotations: Texts, see: readonly Seen[], paths = ["/"]): State => ({
  host,
  ingresses: [{ annotations, paths }],
  see,
});
const got = (path: string, url: string): Seen => ({ ask: { path }, seen: { url } });
const rewritten = "rewrite.bar.com";
const toBackend = { "use-regex": "true", "rewrite-target": "/new/backend" };

const rewrites = upstreamFile(
  "annotations/rewrite.go",
  {
    "should use correct longest path match": {
      host: rewritten,
      ingresses: [
        { name: "kube-lego", paths: ["/.well-known/acme/challenge"] },
        { name: "rewrite-index", annotations: { "rewrite-target": "/new/backend" } },
      ],
      see: [got("/.well-known/acme/challenge", "/.well-known/acme/challenge"), got("/x", "/new/backend")],
    },
    "should use ~* location modifier if regex annotation is present": {
      host: rewritten,
      ingresses: [
        { name: "foo", paths: ["/foo"] },
        { name: "regex", paths: ["/foo.+"], annotations: toBackend },
      ],
      see: [got("/foo", "/foo"), got("/foo/bar", "/new/backend")],
    },
    "should fail to use longest match for documented warning": {
      host: rewritten,
      ingresses: [
        { name: "foo", paths: ["/foo/bar/bar"] },
        { name: "regex", paths: ["/foo/bar/[a-z]{3}"], annotations: toBackend },
      ],
      see: [got("/foo/bar/bar", "/new/backend")],
    },
    "should allow for custom rewrite parameters": one(
      rewritten,
      { "use-regex": "true", "rewrite-target": "/new/backend/$1" },
      [got("/foo/bar/bar", "/new/backend/bar")],
      ["/foo/bar/(.+)"],
    ),
  },
  { "should write rewrite logs": "nginx's log; `enable-rewrite-log` is a warning" },
);

const redirect = (annotations: Texts, status: number, location: string): State =>
  one(
    "redirect",
    annotations,
    [{ ask: { path: "/something" }, status, headers: { location } }],
    ["/something"],
  );
const target = "http://redirect.example.com";

const redirects = upstreamFile("annotations/redirect.go", {
  "should respond with a standard redirect code": redirect({ "permanent-redirect": target }, 301, target),
  "should respond with a custom redirect code": redirect(
    { "permanent-redirect": target, "permanent-redirect-code": "302" },
    302,
    target,
  ),
});

const relative = upstreamFile("annotations/relativeredirects.go", {
  "configures Nginx correctly": one("rr.foo.com", { "relative-redirects": "true" }, [{}]),
  "should respond with absolute URL in Location": redirect(
    { "permanent-redirect": "/new-location", "relative-redirects": "false" },
    301,
    "http://redirect/new-location",
  ),
  "should respond with relative URL in Location": redirect(
    { "permanent-redirect": "/new-location", "relative-redirects": "true" },
    301,
    "/new-location",
  ),
});

const toHttps = upstreamFile("annotations/forcesslredirect.go", {
  "should redirect to https": one("forcesslredirect.bar.com", { "force-ssl-redirect": "true" }, [
    { status: 308, headers: { location: /^https:\/\/forcesslredirect\.bar\.com\/?$/ } },
  ]),
});

const slash = upstreamFile("annotations/preservetrailingslash.go", {
  "should allow preservation of trailing slashes": {
    host: "forcesslredirect.bar.com",
    ingresses: [
      {
        annotations: { "ssl-redirect": "true", "preserve-trailing-slash": "true" },
        tls: ["forcesslredirect.bar.com"],
      },
    ],
    see: [{ status: 308, headers: { location: "https://forcesslredirect.bar.com/" } }],
  },
});

const www = upstreamFile("annotations/fromtowwwredirect.go", {
  "should redirect from www HTTP to HTTP": one(
    "fromtowwwredirect.bar.com",
    { "from-to-www-redirect": "true" },
    [
      {
        ask: { host: "www.fromtowwwredirect.bar.com", path: "/foo" },
        status: 308,
        headers: { location: /^http:\/\/fromtowwwredirect\.bar\.com(?::\d+)?\/foo$/ },
      },
    ],
  ),
  "should redirect from www HTTPS to HTTPS": {
    host: "a.nip.io",
    ingresses: [
      {
        annotations: {
          "from-to-www-redirect": "true",
          "configuration-snippet": 'more_set_headers "ExpectedHost: $http_host";',
        },
        tls: ["a.nip.io", "www.a.nip.io"],
      },
    ],
    see: [
      {
        ask: { https: true, host: "www.a.nip.io" },
        status: 308,
        headers: { location: /^https:\/\/a\.nip\.io(?::\d+)?\/?$/ },
      },
      { ask: { https: true }, headers: { expectedhost: "a.nip.io" } },
    ],
  },
});

/** How many endpoints 100 requests for one path reach. */
function hashed(annotations: Texts, endpoints: number): State {
  return {
    host: "upstream-hash-by.foo.com",
    ingresses: [{ annotations: { "upstream-hash-by": "$request_uri", ...annotations } }],
    replicas: 6,
    says: "of the key only the path counts",
    observe: async (send) => {
      const seen = new Set<unknown>();
      for (let asked = 0; asked < 100; asked += 20) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => send()));
        for (const { headers } of answers) seen.add(headers["x-served-by"]);
      }
      expect(seen.size).toBe(endpoints);
    },
  };
}

const hashes = upstreamFile("annotations/upstreamhashby.go", {
  "should connect to the same pod": hashed({}, 1),
  "should connect to the same subset of pods": hashed(
    { "upstream-hash-by-subset": "true", "upstream-hash-by-subset-size": "3" },
    3,
  ),
});

const vhost = upstreamFile("annotations/upstreamvhost.go", {
  "set host to upstreamvhost.bar.com": one(
    "upstreamvhost.foo.com",
    { "upstream-vhost": "upstreamvhost.bar.com" },
    [{ seen: { headers: { host: "upstreamvhost.bar.com" } } }],
  ),
});

const prefixed = (value: string, seen: string | null): State =>
  one("xfp.baz.com", { "x-forwarded-prefix": value, "rewrite-target": "/foo" }, [
    { seen: { headers: { "x-forwarded-prefix": seen } } },
  ]);

const prefix = upstreamFile("annotations/xforwardedprefix.go", {
  "should set the X-Forwarded-Prefix to the annotation value": prefixed("/test/value", "/test/value"),
  "should not add X-Forwarded-Prefix if the annotation value is empty": prefixed("", null),
});

/** Of the Service's address nobody answers here: it is only looked at. */
const byAddress = (annotations: Texts, settings?: Texts): State => ({
  host: "serviceupstream",
  ingresses: [{ annotations }],
  ...(settings && { settings }),
  backend: { endpoints: [{ address: "127.0.0.1", port: 80, weight: 1 }] },
});

const byService = upstreamFile("annotations/serviceupstream.go", {
  "when using the default value (false) and enabling in the annotations: should use the Service Cluster IP and Port":
    byAddress({ "service-upstream": "true" }),
  "when enabling in the configmap: should use the Service Cluster IP and Port": byAddress(
    {},
    { "service-upstream": "true" },
  ),
  "when enabling in the configmap and disabling in the annotations: should not use the Service Cluster IP and Port":
    {
      ...one("serviceupstream", { "service-upstream": "false" }, [{ headers: { "x-served-by": "echo" } }]),
      settings: { "service-upstream": "true" },
    },
});

export const routingFiles: readonly UpstreamFile[] = [
  toHttps,
  www,
  slash,
  redirects,
  relative,
  rewrites,
  byService,
  hashes,
  vhost,
  prefix,
];
