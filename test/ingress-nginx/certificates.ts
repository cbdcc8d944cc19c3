// `test/e2e` of ingress-nginx, `defaultbackend`, `ssl` and `lua`: who answers where no Ingress does, and with which certificate.
import { connect as tlsConnect } from "node:tls";
import { expect } from "vitest";
import { scaledDown, endpointsChange } from "./services.ts";
import { secret } from "./manifests.ts";
import { plain } from "./states.ts";
import { upstreamFile, type Place, type State, type UpstreamFile } from "./upstream-test.ts";

const everywhere = ["/", "/demo"].flatMap((path) =>
  ["GET", "POST"].flatMap((method) =>
    ["192.0.2.1", "foo.bar.com"].flatMap((host) => [
      { ask: { path, method, host }, status: 404 },
      { ask: { path, method, host, https: true as const }, status: 404 },
    ]),
  ),
);

/** Names in the certificate that is shown for a server name. */
function certificateNames({ address, https }: Place, servername: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = tlsConnect({ host: address, port: https, servername, rejectUnauthorized: false }, () => {
      done(socket.getPeerCertificate().subjectaltname ?? "");
      socket.destroy();
    });
    socket.once("error", fail);
  });
}

const shows = (host: string, names: string | RegExp, more: Partial<State> = {}): State =>
  plain(host, {
    ingresses: [{ tls: [host] }],
    observe: async (send, place) => {
      expect((await send({ port: place.https, tls: {} })).status).toBe(200);
      expect(await certificateNames(place, host)).toMatch(names);
    },
    see: [],
    ...more,
  });

/** What `isthmus serve --dev-tls` makes where there is none; ingress-nginx calls its own ingress.local. */
const ownCertificate = /DNS:localhost/;
const configured = /DNS:server\.example/;

const defaultBackends = [
  upstreamFile(
    "defaultbackend/default_backend.go",
    {
      "should return 404 sending requests when only a default backend is running": plain("only.example", {
        ingresses: [{ tls: ["only.example"] }],
        see: everywhere,
      }),
    },
    {
      "enables access logging for default backend": "nginx's log; the setting is a warning",
      "disables access logging for default backend": "nginx's log; the setting is a warning",
    },
  ),
  upstreamFile("defaultbackend/custom_default_backend.go", {
    "uses custom default backend that returns 200 as status code": plain("", {
      ingresses: [{ paths: [], defaultBackend: "echo" }],
      see: [{ ask: { host: "any.example" } }],
    }),
  }),
  upstreamFile("defaultbackend/ssl.go", {
    "should return a self generated SSL certificate": plain("only.example", {
      ingresses: [{ tls: ["only.example"] }],
      missing: ["only.example"],
      see: [],
      observe: async (_send, place) => {
        expect(await certificateNames(place, "foo.bar.com")).toMatch(ownCertificate);
      },
    }),
  }),
  upstreamFile("defaultbackend/with_hosts.go", {
    "should apply the annotation to the default backend": plain("foo.com", {
      ingresses: [{ paths: [], defaultBackend: "echo", annotations: { "proxy-buffer-size": "8k" } }],
      warns: "proxy-buffer-size",
    }),
  }),
];

const lua = [
  upstreamFile(
    "lua/dynamic_certificates.go",
    {
      "picks up the certificate when we add TLS spec to existing ingress": [
        plain("foo.com"),
        shows("foo.com", configured),
      ],
      "picks up the previously missing secret for a given ingress without reloading": [
        shows("foo.com", ownCertificate, { missing: ["foo.com"] }),
        shows("foo.com", configured),
      ],
      "given an ingress with TLS correctly configured: picks up the updated certificate without reloading":
        shows("foo.com", configured),
      "given an ingress with TLS correctly configured: falls back to using default certificate when secret gets deleted without reloading":
        [shows("foo.com", configured), shows("foo.com", ownCertificate, { missing: ["foo.com"] })],
      "given an ingress with TLS correctly configured: removes HTTPS configuration when we delete TLS spec":
        plain("foo.com"),
    },
    {
      "given an ingress with TLS correctly configured: supports requests with domain with trailing dot":
        "the suite says of it that it does not ask what it means to",
      "given an ingress with TLS correctly configured: picks up a non-certificate only change":
        "the first certificate is shown for names that none covers, in place of a self-made one",
    },
  ),
  upstreamFile(
    "lua/dynamic_configuration.go",
    {
      "when only backends change: handles endpoints only changes": endpointsChange,
      "when only backends change: handles endpoints only changes (down scaling of replicas)": [
        ...endpointsChange,
        scaledDown,
      ],
      "when only backends change: handles endpoints only changes consistently (down scaling of replicas vs. empty service)":
        scaledDown,
      "handles an annotation change": [
        plain("foo.com", { ingresses: [{ annotations: { "load-balance": "ewma" } }] }),
        plain("foo.com", { ingresses: [{ annotations: { "load-balance": "round_robin" } }] }),
      ],
    },
    { "configures balancer Lua middleware correctly": "asks for Lua in nginx's configuration" },
  ),
];

const certificates = [
  upstreamFile("ssl/http_redirect.go", {
    "should redirect from HTTP to HTTPS when secret is missing": plain("redirect.com", {
      ingresses: [{ tls: ["redirect.com"] }],
      missing: ["redirect.com"],
      says: 'there is no Secret "default/redirect.com"',
      see: [{ status: 308, headers: { location: /^https:\/\/redirect\.com(?::\d+)?\/?$/ } }],
    }),
  }),
  upstreamFile("ssl/secret_update.go", {
    "should not appear references to secret updates not used in ingress rules": [
      plain("ssl-update", { objects: [secret("dummy", { key: "value" })] }),
      plain("ssl-update", { objects: [secret("dummy", { key: "value", "some-key": "some value" })] }),
    ],
    "should return the fake SSL certificate if the secret is invalid": shows("invalid-ssl", ownCertificate, {
      objects: [secret("invalid-ssl", {})],
      says: "no certificate and key in the Secret",
    }),
  }),
];

export const certificatesFiles: readonly UpstreamFile[] = [...defaultBackends, ...lua, ...certificates];
