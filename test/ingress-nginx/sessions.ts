// `test/e2e` of ingress-nginx, `annotations`: sessions, further names of hosts, the root of an application.
import { expect } from "vitest";
import { upstreamFile, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const cookie = { affinity: "cookie", "session-cookie-name": "SERVERID" };

/** An Ingress with these annotations, whose answer to a request has such a Set-Cookie. */
function sticky(host: string, annotations: Texts, header: RegExp | null, path = "/"): State {
  return {
    host,
    ingresses: [{ annotations: { ...cookie, ...annotations }, paths: [path] }],
    see: [{ ask: { path }, headers: { "set-cookie": header } }],
  };
}

const affinity = upstreamFile("annotations/affinity.go", {
  "should set sticky cookie SERVERID": sticky("sticky.foo.com", {}, /SERVERID=/),
  "should change cookie name on ingress definition change": [
    sticky("change.foo.com", {}, /SERVERID=/),
    sticky("change.foo.com", { "session-cookie-name": "OTHERCOOKIENAME" }, /OTHERCOOKIENAME=/),
  ],
  "should set the path to /something on the generated cookie": sticky(
    "path.foo.com",
    {},
    /Path=\/something/,
    "/something",
  ),
  "does not set the path to / on the generated cookie if there's more than one rule referring to the same backend":
    {
      host: "morethanonerule.foo.com",
      ingresses: [{ annotations: cookie, paths: ["/something", "/somewhereelse"] }],
      see: [
        { ask: { path: "/something" }, headers: { "set-cookie": /Path=\/something/ } },
        { ask: { path: "/somewhereelse" }, headers: { "set-cookie": /Path=\/somewhereelse/ } },
      ],
    },
  "should set cookie with expires": sticky(
    "cookieexpires.foo.com",
    { "session-cookie-expires": "172800", "session-cookie-max-age": "259200" },
    /Max-Age=259200/,
  ),
  "should set cookie with domain": sticky(
    "cookiedomain.foo.com",
    { "session-cookie-domain": "foo.bar" },
    /Domain=foo\.bar/,
  ),
  "should not set cookie without domain annotation": sticky(
    "cookienodomain.foo.com",
    {},
    /^(?!.*; Domain)SERVERID=/,
  ),
  "should work with use-regex annotation and session-cookie-path": {
    host: "useregex.foo.com",
    ingresses: [
      {
        annotations: { ...cookie, "use-regex": "true", "session-cookie-path": "/foo/bar" },
        paths: ["/foo/.*"],
      },
    ],
    see: [{ ask: { path: "/foo/bar" }, headers: { "set-cookie": /SERVERID=.*Path=\/foo\/bar/ } }],
  },
  "should warn user when use-regex is true and session-cookie-path is not set": {
    host: "useregexwarn.foo.com",
    ingresses: [{ annotations: { ...cookie, "use-regex": "true" }, paths: ["/foo/.*"] }],
    // Nothing to warn of: the cookie is for the whole host.
    see: [{ ask: { path: "/foo/bar" }, headers: { "set-cookie": /Path=\/(?:;|$)/ } }],
  },
  "should not set affinity across all server locations when using separate ingresses": {
    host: "separate.foo.com",
    ingresses: [
      { name: "ingress1", annotations: cookie, paths: ["/foo/bar"] },
      { name: "ingress2", paths: ["/foo"] },
    ],
    see: [
      { ask: { path: "/foo" }, headers: { "set-cookie": null } },
      { ask: { path: "/foo/bar" }, headers: { "set-cookie": /Path=\/foo\/bar/ } },
    ],
  },
  "should set sticky cookie without host": {
    host: "",
    ingresses: [{ annotations: cookie }],
    see: [{ ask: { host: "any.example" }, headers: { "set-cookie": /SERVERID=/ } }],
  },
  "should work with server-alias annotation": {
    host: "foo.com",
    ingresses: [{ annotations: { ...cookie, "server-alias": "a1.foo.com,a2.foo.com" }, paths: ["/bar"] }],
    see: ["foo.com", "a1.foo.com", "a2.foo.com"].map((host) => ({
      ask: { host, path: "/bar" },
      headers: { "set-cookie": /SERVERID=/ },
    })),
  },
  "should set secure in cookie with provided true annotation on http": sticky(
    "foo.com",
    { "session-cookie-secure": "true" },
    /; Secure/,
    "/bar",
  ),
  "should not set secure in cookie with provided false annotation on http": sticky(
    "foo.com",
    { "session-cookie-secure": "false" },
    /^(?!.*; Secure)SERVERID=/,
    "/bar",
  ),
  "should set secure in cookie with provided false annotation on https": {
    host: "foo.com",
    ingresses: [{ annotations: { ...cookie, "session-cookie-secure": "false" }, tls: ["foo.com"] }],
    see: [{ ask: { https: true }, headers: { "set-cookie": /; Secure/ } }],
  },
});

const modeAnnotations = {
  affinity: "cookie",
  "session-cookie-name": "hello-cookie",
  "session-cookie-expires": "172800",
  "session-cookie-max-age": "172800",
  "ssl-redirect": "false",
};

function bound(mode: string): State {
  return {
    host: `affinity-mode-${mode}.com`,
    ingresses: [{ annotations: { ...modeAnnotations, "affinity-mode": mode } }],
    replicas: 5,
    observe: async (send) => {
      const first = await send();
      const session = String(first.headers["set-cookie"]).split(";")[0]!;
      for (let index = 0; index < 10; index += 1) {
        const { headers } = await send({ headers: { cookie: session } });
        expect(headers["x-served-by"]).toBe(first.headers["x-served-by"]);
      }
    },
  };
}

const affinityMode = upstreamFile("annotations/affinitymode.go", {
  "Balanced affinity mode should balance": bound("balanced"),
  "Check persistent affinity mode": bound("persistent"),
});

const alias = upstreamFile("annotations/alias.go", {
  "should return status code 200 for host 'foo' and 404 for 'bar'": {
    host: "foo",
    ingresses: [{}],
    see: [{ seen: { headers: { host: "foo" } } }, { ask: { host: "bar" }, status: 404 }],
  },
  "should return status code 200 for host 'foo' and 'bar'": {
    host: "foo",
    ingresses: [{ annotations: { "server-alias": "bar" } }],
    see: ["foo", "bar"].map((host) => ({ ask: { host }, seen: { headers: { host } } })),
  },
  "should return status code 200 for hosts defined in two ingresses, different path with one alias": {
    host: "foo",
    ingresses: [
      { name: "app-a", paths: ["/app-a"] },
      { name: "app-b", paths: ["/app-b"], annotations: { "server-alias": "bar" } },
    ],
    see: ["foo", "bar"].map((host) => ({ ask: { host, path: "/app-a" }, seen: { headers: { host } } })),
  },
});

const appRoot = upstreamFile("annotations/approot.go", {
  "should redirect to /foo": {
    host: "approot.bar.com",
    ingresses: [{ annotations: { "app-root": "/foo" } }],
    see: [{ status: 302, headers: { location: "http://approot.bar.com/foo" } }],
  },
});

export const sessionsFiles: readonly UpstreamFile[] = [affinity, affinityMode, alias, appRoot];
