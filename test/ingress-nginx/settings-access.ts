// `test/e2e` of ingress-nginx, `settings`: one authorization server for all, classes of Ingresses, paths that are free.
import { fooSecret, basicAuth, uncached } from "./credentials.ts";
import { set } from "./states.ts";
import {
  upstreamFile,
  type IngressShape,
  type Seen,
  type State,
  type Texts,
  type UpstreamFile,
} from "./upstream-test.ts";

const fooAndBar: readonly IngressShape[] = [
  { name: "foo", paths: ["/foo"] },
  { name: "bar", paths: ["/bar"] },
];
const noEntry = "http://AUTHORITY/status/401";
const foo = (status: number): Seen => ({ ask: { path: "/foo" }, status });
const bar = (status: number): Seen => ({ ask: { path: "/bar" }, status });
const authorized = (settings: Texts, see: readonly Seen[], ingresses = fooAndBar): State =>
  set("global-external-auth", { "global-auth-url": noEntry, ...settings }, { ingresses, see });

const cookieState = (settings: Texts, see: readonly Seen[]): State =>
  set(
    "global-external-auth-check-cookies",
    { "global-auth-url": "http://AUTHORITY/cookies/set/alma/armud", ...settings },
    { ingresses: [{}, { name: "error", paths: ["/error"] }], see },
  );

const protectedBoth = "when global external authentication is configured: ";

const globalAuth = upstreamFile(
  "settings/global_external_auth.go",
  {
    [`${protectedBoth}should return status code 401 when request any protected service`]: authorized({}, [
      foo(401),
      bar(401),
    ]),
    [`${protectedBoth}should return status code 200 when request whitelisted (via no-auth-locations) service and 401 when request protected service`]:
      authorized({ "no-auth-locations": "/bar" }, [foo(401), bar(200)]),
    [`${protectedBoth}should return status code 200 when request whitelisted (via ingress annotation) service and 401 when request protected service`]:
      authorized(
        {},
        [foo(401), bar(200)],
        [
          { name: "foo", paths: ["/foo"] },
          { name: "bar", paths: ["/bar"], annotations: { "enable-global-auth": "false" } },
        ],
      ),
    [`${protectedBoth}should proxy_method method when global-auth-method is configured`]: authorized(
      { "global-auth-method": "GET" },
      [foo(401)],
    ),
    [`${protectedBoth}should add custom error page when global-auth-signin url is configured`]: authorized(
      { "global-auth-signin": "http://foo.com/global-error-page" },
      [
        {
          ask: { path: "/foo" },
          status: 302,
          headers: { location: "http://foo.com/global-error-page?rd=http://global-external-auth%2Ffoo" },
        },
      ],
    ),
    [`${protectedBoth}should add auth headers when global-auth-response-headers is configured`]: authorized(
      {
        "global-auth-url": "http://AUTHORITY/response-headers?foo=one&bar=two",
        "global-auth-response-headers": "Foo, Bar",
      },
      [{ ask: { path: "/foo" }, seen: { headers: { foo: "one", bar: "two" } } }],
    ),
    [`${protectedBoth}should set request-redirect when global-auth-request-redirect is configured`]:
      authorized(
        {
          "global-auth-url": "http://AUTHORITY/echo-header/x-auth-request-redirect",
          "global-auth-response-headers": "X-Echoed",
          "global-auth-request-redirect": "Foo-Redirect",
        },
        [{ ask: { path: "/foo" }, seen: { headers: { "x-echoed": "Foo-Redirect" } } }],
      ),
    [`${protectedBoth}should set snippet when global external auth is configured`]: authorized(
      {
        "global-auth-url": "http://AUTHORITY/echo-header/my-custom-header",
        "global-auth-response-headers": "X-Echoed",
        "global-auth-snippet": "proxy_set_header My-Custom-Header 42;",
      },
      [{ ask: { path: "/foo" }, seen: { headers: { "x-echoed": "42" } } }],
    ),
    "cookie set by external authentication server: user retains cookie by default": cookieState({}, [
      { ask: { path: "/?a=b&c=d" }, headers: { "set-cookie": /alma=armud/ } },
    ]),
    "cookie set by external authentication server: user does not retain cookie if upstream returns error status code":
      cookieState({}, [{ ask: { path: "/error?a=b&c=d" }, status: 503, headers: { "set-cookie": null } }]),
    "cookie set by external authentication server: user with global-auth-always-set-cookie key in configmap retains cookie if upstream returns error status code":
      cookieState({ "global-auth-always-set-cookie": "true" }, [
        { ask: { path: "/error?a=b&c=d" }, status: 503, headers: { "set-cookie": /alma=armud/ } },
      ]),
  },
  {
    [`${protectedBoth}should still return status code 200 after auth backend is deleted using cache`]:
      uncached,
  },
);

const ownClass = { apiVersion: "networking.k8s.io/v1", kind: "IngressClass" };
const classes = [
  { ...ownClass, metadata: { name: "nginx" }, spec: { controller: "k8s.io/ingress-nginx" } },
  { ...ownClass, metadata: { name: "testclass" }, spec: { controller: "k8s.io/other-class" } },
  { ...ownClass, metadata: { name: "test-new-ingress-class" }, spec: { controller: "k8s.io/other-class" } },
];
/** Ingresses each with the host of its name. */
const classed = (ingresses: readonly IngressShape[], statuses: readonly number[]): State =>
  set(
    "nobody",
    {},
    {
      ingresses: ingresses.map((one) => ({ host: one.name!, ...one })),
      objects: classes,
      see: ingresses.map(({ name }, index) => ({ ask: { host: name! }, status: statuses[index]! })),
    },
  );
const flag = "a flag of the controller; which Ingresses are served, IngressClasses say: `docs/ingress.md`";

const ingressClass = upstreamFile(
  "settings/ingress_class.go",
  {
    "With default ingress class config: should ignore Ingress with a different class annotation": classed(
      [
        { name: "foo", classAnnotation: "testclass" },
        { name: "bar", classAnnotation: "nginx" },
      ],
      [404, 200],
    ),
    "With default ingress class config: should ignore Ingress with different controller class": classed(
      [
        { name: "foo-1", className: "test-new-ingress-class" },
        { name: "bar-1", className: "nginx" },
      ],
      [404, 200],
    ),
    "With default ingress class config: should accept both Ingresses with default IngressClassName and IngressClass annotation":
      classed(
        [
          { name: "foo-ok", classAnnotation: "nginx" },
          { name: "bar-ok", className: "nginx" },
        ],
        [200, 200],
      ),
    "With default ingress class config: should serve Ingress when class is updated between annotation and ingressClassName":
      [
        classed([{ name: "a", classAnnotation: "nginx" }], [200]),
        classed([{ name: "a", className: "nginx" }], [200]),
      ],
    "With watch-ingress-without-class flag: should watch Ingress with no class and ignore ingress with a different class":
      classed([{ name: "bar" }, { name: "foo", classAnnotation: "testclass" }], [200, 404]),
    "Without IngressClass Cluster scoped Permission: should watch Ingress with correct annotation": set(
      "foo",
      {},
      { ingresses: [{ classAnnotation: "testclass" }] },
    ),
  },
  {
    "With default ingress class config: should ignore Ingress without IngressClass configuration":
      "files that are handed over are meant to be served, those without a class, too",
    "With default ingress class config: should delete Ingress when class is removed":
      "files that are handed over are meant to be served, those without a class, too",
    "With default ingress class config: should serve Ingress when class is added":
      "files that are handed over are meant to be served, those without a class, too",
    "With specific ingress-class flags: should ignore Ingress with no class and accept the correctly configured Ingresses":
      flag,
    "With ingress-class-by-name flag: should watch Ingress that uses the class name even if spec is different":
      flag,
    "Without IngressClass Cluster scoped Permission: should ignore Ingress with only IngressClassName": flag,
  },
);

const two = (path = "/"): Partial<State> => ({
  ingresses: [
    {
      paths: [path, "/noauth"],
      annotations: { "auth-type": "basic", "auth-secret": "test", "auth-realm": "test auth" },
    },
  ],
  objects: [fooSecret],
});
const openPaths = { "no-auth-locations": "/noauth" };
const withOpen = (see: readonly Seen[]): State => set("no-auth-locations", openPaths, { ...two(), see });

const noAuth = upstreamFile("settings/no_auth_locations.go", {
  "should return status code 401 when accessing '/' unauthentication": withOpen([{ status: 401 }]),
  "should return status code 200 when accessing '/'  authentication": withOpen([
    { ask: basicAuth("foo", "bar") },
  ]),
  "should return status code 200 when accessing '/noauth' unauthenticated": withOpen([
    { ask: { path: "/noauth" } },
  ]),
});

const noRedirect = upstreamFile("settings/no_tls_redirect_locations.go", {
  "Check no tls redirect locations config": set(
    "no-tls-redirect-locations",
    { "no-tls-redirect-locations": "/check-no-tls" },
    {
      ingresses: [{ paths: ["/check-no-tls", "/other"], tls: ["no-tls-redirect-locations"] }],
      see: [{ ask: { path: "/check-no-tls" } }, { ask: { path: "/other" }, status: 308 }],
    },
  ),
});

export const settingsAccessFiles: readonly UpstreamFile[] = [globalAuth, ingressClass, noAuth, noRedirect];
