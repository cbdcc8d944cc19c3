// `test/e2e` of ingress-nginx, `annotations`: from which pages requests may come.
import { annotated } from "./states.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const allowed = (value: string | null, origin?: string): Seen => ({
  ask: { headers: origin === undefined ? {} : { origin } },
  headers: { "access-control-allow-origin": value },
});
const cors = (more: Texts, see: readonly Seen[]): State =>
  annotated("cors.foo.com", { "enable-cors": "true", ...more }, { replicas: 2, see });
const origins = (list: string, see: readonly Seen[]): State => cors({ "cors-allow-origin": list }, see);
const preflight = (headers: Seen["headers"]): Seen => ({
  ask: {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  },
  status: 204,
  headers: headers!,
});
const ported = "http://origin.cors.com:8080, http://origin.com:8080";
const wild = "http://*.origin.cors.com, http://*.origin.com:8080";
const wildPort = "http://origin.cors.com:8080, http://*.origin.com:8080";

const corsFile = upstreamFile("annotations/cors.go", {
  "should enable cors": cors({}, [
    allowed("*"),
    preflight({
      "access-control-allow-origin": "*",
      "access-control-max-age": "1728000",
      "access-control-allow-methods": "GET, PUT, POST, DELETE, PATCH, OPTIONS",
      "access-control-allow-headers": /^DNT, ?Keep-Alive, ?User-Agent, ?X-Requested-With/,
    }),
  ]),
  "should set cors methods to only allow POST, GET": cors({ "cors-allow-methods": "POST, GET" }, [
    preflight({ "access-control-allow-methods": "POST, GET" }),
  ]),
  "should set cors max-age": cors({ "cors-max-age": "200" }, [
    preflight({ "access-control-max-age": "200" }),
  ]),
  "should disable cors allow credentials": cors({ "cors-allow-credentials": "false" }, [
    { headers: { "access-control-allow-credentials": null } },
  ]),
  "should allow origin for cors": origins("https://origin.cors.com:8080", [
    allowed("https://origin.cors.com:8080", "https://origin.cors.com:8080"),
  ]),
  "should allow headers for cors": cors({ "cors-allow-headers": "DNT, User-Agent" }, [
    preflight({ "access-control-allow-headers": /^DNT, ?User-Agent$/ }),
  ]),
  "should expose headers for cors": cors(
    { "cors-expose-headers": "X-CustomResponseHeader, X-CustomSecondHeader" },
    [
      {
        ask: { headers: { origin: "https://app.example" } },
        headers: { "access-control-expose-headers": /^X-CustomResponseHeader, ?X-CustomSecondHeader$/ },
      },
    ],
  ),
  "should allow - single origin for multiple cors values": origins(
    "https://origin.cors.com:8080, https://origin2.cors.com",
    [allowed("https://origin.cors.com:8080", "https://origin.cors.com:8080")],
  ),
  "should not allow - single origin for multiple cors values": origins(
    "http://origin2.cors.com, https://origin.com",
    [allowed(null, "http://no.origin.com")],
  ),
  "should allow correct origins - single origin for multiple cors values": {
    ...origins("origin.cors.com:8080, https://origin2.cors.com, https://origin.com", [
      allowed(null, "origin.cors.com:8080"),
      allowed("https://origin2.cors.com", "https://origin2.cors.com"),
      allowed("https://origin.com", "https://origin.com"),
    ]),
    says: '"origin.cors.com:8080" is no origin',
  },
  "should not break functionality": origins("*", [allowed("*")]),
  "should not break functionality - without `*`": cors({}, [allowed("*")]),
  "should not break functionality with extra domain": origins("*, foo.bar.com", [allowed("*")]),
  "should not match": origins("https://foo.bar.com", [allowed(null, "https://fooxbar.com")]),
  "should allow - single origin with required port": origins(ported, [
    allowed("http://origin.com:8080", "http://origin.com:8080"),
  ]),
  "should not allow - single origin with port and origin without port": origins(
    "https://origin2.cors.com, http://origin.com",
    [allowed(null, "http://origin.com:8080")],
  ),
  "should not allow - single origin without port and origin with required port": origins(ported, [
    allowed(null, "http://origin.com"),
  ]),
  "should allow - matching origin with wildcard origin (2 subdomains)": origins(wild, [
    allowed("http://foo.origin.cors.com", "http://foo.origin.cors.com"),
    allowed("http://bar-foo.origin.cors.com", "http://bar-foo.origin.cors.com"),
  ]),
  "should not allow - unmatching origin with wildcard origin (2 subdomains)": origins(wild, [
    allowed(null, "http://bar.foo.origin.cors.com"),
  ]),
  "should allow - matching origin+port with wildcard origin": origins(wildPort, [
    allowed("http://abc.origin.com:8080", "http://abc.origin.com:8080"),
  ]),
  "should not allow - portless origin with wildcard origin": origins(wildPort, [
    allowed(null, "http://abc.origin.com"),
  ]),
  "should allow correct origins - missing subdomain + origin with wildcard origin and correct origin":
    origins(wildPort, [
      allowed(null, "http://origin.com:8080"),
      allowed("http://bar.origin.com:8080", "http://bar.origin.com:8080"),
    ]),
  "should allow - missing origins (should allow all origins)": origins("      ", [
    allowed("*", "http://origin.com"),
    allowed("*", "http://book.origin.com"),
    allowed("*", "test.origin.com"),
  ]),
  "should allow correct origin but not others - cors allow origin annotations contain trailing comma":
    origins("https://origin-123.cors.com:8080,   ,https://origin-321.cors.com:8080,", [
      allowed("https://origin-123.cors.com:8080", "https://origin-123.cors.com:8080"),
      allowed("https://origin-321.cors.com:8080", "https://origin-321.cors.com:8080"),
      allowed(null, "https://unknown.cors.com:8080"),
    ]),
  "should allow - origins with non-http[s] protocols": origins("test://localhost, tauri://localhost:3000", [
    allowed("test://localhost", "test://localhost"),
    allowed("tauri://localhost:3000", "tauri://localhost:3000"),
  ]),
});

export const corsFiles: readonly UpstreamFile[] = [corsFile];
