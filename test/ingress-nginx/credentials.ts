// `test/e2e` of ingress-nginx, `annotations`: passwords, and the word of another server.
import { configMap, secret } from "./manifests.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const basic = { "auth-type": "basic", "auth-secret": "test", "auth-realm": "test auth" };
/** bcrypt of `bar`; theirs has a cost of 14, which would hold the gateway up. */
const hash = "$2b$04$.DxpiGoX1vPmK/hjdi7b2ekbjsLZPx6g539n..UvSo3E8Ajv5QjC.";
export const fooSecret = secret("test", { auth: `foo:${hash}\n` });
export const basicAuth = (user: string, password: string) => ({
  headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` },
});
const refusal: Seen = { status: 401, headers: { "www-authenticate": /^Basic realm="test auth"/ } };

function withPassword(more: Texts, see: readonly Seen[], users = fooSecret): State {
  return { host: "auth", ingresses: [{ annotations: { ...basic, ...more } }], objects: [users], see };
}

const server = "http://AUTHORITY";
const signIn = {
  "auth-url": `${server}/basic-auth/user/password`,
  "auth-signin": "http://$host/auth/start",
};
const known = basicAuth("user", "password");
const asked = { path: "/?a=b&c=d" };
const startOf = (parameter: string, path = "%2F%3Fa%3Db%26c%3Dd"): Seen => ({
  ask: asked,
  status: 302,
  headers: { location: `http://auth/auth/start?${parameter}=http://auth${path}` },
});

const authServer = (annotations: Texts, see: readonly Seen[]): State => ({
  host: "auth",
  ingresses: [{ annotations: { ...signIn, ...annotations } }],
  see,
});

/** The location without a usable Secret is no location; other hosts are served. */
const misconfigured: State = {
  host: "auth",
  ingresses: [
    { annotations: { ...signIn, ...basic, "auth-secret": "something" } },
    { name: "another", host: "different" },
  ],
  refused: 'there is no Secret "default/something"',
  see: [{ ask: { host: "different" } }, { status: 404 }],
};

const cookies = { "auth-url": `${server}/cookies/set/alma/armud`, "auth-signin": "http://$host/auth/start" };
const cookieState = (more: Texts, see: readonly Seen[]): State => ({
  host: "auth-check-cookies",
  ingresses: [
    { annotations: { ...cookies, ...more } },
    { name: "error", annotations: { ...cookies, ...more }, paths: ["/error"] },
  ],
  see,
});

/** Whom the question goes to shows what it has. */
const question = (annotations: Texts, objects: readonly object[] = []): State => ({
  host: "auth",
  ingresses: [
    {
      annotations: {
        "auth-url": `${server}/echo-header/my-custom-header`,
        "auth-response-headers": "X-Echoed",
        ...annotations,
      },
    },
  ],
  objects,
  see: [{ seen: { headers: { "x-echoed": "42" } } }],
});

const keepalive = (annotations: Texts, warns?: string): State => ({
  ...authServer(annotations, [{ ask: known }, startOf("rd")]),
  ...(warns !== undefined && { warns }),
});

export const uncached = "the authorization server is asked about every request; the annotation is a warning";

const auth = upstreamFile(
  "annotations/auth.go",
  {
    "should return status code 200 when no authentication is configured": {
      host: "auth",
      ingresses: [{}],
      see: [{ seen: { headers: { host: "auth" } } }],
    },
    "should return status code 503 when authentication is configured with an invalid secret": {
      host: "auth",
      ingresses: [{ annotations: { ...basic, "auth-secret": "something" } }],
      refused: 'there is no Secret "default/something"',
    },
    "should return status code 401 when authentication is configured but Authorization header is not configured":
      withPassword({}, [refusal]),
    "should return status code 401 when authentication is configured and Authorization header is sent with invalid credentials":
      withPassword({}, [{ ...refusal, ask: basicAuth("user", "pass") }]),
    "should return status code 401 and cors headers when authentication and cors is configured but Authorization header is not configured":
      withPassword({ "enable-cors": "true" }, [
        { status: 401, headers: { "access-control-allow-origin": "*" } },
      ]),
    "should return status code 200 when authentication is configured and Authorization header is sent":
      withPassword({}, [{ ask: basicAuth("foo", "bar") }]),
    "should return status code 200 when authentication is configured with a map and Authorization header is sent":
      withPassword(
        { "auth-secret-type": "auth-map" },
        [{ ask: basicAuth("foo", "bar") }],
        secret("test", { foo: hash }),
      ),
    "should return status code 401 when authentication is configured with invalid content and Authorization header is sent":
      { ...withPassword({}, [{ status: 404 }], secret("test", { auth: "foo:" })), refused: "user 1: " },
    'should set snippet "proxy_set_header My-Custom-Header 42;" when external auth is configured': question({
      "auth-snippet": "\nproxy_set_header My-Custom-Header 42;",
    }),
    'should not set snippet "proxy_set_header My-Custom-Header 42;" when external auth is not configured': {
      host: "auth",
      ingresses: [{ annotations: { "auth-snippet": "\nproxy_set_header My-Custom-Header 42;" } }],
      see: [{ seen: { headers: { "my-custom-header": null } } }],
    },
    'should set "proxy_set_header "My-Custom-Header" "42";" when auth-headers are set': question(
      { "auth-proxy-set-headers": "default/auth-headers" },
      [configMap("auth-headers", { "My-Custom-Header": "42" })],
    ),
    "cookie set by external authentication server: user retains cookie by default": cookieState({}, [
      { ask: asked, headers: { "set-cookie": /alma=armud/ } },
    ]),
    "cookie set by external authentication server: user does not retain cookie if upstream returns error status code":
      cookieState({}, [{ ask: { path: "/error?a=b&c=d" }, status: 503, headers: { "set-cookie": null } }]),
    "cookie set by external authentication server: user with annotated ingress retains cookie if upstream returns error status code":
      cookieState({ "auth-always-set-cookie": "true" }, [
        { ask: { path: "/error?a=b&c=d" }, status: 503, headers: { "set-cookie": /alma=armud/ } },
      ]),
    "when external authentication is configured: should return status code 200 when signed in": authServer(
      {},
      [{ ask: known }],
    ),
    "when external authentication is configured: should redirect to signin url when not signed in":
      authServer({}, [startOf("rd")]),
    "when external authentication is configured: keeps processing new ingresses even if one of the existing ingresses is misconfigured":
      misconfigured,
    "when external authentication is configured: should overwrite Foo header with auth response": authServer(
      { "auth-response-headers": "Foo" },
      [
        {
          ask: { headers: { ...known.headers, foo: "bar" } },
          seen: { headers: { foo: null } },
        },
      ],
    ),
    "when external authentication is configured: should not create additional upstream block when auth-keepalive is not set":
      keepalive({}),
    "when external authentication is configured: should not create additional upstream block when host part of auth-url contains a variable":
      {
        ...authServer({ "auth-url": "http://$host/path", "auth-keepalive": "123" }, []),
        warns: "auth-keepalive",
      },
    "when external authentication is configured: should not create additional upstream block when auth-keepalive is negative":
      keepalive({ "auth-keepalive": "-1" }, "auth-keepalive"),
    "when external authentication is configured: should not create additional upstream block when auth-keepalive is set with HTTP/2":
      keepalive(
        {
          "auth-keepalive": "123",
          "auth-keepalive-requests": "456",
          "auth-keepalive-timeout": "789",
        },
        "auth-keepalive-timeout",
      ),
    "when external authentication is configured with a custom redirect param: should return status code 200 when signed in":
      authServer({ "auth-signin-redirect-param": "orig" }, [{ ask: known }]),
    "when external authentication is configured with a custom redirect param: should redirect to signin url when not signed in":
      authServer({ "auth-signin-redirect-param": "orig" }, [startOf("orig")]),
    "when external authentication is configured with a custom redirect param: keeps processing new ingresses even if one of the existing ingresses is misconfigured":
      misconfigured,
    "when external authentication with caching is configured: should redirect to signin url when not signed in":
      keepalive({ "auth-cache-key": "fixed", "auth-cache-duration": "200 201 401 30m" }, "auth-cache-key"),
    "with invalid auth-url should deny whole location: should return 503 (location was denied)": {
      host: "auth",
      ingresses: [{ annotations: { "auth-url": "https://invalid..auth.url" }, paths: ["/denied-auth"] }],
      refused: "expected an http or https URL",
      see: [{ ask: { path: "/denied-auth" }, status: 404 }],
    },
  },
  {
    "when external authentication is configured: should create additional upstream block when auth-keepalive is set with HTTP/1.x":
      "connections to the server are kept by the runtime; the annotation is a warning",
    "when external authentication is configured: should disable set_all_vars when auth-keepalive-share-vars is not set":
      "a variable of nginx's Lua; the annotation is a warning",
    "when external authentication is configured: should enable set_all_vars when auth-keepalive-share-vars is true":
      "a variable of nginx's Lua; the annotation is a warning",
    "should set cache_key when external auth cache is configured": uncached,
    "when external authentication with caching is configured: should return status code 200 when signed in after auth backend is deleted":
      uncached,
    "when external authentication with caching is configured: should deny login for different location on same server":
      uncached,
    "when external authentication with caching is configured: should deny login for different servers":
      uncached,
    "with invalid auth-url should deny whole location: should add error to the config":
      "a comment in nginx's configuration; here the error names the annotation",
  },
);

const satisfied = upstreamFile("annotations/satisfy.go", {
  "should configure satisfy directive correctly": (["any", "all"] as const).map((value) => ({
    host: "satisfy",
    ingresses: [{ annotations: { satisfy: value } }],
    see: [{ seen: { headers: { host: "satisfy" } } }],
  })),
  "should allow multiple auth with satisfy any": {
    ...authServer({ ...basic, satisfy: "any", "auth-secret": "basic-secret" }, [
      { ask: basicAuth("uname", "pwd") },
      startOf("rd"),
    ]),
    objects: [
      secret("basic-secret", { auth: "uname:$2b$04$UUSclqeC2uI44Gf1FfLiMOZbNEZ93piCMx99TeNMENUe5TVkAFWTm" }),
    ],
  },
});

export const credentialsFiles: readonly UpstreamFile[] = [auth, satisfied];
