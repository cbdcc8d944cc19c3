// What has to do with the connection, flags of the controller, and what there is no equivalent of.
import { connect } from "node:net";
import { expect } from "vitest";
import { tcpClient } from "../system/tcp.ts";
import { configMap, core } from "./manifests.ts";
import { plain } from "./states.ts";
import { upstreamFile, type Place, type State, type UpstreamFile } from "./upstream-test.ts";

const drained = "processes end and are replaced: `test/replacement.test.ts`, `test/serve.test.ts`";
const shutdown = [
  upstreamFile(
    "gracefulshutdown/grace_period.go",
    {},
    { "/healthz should return status code 500 during shutdown grace period": drained },
  ),
  upstreamFile(
    "gracefulshutdown/shutdown.go",
    {},
    { "should shutdown in less than 60 seconds without pending connections": drained },
  ),
];

const otherMetrics = "metrics have names of their own: `docs/operations.md`";
const aside = [
  upstreamFile(
    "metrics/metrics.go",
    {},
    {
      "exclude socket request metrics are absent": otherMetrics,
      "exclude socket request metrics are present": otherMetrics,
      "request metrics per undefined host are present when flag is set": otherMetrics,
      "request metrics per undefined host are not present when flag is not set": otherMetrics,
    },
  ),
  upstreamFile(
    "nginx/nginx.go",
    {},
    {
      "start nginx with default configuration": "asks of the image how nginx was built",
      "fails when using alias directive": "asks of the image how nginx was built",
      "fails when using root directive": "asks of the image how nginx was built",
    },
  ),
  upstreamFile(
    "status/update.go",
    {},
    {
      "should update status field after client-go reconnection":
        "nothing is written to the API server from files",
    },
  ),
  upstreamFile(
    "settings/disable_sync_events.go",
    {},
    {
      "should create sync events (default)": "no events are written to the API server",
      "should create sync events": "no events are written to the API server",
      "should not create sync events": "no events are written to the API server",
    },
  ),
  upstreamFile(
    "settings/namespace_selector.go",
    {},
    {
      "With specific watch-namespace-selector flags: should ignore Ingress of namespace without label foo=bar and accept those of namespace with label foo=bar":
        "a flag of the controller: which namespaces are served, the files say that are handed over",
    },
  ),
  upstreamFile(
    "settings/ocsp/ocsp.go",
    {},
    {
      "should enable OCSP and contain stapling information in the connection":
        "responses are not stapled; `enable-ocsp` is a warning",
    },
  ),
  upstreamFile(
    "settings/grpc.go",
    {},
    {
      "should set the correct GRPC Buffer Size":
        "`grpc-buffer-size-kb` is a warning; requests of gRPC: `test/grpc.test.ts`",
    },
  ),
  upstreamFile(
    "disableleaderelection/disable_leader.go",
    {},
    {
      "should create multiple ingress routings rules when leader election has disabled":
        "there are no leaders among gateways",
    },
  ),
  upstreamFile(
    "cgroups/cgroups.go",
    {},
    {
      "detects cgroups version v1": "how many workers nginx starts",
      "detect cgroups version v2": "how many workers nginx starts",
    },
  ),
  upstreamFile(
    "dbg/main.go",
    {},
    {
      "should list the backend servers": "the controller's own command; here `isthmus status` and `explain`",
      "should get information for a specific backend server":
        "the controller's own command; here `isthmus status` and `explain`",
      "should produce valid JSON for /dbg general":
        "the controller's own command; here `isthmus status` and `explain`",
    },
  ),
  upstreamFile(
    "leaks/lua_ssl.go",
    {},
    {
      "should not leak memory from ingress SSL certificates or configuration updates":
        "memory of nginx's Lua",
    },
  ),
];

const smuggled =
  "GET /echo HTTP/1.1\r\nHost: foo.bar.com\r\nContent-Length: 56\r\n\r\n" +
  "GET /_hidden/index.html HTTP/1.1\r\nHost: notlocalhost\r\n\r\n";

const security = upstreamFile("security/request_smuggling.go", {
  "should not return body content from error_page": plain("foo.bar.com", {
    ingresses: [
      {
        annotations: {
          "auth-signin": "https://signin.example/start",
          "auth-url": "http://AUTHORITY/basic-auth/user/passwd",
        },
      },
      {
        name: "hidden",
        host: "notlocalhost",
        annotations: { "configuration-snippet": "return 200 'This should be hidden!';" },
      },
    ],
    see: [{ status: 302 }, { ask: { host: "notlocalhost" } }],
    observe: async (_send, place) => {
      const client = tcpClient(place.http, undefined, place.address);
      client.write(smuggled);
      expect(await client.until("302")).not.toContain("hidden");
      client.end();
      expect(String(await client.all)).not.toContain("This should be hidden!");
    },
  }),
});

const defaultCertificate = "a flag of the controller: the first certificate is the default one";
const passedOn =
  "TLS that passes through: `test/ingress-controller.test.ts`; there is no port of its own for it";
const flags = [
  upstreamFile(
    "settings/ssl_passthrough.go",
    {},
    {
      "With enable-ssl-passthrough enabled: should enable ssl-passthrough-proxy-port on a different port":
        passedOn,
      "With enable-ssl-passthrough enabled: should pass unknown traffic to default backend and handle known traffic":
        passedOn,
    },
  ),
  upstreamFile(
    "settings/default_ssl_certificate.go",
    {},
    {
      "uses default ssl certificate for catch-all ingress": defaultCertificate,
      "uses default ssl certificate for host based ingress when configured certificate does not match host":
        defaultCertificate,
    },
  ),
  upstreamFile(
    "settings/disable_catch_all.go",
    { "should allow Ingress with rules": plain("foo") },
    {
      "should ignore catch all Ingress with backend": "a flag of the controller: such Ingresses are served",
      "should ignore catch all Ingress with backend and rules":
        "a flag of the controller: such Ingresses are served",
      "should delete Ingress updated to catch-all": "a flag of the controller: such Ingresses are served",
    },
  ),
  upstreamFile("settings/listen_nondefault_ports.go", {
    "with a plain HTTP ingress: should set X-Forwarded-Port headers accordingly when listening on a non-default HTTP port":
      plain("forwarded-headers", { see: [{ seen: { headers: { "x-forwarded-port": "80" } } }] }),
    "with a TLS enabled ingress: should set X-Forwarded-Port header to 443": plain("forwarded-headers", {
      ingresses: [{ tls: ["forwarded-headers"] }],
      see: [{ ask: { https: true }, seen: { headers: { "x-forwarded-port": "443" } } }],
    }),
    "with a TLS enabled ingress when external authentication is configured: should set the X-Forwarded-Port header to 443":
      plain("forwarded-headers", {
        ingresses: [
          {
            tls: ["forwarded-headers"],
            annotations: {
              "auth-url": "http://AUTHORITY/basic-auth/user/password",
              "auth-signin": "http://$host/auth/start",
            },
          },
        ],
        see: [
          {
            ask: { https: true, headers: { authorization: `Basic ${btoa("user:password")}` } },
            seen: { headers: { "x-forwarded-port": "443" } },
          },
        ],
      }),
  }),
];

/** What comes back when a connection begins with such a PROXY header. */
function proxied({ address, http }: Place, client: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(http, address);
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.once("end", () => done(text));
    socket.once("error", fail);
    socket.write(
      `PROXY TCP4 ${client} 192.168.0.11 56324 1234\r\n` +
        "GET / HTTP/1.1\r\nHost: proxy-protocol\r\nX-Forwarded-For: 192.168.0.111\r\nConnection: close\r\n\r\n",
    );
  });
}

/** A client that a proxy names, and whom its X-Forwarded-For makes of it. */
function overProxy(client: string, address: string): State {
  return plain("proxy-protocol", {
    settings: {
      "use-proxy-protocol": "true",
      "use-forwarded-headers": "true",
      "proxy-real-ip-cidr": "127.0.0.0/8",
    },
    see: [],
    observe: async (_send, place) => {
      const text = await proxied(place, client);
      expect(text).toContain('"host":"proxy-protocol"');
      expect(text).toContain('"x-forwarded-proto":"http"');
      expect(text).toContain(`"x-forwarded-for":"${address}"`);
    },
  });
}

const named443 = "the port that a PROXY header names is not read: endpoints are told that of the listener";
const proxyProtocol = upstreamFile(
  "settings/proxy_protocol.go",
  {
    "when use-forwarded-headers setting is true: should not trust X-Forwarded headers when the client IP address is not trusted":
      overProxy("192.168.0.1", "192.168.0.1"),
    "when use-forwarded-headers setting is true: should trust X-Forwarded headers when the client IP address is trusted":
      overProxy("127.0.0.9", "192.168.0.111"),
  },
  {
    "should respect port passed by the PROXY Protocol": named443,
    "should respect proto passed by the PROXY Protocol server port": named443,
    "should enable PROXY Protocol for HTTPS": named443,
    "should enable PROXY Protocol for TCP": "asks for a line of nginx's log",
  },
);

/** A port of the controller whose connections a Service gets. */
function tcpService(service: string, by: string, objects: readonly object[] = []): State {
  return plain("tcp", {
    ingresses: [{ service: by }],
    objects: [configMap("tcp-services", { "8080": service }, "ingress-nginx"), ...objects],
    see: [{ headers: { "x-served-by": by } }],
    observe: async (send, { tcp }) => expect((await send({ port: tcp })).headers["x-served-by"]).toBe(by),
  });
}

const tcpServices = upstreamFile("tcpudp/tcp.go", {
  "should expose a TCP service": tcpService("default/echo:80", "echo"),
  "should expose an ExternalName TCP service": {
    ...tcpService("default/dns:5353", "echo", [
      core("Service", "dns", {
        spec: { type: "ExternalName", externalName: "dns.example", ports: [{ port: 5353 }] },
      }),
    ]),
    observe: async () => undefined,
    backend: { protocol: "TCP", endpoints: [{ address: "dns.example", port: 5353, weight: 1 }] },
  },
  "should reload after an update in the configuration": [
    tcpService("default/first-service:80", "first-service"),
    tcpService("default/second-service:80", "second-service"),
  ],
});

export const asideFiles: readonly UpstreamFile[] = [
  security,
  ...flags,
  proxyProtocol,
  tcpServices,
  ...shutdown,
  ...aside,
];
