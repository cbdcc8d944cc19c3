// `test/e2e` of ingress-nginx, `annotations`: certificates of clients.
import { secret } from "./manifests.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

/** `ca.crt` of the clients' authority. */
const authorities = secret("authtls.foo.com", {
  "ca.crt": "CLIENT_AUTHORITY",
  "tls.crt": "SERVER_CERTIFICATE",
  "tls.key": "SERVER_KEY",
});
const clients = { "auth-tls-secret": "default/authtls.foo.com" };
const https = { https: true } as const;
const shown = { https: true, certificate: true } as const;

function certified(more: Texts, see: readonly Seen[]): State {
  return {
    host: "authtls.foo.com",
    ingresses: [{ annotations: { ...clients, ...more }, tls: ["authtls.foo.com"] }],
    objects: [authorities],
    replicas: 2,
    see,
  };
}

const named = (pattern: string, status: number): State =>
  certified({ "auth-tls-verify-client": "on", "auth-tls-match-cn": pattern }, [{ ask: shown, status }]);

const authTls = upstreamFile("annotations/authtls.go", {
  "should set sslClientCertificate, sslVerifyClient and sslVerifyDepth with auth-tls-secret": certified({}, [
    { ask: https, status: 400 },
    { ask: shown },
  ]),
  "should set valid auth-tls-secret, sslVerify to off, and sslVerifyDepth to 2": {
    ...certified({ "auth-tls-verify-client": "off", "auth-tls-verify-depth": "2" }, [{ ask: https }]),
    warns: "auth-tls-verify-depth",
  },
  "should 302 redirect to error page instead of 400 when auth-tls-error-page is set": certified(
    { "auth-tls-error-page": "http://gateway.example/error" },
    [{ ask: https, status: 302, headers: { location: "http://gateway.example/error" } }, { ask: shown }],
  ),
  "should pass URL-encoded certificate to upstream": certified(
    { "auth-tls-pass-certificate-to-upstream": "true" },
    [
      { ask: https, status: 400 },
      { ask: shown, seen: { headers: { "ssl-client-cert": /^-----BEGIN%20CERTIFICATE-----%0A/ } } },
    ],
  ),
  "should validate auth-tls-verify-client": [
    certified({ "auth-tls-verify-client": "on" }, [{ ask: shown }, { ask: https, status: 400 }]),
    certified({ "auth-tls-verify-client": "off" }, [{ ask: shown }, { ask: https }]),
  ],
  "should return 403 using auth-tls-match-cn with no matching CN from client": named("CN=notgonnamatch", 403),
  "should return 200 using auth-tls-match-cn with matching CN from client": named("CN=authtls", 200),
  "should reload the nginx config when auth-tls-match-cn is updated": [
    named("CN=notvalid", 403),
    named("CN=authtls", 200),
  ],
  "should return 200 using auth-tls-match-cn where atleast one of the regex options matches CN from client":
    named("CN=(itwillmatch|withthenextoption|authtls)", 200),
});

export const clientCertificatesFiles: readonly UpstreamFile[] = [authTls];
