// `test/e2e` of ingress-nginx, `annotations`: what is spoken to endpoints, headers, error pages, networks, limits.
import { expect } from "vitest";
import { configMap } from "./manifests.ts";
import { annotated } from "./states.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const spoken = (value: string, protocol: string): State =>
  annotated("backendprotocol.foo.com", { "backend-protocol": value }, { see: [], backend: { protocol } });

const protocols = upstreamFile("annotations/backendprotocol.go", {
  "should set backend protocol to https:// and use proxy_pass": spoken("HTTPS", "HTTPS"),
  "should set backend protocol to https:// and use proxy_pass with lowercase annotation": spoken(
    "https",
    "HTTPS",
  ),
  "should set backend protocol to $scheme:// and use proxy_pass": annotated("backendprotocol.foo.com", {
    "backend-protocol": "AUTO_HTTP",
  }),
  "should set backend protocol to grpc:// and use grpc_pass": spoken("GRPC", "GRPC"),
  "should set backend protocol to grpcs:// and use grpc_pass": spoken("GRPCS", "GRPCS"),
  "should set backend protocol to '' and use fastcgi_pass": annotated(
    "backendprotocol.foo.com",
    { "backend-protocol": "FCGI" },
    { refused: "FastCGI", see: [{ status: 404 }] },
  ),
});

const bodyBuffer = (size: string): State =>
  annotated(
    "client-body-buffer-size.com",
    { "client-body-buffer-size": size },
    { warns: "client-body-buffer-size" },
  );

const bodyBuffers = upstreamFile("annotations/clientbodybuffersize.go", {
  ...Object.fromEntries(
    ["1000", "1K", "1k", "1m", "1M"].map((size) => [
      `should set client_body_buffer_size to ${size}`,
      bodyBuffer(size),
    ]),
  ),
  "should not set client_body_buffer_size to invalid 1b": bodyBuffer("1b"),
});

const connection = upstreamFile("annotations/connection.go", {
  "set connection header to keep-alive": annotated("connection.foo.com", {
    "connection-proxy-header": "keep-alive",
  }),
});

const customHeaders = upstreamFile("annotations/customheaders.go", {
  "should return status code 200 when no custom-headers is configured": annotated(
    "custom-headers",
    {},
    { see: [{ seen: { headers: { host: "custom-headers" } } }] },
  ),
  "should return status code 503 when custom-headers is configured with an invalid secret": annotated(
    "custom-headers",
    { "custom-headers": "default/custom-headers" },
    { warns: 'there is no ConfigMap "default/custom-headers"' },
  ),
  "should set \"more_set_headers 'My-Custom-Header' '42';\" when custom-headers are set": annotated(
    "custom-headers",
    { "custom-headers": "default/custom-headers" },
    {
      objects: [
        configMap("custom-headers", {
          "My-Custom-Header": "42",
          "My-Custom-Header-Dollar": "$remote_addr",
        }),
      ],
      settings: { "global-allowed-response-headers": "My-Custom-Header,My-Custom-Header-Dollar" },
      see: [{ headers: { "my-custom-header": "42", "my-custom-header-dollar": "$remote_addr" } }],
    },
  ),
});

const pages = (code: string, service: string): Seen["seen"] => ({
  headers: { "x-code": code, "x-service-name": service, "x-ingress-name": "main", "x-request-id": "unique" },
});
const unique = { "x-request-id": "unique" };

const errorPages = upstreamFile("annotations/customhttperrors.go", {
  "configures Nginx correctly": [
    annotated(
      "customerrors.foo.com",
      { "custom-http-errors": "404,500" },
      { warns: "custom-http-errors", see: [{ ask: { path: "/status/404" }, status: 404 }] },
    ),
    annotated(
      "customerrors.foo.com",
      { "custom-http-errors": "503", "default-backend": "from-annotation" },
      {
        see: [
          {
            ask: { path: "/status/503", headers: unique },
            headers: { "x-served-by": "from-annotation" },
            seen: pages("503", "echo")!,
          },
          { ask: { path: "/status/404" }, status: 404 },
        ],
      },
    ),
  ],
});

const defaultBackend = upstreamFile("annotations/default_backend.go", {
  "when default backend annotation is enabled: should use a custom default backend as upstream": {
    host: "default-backend",
    ingresses: [{ service: "invalid", annotations: { "default-backend": "echo" } }],
    missing: ["invalid"],
    see: [{ ask: { path: "/alma/armud", headers: unique }, seen: pages("503", "invalid")! }],
  },
});

const logsOff = (setting: string): State =>
  annotated("disableaccesslog.foo.com", {}, { settings: { [setting]: "true" }, warns: setting });

const logs = upstreamFile("annotations/disableaccesslog.go", {
  "disable-access-log set access_log off": logsOff("disable-access-log"),
  "disable-http-access-log set access_log off": logsOff("disable-http-access-log"),
  "disable-stream-access-log set access_log off": logsOff("disable-stream-access-log"),
});

const intercepted = (isOff: string, see: readonly Seen[]): State => ({
  host: "pie.foo.com",
  ingresses: [
    {
      service: "httpbun",
      annotations: {
        "custom-http-errors": "404",
        "disable-proxy-intercept-errors": isOff,
        "default-backend": "echo",
      },
    },
  ],
  see,
});
const notFound = { path: "/status/404", headers: unique };

const interceptErrors = upstreamFile("annotations/disableproxyintercepterrors.go", {
  "configures Nginx correctly": [
    intercepted("true", [{ ask: notFound, status: 404, headers: { "x-code": null } }]),
    intercepted("false", [{ ask: notFound, seen: pages("404", "httpbun")! }]),
  ],
});

const fastCgi = (more: Texts = {}, objects: readonly object[] = []): State =>
  annotated(
    "fastcgi",
    { "backend-protocol": "FCGI", ...more },
    { objects, refused: "FastCGI", see: [{ status: 404 }] },
  );

const fastCgiFile = upstreamFile("annotations/fastcgi.go", {
  "should use fastcgi_pass in the configuration file": fastCgi(),
  "should add fastcgi_index in the configuration file": fastCgi({ "fastcgi-index": "index.php" }),
  "should add fastcgi_param in the configuration file": fastCgi(
    { "fastcgi-params-configmap": "fastcgi-configmap" },
    [
      configMap("fastcgi-configmap", {
        SCRIPT_FILENAME: "$fastcgi_script_name",
        REDIRECT_STATUS: "200",
      }),
    ],
  ),
  "should return OK for service with backend protocol FastCGI": fastCgi(),
});

const grpcElsewhere =
  "requests of gRPC go through an agent: `test/conformance/grpc-route.ts` and `test/grpc.test.ts`";
const grpc = upstreamFile(
  "annotations/grpc.go",
  {},
  {
    "should return OK for service with backend protocol GRPC": grpcElsewhere,
    "authorization metadata should be overwritten by external auth response headers": grpcElsewhere,
    "should return OK for service with backend protocol GRPCS": grpcElsewhere,
    "should return OK when request not exceed timeout": grpcElsewhere,
    "should return Error when request exceed timeout": grpcElsewhere,
  },
);

const preload = upstreamFile("annotations/http2pushpreload.go", {
  "enable the http2-push-preload directive": annotated(
    "http2pp.foo.com",
    { "http2-push-preload": "true" },
    { warns: "http2-push-preload" },
  ),
});

const from = (address: string, status = 200): Seen => ({
  ask: { headers: { "x-forwarded-for": address } },
  status,
});
const believed = { "use-forwarded-headers": "true", "proxy-real-ip-cidr": "127.0.0.0/8" };

const allowList = upstreamFile("annotations/ipallowlist.go", {
  "should set valid ip allowlist range": annotated(
    "ipallowlist.foo.com",
    { "allowlist-source-range": "18.0.0.0/8, 56.0.0.0/8" },
    {
      settings: believed,
      see: [from("18.0.0.1"), from("56.1.2.3"), from("57.0.0.1", 403), { status: 403 }],
    },
  ),
});

const denyList = upstreamFile("annotations/ipdenylist.go", {
  "only deny explicitly denied IPs, allow all others": annotated(
    "ipdenylist.foo.com",
    { "denylist-source-range": "18.0.0.0/8, 56.0.0.1" },
    { settings: believed, see: [from("18.0.0.1", 403), from("56.0.0.1", 403), from("56.0.0.2")] },
  ),
  "only allow explicitly allowed IPs, deny all others": annotated(
    "ipdenylist.foo.com",
    {
      "denylist-source-range": "18.1.0.0/16, 56.0.0.0/8",
      "whitelist-source-range": "18.0.0.0/8, 55.0.0.0/8",
    },
    {
      settings: believed,
      see: [from("18.1.0.1", 403), from("10.10.10.10", 403), from("18.4.0.1"), from("55.55.55.55")],
    },
  ),
});

const connections = upstreamFile("annotations/limitconnections.go", {
  "should limit-connections": {
    host: "limit-connections",
    ingresses: [{ annotations: { "limit-connections": "8" } }, { name: "free", host: "free" }],
    // Those that are let in wait for the others to be refused.
    observe: async (send) => {
      const statuses: number[] = [];
      const asked = Array.from({ length: 20 }, async () => {
        const { status } = await send({ path: "/held" });
        statuses.push(status);
        if (statuses.length === 12) await send({ host: "free", path: "/release" });
      });
      await Promise.all(asked);
      expect(statuses.toSorted()).toEqual([...Array(8).fill(200), ...Array(12).fill(503)]);
    },
  },
});

export const proxyingFiles: readonly UpstreamFile[] = [
  protocols,
  bodyBuffers,
  connection,
  customHeaders,
  errorPages,
  defaultBackend,
  logs,
  interceptErrors,
  fastCgiFile,
  grpc,
  preload,
  allowList,
  denyList,
  connections,
];
